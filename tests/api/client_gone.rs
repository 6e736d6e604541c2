//! A caller that leaves: its upstream call is closed at once, and what it had got is on record.

use std::time::{Duration, Instant};

use llm_proxy_test_support::{Action, Behaviour, Body, Endless, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{CHAT, Client, QUICKLY, SOON, TestService, chat, post, streamed, wait_for};

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leave {
    Fin,
    Reset,
}

impl Leave {
    fn with(self, client: Client) -> Instant {
        match self {
            Self::Fin => client.leave(),
            Self::Reset => client.reset(),
        }
    }
}

const ID: &str = "the-one-that-leaves";

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
    client: Client,
}

impl Scene {
    /// A request that the upstream has got.
    async fn asked(behaviour: Behaviour, body: Value, keepalive_s: f64) -> Self {
        let upstream = FaultUpstream::start();
        upstream.default_behaviour(behaviour);
        let service =
            TestService::start(|vars| vars.before(&upstream).set("KEEPALIVE_INTERVAL_S", keepalive_s));
        let mut client = service.connect().await;
        client.send(post(CHAT, body).id(ID).bytes()).await;
        assert!(upstream.wait_for_requests(1, SOON).await.is_some());
        Self { upstream, service, client }
    }

    /// Leaves; the time until the upstream noticed, and the record.
    async fn leave(self, how: Leave) -> (Duration, Value) {
        let Self { upstream, service, client } = self;
        let left_at = how.with(client);
        let closure = upstream.wait_for_closure(SOON).await.expect("a closed upstream connection");
        let latency = closure.at.saturating_duration_since(left_at);
        assert!(latency < QUICKLY, "{latency:?}");
        let record = service.usage(ID).await;
        assert_eq!((&record["end"], &record["error"]), (&json!("cancelled"), &Value::Null), "{record}");
        assert_eq!(record["provenance"], "counted");
        let access = service.access(ID).await;
        assert_eq!(access["finished"], false, "{access}");
        service.assert_serves().await;
        (latency, record)
    }
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn who_leaves_while_the_head_is_awaited_is_noticed_at_once(
    #[case] body: Value,
    #[values(Leave::Fin, Leave::Reset)] how: Leave,
) {
    let scene = Scene::asked(Behaviour::stall_before_head(), body, 15.0).await;
    let (_, record) = scene.leave(how).await;
    // The prompt was processed, as far as anybody knows.
    assert_eq!(record["completion_tokens"], 0);
    assert!(record["prompt_tokens"].as_u64().unwrap() > 0);
}

#[rstest]
#[actix_web::test]
async fn who_leaves_between_comments_is_noticed_at_once(#[values(Leave::Fin, Leave::Reset)] how: Leave) {
    let mut scene = Scene::asked(Behaviour::stall_before_head(), streamed("m"), 0.1).await;
    assert_eq!(scene.client.head().await.status, 200);
    let comments = scene.client.events(2).await;
    assert!(comments.iter().all(crate::harness::Event::is_comment));
    let (_, record) = scene.leave(how).await;
    assert_eq!(record["relayed_deltas"], 0);
}

#[rstest]
#[actix_web::test]
async fn who_leaves_in_mid_stream_is_noticed_at_once(#[values(Leave::Fin, Leave::Reset)] how: Leave) {
    let behaviour = Behaviour::long_stream(2000, 4).gap_ms(5);
    let mut scene = Scene::asked(behaviour, streamed("m"), 15.0).await;
    assert_eq!(scene.client.head().await.status, 200);
    let seen = scene.client.events(11).await.len() as u64 - 1;
    let (_, record) = scene.leave(how).await;
    let counted = record["relayed_deltas"].as_u64().unwrap();
    assert!(counted >= seen && counted < seen + 50, "{record}");
    assert_eq!(record["completion_tokens"], counted);
}

#[rstest]
#[actix_web::test]
async fn who_leaves_during_silence_is_noticed_at_once(#[values(Leave::Fin, Leave::Reset)] how: Leave) {
    let behaviour = Behaviour::long_stream(10, 4).stall_after_events(4);
    let mut scene = Scene::asked(behaviour, streamed("m"), 15.0).await;
    assert_eq!(scene.client.head().await.status, 200);
    scene.client.events(4).await;
    let (_, record) = scene.leave(how).await;
    assert_eq!((&record["relayed_deltas"], &record["completion_tokens"]), (&json!(3), &json!(3)));
    assert!(record["prompt_tokens"].as_u64().unwrap() > 0);
    assert!(record["time_to_first_token_ms"].is_number());
}

/// The service cannot write any more, and so does not read: it must look for the end all the same.
#[rstest]
#[actix_web::test]
async fn who_leaves_without_having_read_is_noticed_at_once(#[values(Leave::Fin, Leave::Reset)] how: Leave) {
    let endless = Body::Endless(Endless { text_bytes: 4000 });
    let behaviour = Behaviour::from_body(endless).send_buffer_bytes(8192);
    let scene = Scene::asked(behaviour, streamed("m"), 15.0).await;
    let stuck = scene.upstream.wait_until(SOON, |connections| {
        let since = connections.open.first().and_then(|connection| connection.blocked_since);
        since.is_some_and(|since| since.elapsed() > Duration::from_millis(200))
    });
    assert!(stuck.await);
    scene.leave(how).await;
}

#[actix_web::test]
async fn who_leaves_in_the_middle_of_a_whole_answer_is_noticed_at_once() {
    let mut slow = Behaviour::chat("x".repeat(100_000)).write_size(50);
    slow.pace.write_gap_ms = 10;
    let scene = Scene::asked(slow, chat("m"), 15.0).await;
    scene.leave(Leave::Fin).await;
}

#[actix_web::test]
async fn who_leaves_in_the_middle_of_its_request_has_asked_nobody() {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let bytes = post(CHAT, chat("m")).id(ID).bytes();
    let mut client = service.connect().await;
    client.send(&bytes[..bytes.len() - 5]).await;
    client.leave();
    // The line is written when the service has noticed.
    service.access(ID).await;
    assert!(upstream.requests().is_empty());
    assert!(service.lines.records("usage").is_empty());
    service.assert_serves().await;
}

/// A connection that was dropped in the middle of an answer must not serve another.
#[actix_web::test]
async fn what_was_left_is_not_what_the_next_one_gets() {
    let behaviour = Behaviour::chat_stream(["for the first"]).stall_after_events(2);
    let mut scene = Scene::asked(behaviour, streamed("m"), 15.0).await;
    scene.client.head().await;
    scene.client.events(2).await;
    scene.upstream.default_behaviour(Behaviour::chat("for the second"));
    scene.client.leave();
    let answer = scene.service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "for the second");
}

