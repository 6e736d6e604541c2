//! Answers in one piece: whole, or an error; never a part of one under status 200.

use std::time::Duration;

use llm_proxy_test_support::{Action, Behaviour, FaultUpstream, Framing, Point};
use rstest::rstest;
use serde_json::json;

use crate::harness::{CHAT, TestService, chat, post};

const SECRET: &str = "half-of-this-must-not-come";

fn said() -> Behaviour {
    Behaviour::chat(SECRET.repeat(20))
}

#[rstest]
#[case::at_the_start(0)]
#[case::in_the_middle(200)]
#[case::before_the_last_byte(usize::MAX)]
#[actix_web::test]
async fn an_answer_that_is_cut_is_502(
    #[case] place: usize,
    #[values(Action::Close, Action::Reset)] action: Action,
    #[values(Framing::ContentLength, Framing::Chunked, Framing::CloseDelimited)] framing: Framing,
    #[values(false, true)] compressed: bool,
) {
    let upstream = FaultUpstream::start();
    let behaviour = said().framing(framing);
    let behaviour = if compressed { behaviour.gzip() } else { behaviour };
    upstream.default_behaviour(behaviour.clone());
    let mut direct = crate::harness::Client::connect(upstream.port()).await;
    let length = direct.ask(&post(CHAT, chat("m"))).await.body.len();
    let place = place.min(length - 1);
    let place = if compressed { place.min(30) } else { place };
    upstream.default_behaviour(behaviour.fault(Point::BodyBytes(place), action));
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    let error = answer.assert_refused(502);
    assert_eq!(error.kind, "upstream_error");
    assert!(!answer.text().contains(SECRET), "{}", answer.text());
    let record = service.usage(answer.id()).await;
    assert_ne!(record["end"], "complete");
    assert_ne!(record["end"], "cancelled");
    assert_ne!(record["provenance"], "reported");
}

#[rstest]
#[case::longer_than_it_is(said().framing(Framing::ContentLengthOffBy(10)))]
#[case::shorter_than_it_is(said().framing(Framing::ContentLengthOffBy(-10)))]
#[case::with_a_chunk_without_a_size(said().framing(Framing::Chunked).after_events(0, Action::BadChunkSize))]
#[case::ended_before_it_began(said().framing(Framing::Chunked).clean_end_after_events(0))]
#[actix_web::test]
async fn an_answer_that_is_not_what_its_framing_says_is_502(#[case] behaviour: Behaviour) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    answer.assert_refused(502);
    assert!(!answer.text().contains(SECRET), "{}", answer.text());
    // What stood behind a wrong length must not become the next answer.
    upstream.default_behaviour(Behaviour::chat("the next"));
    for _ in 0..3 {
        let next = service.ask(&post(CHAT, chat("m"))).await;
        assert_eq!(next.json()["choices"][0]["message"]["content"], "the next");
    }
}

#[rstest]
#[case::at_the_start(0)]
#[case::in_the_middle(200)]
#[actix_web::test]
async fn an_answer_that_stalls_is_504_after_the_idle_timeout(#[case] place: usize) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(said().fault(Point::BodyBytes(place), Action::Stall));
    let service = TestService::start(|vars| vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.3));
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.assert_refused(504).code, "idle_timeout");
    let took = answer.took;
    assert!(took > Duration::from_millis(290) && took < Duration::from_millis(1300), "{took:?}");
    assert!(upstream.wait_for_closure(Duration::from_secs(1)).await.is_some());
}

#[rstest]
#[case::with_its_length(said())]
#[case::in_chunks(said().framing(Framing::Chunked))]
#[case::until_the_connection_closes(said().framing(Framing::CloseDelimited))]
#[case::in_writes_of_seven_bytes(said().write_size(7))]
#[case::in_chunks_of_one_write_each(said().framing(Framing::Chunked).write_size(1))]
#[actix_web::test]
async fn an_answer_that_is_whole_is_passed_on_as_it_is(#[case] behaviour: Behaviour) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    let mut direct = crate::harness::Client::connect(upstream.port()).await;
    let expected = direct.ask(&post(CHAT, chat("m"))).await;
    assert_eq!((answer.status, &answer.body), (200, &expected.body));
    assert_eq!(answer.header("content-length"), Some(&*expected.body.len().to_string()));
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
}

/// Between two bytes there is never much silence: slow is no reason to give up.
#[actix_web::test]
async fn a_slow_answer_that_goes_on_is_waited_for() {
    let upstream = FaultUpstream::start();
    let mut slow = said().write_size(64);
    slow.pace.write_gap_ms = 60;
    upstream.default_behaviour(slow);
    let service = TestService::start(|vars| vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.4));
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.took > Duration::from_millis(600), "{:?}", answer.took);
}
