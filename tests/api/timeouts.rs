//! Nothing waits for ever: each part of a call has its limit, and the whole has one too.

use std::time::Duration;

use llm_proxy_test_support::{
    Action, Behaviour, Body, Connections, Endless, FaultUpstream, OpenConnection, Point,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, Event, SOON, TestService, Variables, chat, post, streamed, text_of,
};

fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    upstream
}

fn with(upstream: &FaultUpstream, name: &'static str, seconds: f64) -> TestService {
    TestService::start(|vars: Variables| vars.before(upstream).set(name, seconds))
}

/// Fails unless `answer` came after `limit`, and not much later.
#[track_caller]
fn assert_took(answer: &Answer, limit_ms: u64) {
    let limit = Duration::from_millis(limit_ms);
    let slack = Duration::from_secs(1);
    assert!(answer.took >= limit - Duration::from_millis(10), "{:?}", answer.took);
    assert!(answer.took < limit + slack, "{:?}", answer.took);
}

/// The error that a stream ended with.
fn last_error(events: &[Event]) -> String {
    assert!(!events.iter().any(Event::is_done), "{events:?}");
    let json = events.last().unwrap().json();
    crate::harness::OpenAiError::read(&json).code
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn a_head_that_does_not_come_is_504(#[case] body: Value) {
    let upstream = upstream(Behaviour::stall_before_head());
    let service = with(&upstream, "FIRST_BYTE_TIMEOUT_S", 0.3);
    let answer = service.ask(&post(CHAT, body)).await;
    let error = answer.assert_refused(504);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("first_byte_timeout", "upstream_error"));
    assert_took(&answer, 300);
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("upstream_timeout")));
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn a_head_that_comes_byte_by_byte_must_come_in_time(#[case] body: Value) {
    let upstream = upstream(Behaviour::default().slow_head(20));
    let service = with(&upstream, "FIRST_BYTE_TIMEOUT_S", 0.3);
    let answer = service.ask(&post(CHAT, body)).await;
    assert_eq!(answer.assert_refused(504).code, "first_byte_timeout");
    assert_took(&answer, 300);
}

#[rstest]
#[case::half_of_it(Point::HeadBytes(20))]
#[case::all_but_its_end(Point::HeadBytes(70))]
#[actix_web::test]
async fn a_head_that_stops_is_504(#[case] place: Point) {
    let upstream = upstream(Behaviour::default().fault(place, Action::Stall));
    let service = with(&upstream, "FIRST_BYTE_TIMEOUT_S", 0.3);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.assert_refused(504).code, "first_byte_timeout");
}

/// Heads that only announce are no answer.
#[actix_web::test]
async fn a_head_before_the_head_does_not_stop_the_clock() {
    let upstream = upstream(Behaviour::stall_before_head().informational(103));
    let service = with(&upstream, "FIRST_BYTE_TIMEOUT_S", 0.3);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.assert_refused(504).code, "first_byte_timeout");
}

#[actix_web::test]
async fn a_comment_does_not_stop_the_first_byte_timeout() {
    let upstream = upstream(Behaviour::stall_before_head());
    let service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("KEEPALIVE_INTERVAL_S", 0.1);
        vars.set("FIRST_BYTE_TIMEOUT_S", 0.5)
    });
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert_took(&answer, 500);
    assert_eq!(last_error(&answer.events()), "first_byte_timeout");
    assert!(answer.complete);
    assert_eq!(service.usage(answer.id()).await["end"], "failed");
}

#[rstest]
#[case::before_the_head(Behaviour::stall_before_head())]
#[case::in_the_body(Behaviour::default().fault(Point::BodyBytes(20), Action::Stall))]
#[case::drop_by_drop({ let mut b = Behaviour::chat("x".repeat(5000)).write_size(20); b.pace.write_gap_ms = 20; b })]
#[actix_web::test]
async fn a_whole_answer_has_a_deadline(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = with(&upstream, "REQUEST_TIMEOUT_S", 0.5);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    let error = answer.assert_refused(504);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("deadline_exceeded", "server_error"));
    assert_took(&answer, 500);
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    assert_eq!(service.usage(answer.id()).await["error"], "deadline_exceeded");
}