/// Prints what was measured: the aim is a 99th percentile of 50 ms.
#[actix_web::test]
async fn a_hundred_who_leave_are_noticed_within_the_aim() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::long_stream(10, 4).stall_after_events(4));
    let service = TestService::before(&upstream);
    let mut latencies = Vec::new();
    for _ in 0..100 {
        let mut client = service.connect().await;
        client.begin(&post(CHAT, streamed("m"))).await;
        client.events(4).await;
        let left_at = client.leave();
        let closure = upstream.wait_for_closure(SOON).await.unwrap();
        latencies.push(closure.at.saturating_duration_since(left_at));
    }
    latencies.sort_unstable();
    let (median, high, worst) = (latencies[49], latencies[98], latencies[99]);
    println!("client gone -> upstream closed: median {median:?}, p99 {high:?}, worst {worst:?}");
    assert!(median < Duration::from_millis(50), "{latencies:?}");
    assert!(worst < QUICKLY, "{latencies:?}");
    let closed = wait_for("the records", || {
        let records = service.lines.records("usage");
        (records.len() == 100).then_some(records)
    });
    assert!(closed.await.iter().all(|record| record["end"] == "cancelled"));
}

#[actix_web::test]
async fn one_who_leaves_takes_no_other_along() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::long_stream(20, 4).gap_ms(10));
    let service = TestService::before(&upstream);
    let mut leaving = service.connect().await;
    leaving.begin(&post(CHAT, streamed("m"))).await;
    let mut staying = service.connect().await;
    staying.begin(&post(CHAT, streamed("m"))).await;
    leaving.events(3).await;
    leaving.leave();
    let (events, complete) = staying.all_events().await;
    assert!(complete && events.last().unwrap().is_done());
}

/// Where the provider bills all of an answer anyway, its end says how much.
#[rstest]
#[case::it_ends_in_time(0, "reported", 4)]
#[case::it_does_not(60_000, "counted", 1)]
#[actix_web::test]
async fn a_stream_of_a_provider_that_bills_on_is_read_on_for_a_while(
    #[case] gap_ms: u64,
    #[case] provenance: &str,
    #[case] completion_tokens: u64,
) {
    let yaml = "model_list:\n- {model_name: m, litellm_params: {model: openai/x, api_base: UPSTREAM/v1, \
                api_key: k}, llm_proxy: {drain_cancelled_s: 0.5}}";
    let upstream = FaultUpstream::start();
    let pieces = Behaviour::chat_stream(["You ", "all ", "are ", "here"]);
    upstream.default_behaviour(
        pieces.after_events(2, Action::PauseMs(300)).after_events(3, Action::PauseMs(gap_ms)),
    );
    let service = TestService::native(&upstream, yaml);
    let mut client = service.connect().await;
    client.send(post(CHAT, streamed("m")).id(ID).bytes()).await;
    client.head().await;
    client.events(2).await;
    client.leave();
    let record = service.usage(ID).await;
    let told =
        (&record["end"], &record["provenance"], &record["relayed_deltas"], &record["completion_tokens"]);
    assert_eq!(
        told,
        (&json!("cancelled"), &json!(provenance), &json!(1), &json!(completion_tokens)),
        "{record}"
    );
    assert!(upstream.wait_for_closure(SOON).await.is_some() || provenance == "reported");
}