#[rstest]
#[case::in_silence(Behaviour::chat_stream(["a", "b"]).stall_after_events(2))]
#[case::between_events(Behaviour::long_stream(500, 10).gap_ms(20))]
#[case::under_fire(Behaviour::endless())]
#[actix_web::test]
async fn a_stream_has_a_deadline(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = with(&upstream, "REQUEST_TIMEOUT_S", 0.5);
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m"))).await;
    assert_eq!(head.status, 200);
    let read = tokio::time::timeout(SOON, client.all_events()).await;
    let (events, complete) = read.expect("the end of the stream");
    assert!(complete);
    assert_eq!(last_error(&events), "deadline_exceeded");
    assert!(!text_of(&events[..events.len() - 1]).is_empty());
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    let record = service.usage(head.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("failed"), &json!("counted")));
    let text_events = events.len() as u64 - 1;
    assert!(record["relayed_deltas"].as_u64().unwrap() <= text_events);
    assert!(record["relayed_deltas"].as_u64().unwrap() + 1 >= text_events);
}

#[actix_web::test]
async fn a_stream_without_a_head_has_a_deadline() {
    let upstream = upstream(Behaviour::stall_before_head());
    let service = with(&upstream, "REQUEST_TIMEOUT_S", 0.4);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert_eq!(answer.assert_refused(504).code, "deadline_exceeded");
    assert_took(&answer, 400);
}

/// A reader that stops reading holds an upstream that may be billed by the minute. Nothing can be
/// written to it, so nothing moves: the clock alone can end it. Six of them, because what each had
/// last done when it got stuck is up to chance.
#[actix_web::test]
async fn the_deadline_holds_for_readers_that_do_not_read() {
    let endless = Body::Endless(Endless { text_bytes: 10_000 });
    let upstream = upstream(Behaviour::from_body(endless).send_buffer_bytes(8192));
    let service = with(&upstream, "REQUEST_TIMEOUT_S", 8.0);
    let mut sleeping = Vec::new();
    for n in 0..6 {
        let mut client = Client::connect_narrowly(service.port).await;
        client.begin(&post(CHAT, streamed("m")).id(&format!("sleeper-{n}"))).await;
        sleeping.push(client);
    }
    let is_stuck = |connection: &OpenConnection| {
        connection.blocked_since.is_some_and(|since| since.elapsed() > Duration::from_millis(200))
    };
    let are_stuck =
        move |connections: &Connections| connections.open.len() == 6 && connections.open.iter().all(is_stuck);
    assert!(upstream.wait_until(SOON, are_stuck).await);
    let closed = upstream.wait_until(SOON, |connections| connections.open.is_empty()).await;
    let open = upstream.connections().open.len();
    assert!(closed, "{open} upstream connections still wait for nobody");
    drop(sleeping);
    for n in 0..6 {
        assert_ne!(service.usage(&format!("sleeper-{n}")).await["end"], "complete");
    }
}

#[actix_web::test]
async fn a_stream_that_goes_on_slowly_is_not_idle() {
    let upstream = upstream(Behaviour::long_stream(10, 4).gap_ms(100));
    let service = with(&upstream, "IDLE_TIMEOUT_S", 0.4);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert!(answer.events().last().unwrap().is_done());
    assert!(answer.took > Duration::from_millis(900));
}

/// Comments of the upstream are signs of life too.
#[actix_web::test]
async fn a_stream_of_comments_is_not_idle() {
    let ping = |behaviour: Behaviour, _| {
        let ping = Action::Insert(": ping\n\n".to_owned());
        behaviour.after_events(2, Action::PauseMs(150)).after_events(2, ping)
    };
    let behaviour = (0..6).fold(Behaviour::chat_stream(["a", "b"]), ping);
    let upstream = upstream(behaviour);
    let service = with(&upstream, "IDLE_TIMEOUT_S", 0.5);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert!(answer.events().last().unwrap().is_done());
    assert!(answer.took > Duration::from_millis(800), "{:?}", answer.took);
}
