//! The end of the service: announced, not before open answers had their time, and never in silence.

use std::time::{Duration, Instant};

use llm_proxy_test_support::{Behaviour, FaultUpstream, Point};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    CHAT, Client, Event, OpenAiError, Program, QUICKLY, SOON, TestService, chat, get, post, streamed,
};

/// A stream of about half a second.
fn half_a_second() -> Behaviour {
    Behaviour::long_stream(10, 4).gap_ms(50)
}

fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.on("m", behaviour);
    upstream
}

/// A client in the middle of a stream.
async fn streaming(service: &TestService) -> Client {
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m")).id("the-open-stream")).await;
    assert_eq!(head.status, 200);
    client.events(2).await;
    client
}

/// Waits until readiness tells that the service stops.
async fn stopping(service: &TestService) {
    let deadline = Instant::now() + SOON;
    loop {
        let answer = service.ask(&get("/health/ready")).await;
        if answer.status == 503 {
            assert_eq!(answer.json()["status"], "stopping");
            return;
        }
        assert!(Instant::now() < deadline, "never stopping");
    }
}

#[actix_web::test]
async fn during_the_drain_nothing_new_is_admitted_and_the_open_stream_ends_well() {
    let upstream = upstream(half_a_second());
    let mut service = TestService::before(&upstream);
    let mut client = streaming(&service).await;
    let stopped_at = service.stop();
    stopping(&service).await;
    assert_eq!(service.ask(&get("/health/live")).await.status, 200);
    for body in [chat("m"), streamed("m")] {
        let answer = service.ask(&post(CHAT, body)).await;
        let error = answer.assert_refused(503);
        assert_eq!((error.code.as_str(), error.kind.as_str()), ("shutting_down", "server_error"));
        assert!(answer.header("retry-after").is_some());
    }
    let (events, complete) = client.all_events().await;
    assert!(complete && events.last().unwrap().is_done());
    drop(client);
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
    assert_eq!(service.usage("the-open-stream").await["end"], "complete");
    assert_eq!(upstream.requests().iter().filter(|r| r.method == "POST").count(), 1);
}

#[actix_web::test]
async fn a_whole_answer_ends_well_in_the_drain_too() {
    let upstream = upstream(Behaviour::chat("in time").delay_ms(300));
    let mut service = TestService::before(&upstream);
    let mut client = service.connect().await;
    client.send(post(CHAT, chat("m")).bytes()).await;
    assert!(upstream.wait_for_requests(1, SOON).await.is_some());
    let stopped_at = service.stop();
    let answer = client.answer().await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "in time");
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
}

/// Fails unless the events end as they must where the window is over.
fn assert_cut(events: &[Event], complete: bool) {
    assert!(complete, "{events:?}");
    assert!(!events.iter().any(Event::is_done), "{events:?}");
    let error = OpenAiError::read(&events.last().unwrap().json());
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("shutting_down", "server_error"));
}

#[rstest]
#[case::in_silence(Behaviour::long_stream(10, 4).stall_after_events(3))]
#[case::between_events(Behaviour::long_stream(500, 4).gap_ms(10))]
#[case::under_fire(Behaviour::endless())]
#[actix_web::test]
async fn a_stream_that_outlasts_the_window_ends_with_an_error(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let mut service = TestService::start(|vars| vars.before(&upstream).set("DRAIN_TIMEOUT_S", 0.3));
    let mut client = streaming(&service).await;
    let stopped_at = service.stop();
    let (events, complete) = client.all_events().await;
    assert_cut(&events, complete);
    assert!(stopped_at.elapsed() >= Duration::from_millis(290));
    drop(client);
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < Duration::from_secs(4), "{:?}", ended.took);
    let record = service.usage("the-open-stream").await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("shutting_down")));
    assert_eq!(record["provenance"], "counted");
    assert!(upstream.wait_for_closure(SOON).await.is_some());
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn a_request_without_a_head_that_outlasts_the_window_is_503(#[case] body: Value) {
    let upstream = upstream(Behaviour::stall_before_head());
    let mut service = TestService::start(|vars| vars.before(&upstream).set("DRAIN_TIMEOUT_S", 0.3));
    let mut client = service.connect().await;
    client.send(post(CHAT, body).bytes()).await;
    assert!(upstream.wait_for_requests(1, SOON).await.is_some());
    let stopped_at = service.stop();
    assert_eq!(client.answer().await.assert_refused(503).code, "shutting_down");
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
}

#[actix_web::test]
async fn a_stream_of_comments_that_outlasts_the_window_ends_with_an_error() {
    let upstream = upstream(Behaviour::stall_before_head());
    let mut service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("DRAIN_TIMEOUT_S", 0.3);
        vars.set("KEEPALIVE_INTERVAL_S", 0.1)
    });
    let mut client = service.connect().await;
    client.begin(&post(CHAT, streamed("m"))).await;
    client.events(1).await;
    let stopped_at = service.stop();
    let (events, complete) = client.all_events().await;
    assert_cut(&events, complete);
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
}

#[actix_web::test]
async fn a_second_word_ends_the_window() {
    let upstream = upstream(Behaviour::long_stream(10, 4).stall_after_events(3));
    let mut service = TestService::start(|vars| vars.before(&upstream).set("DRAIN_TIMEOUT_S", 60));
    let mut client = streaming(&service).await;
    let stopped_at = service.stop();
    stopping(&service).await;
    service.stop();
    let (events, complete) = client.all_events().await;
    assert_cut(&events, complete);
    drop(client);
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < Duration::from_secs(4), "{:?}", ended.took);
}

#[actix_web::test]
async fn a_window_of_nothing_cuts_at_once() {
    let upstream = upstream(Behaviour::long_stream(10, 4).stall_after_events(3));
    let mut service = TestService::start(|vars| vars.before(&upstream).set("DRAIN_TIMEOUT_S", 0));
    let mut client = streaming(&service).await;
    let stopped_at = service.stop();
    let (events, complete) = client.all_events().await;
    assert_cut(&events, complete);
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
}

#[actix_web::test]
async fn a_service_without_work_ends_at_once() {
    let mut service = TestService::mock();
    service.assert_serves().await;
    let stopped_at = service.stop();
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < QUICKLY, "{:?}", ended.took);
}

#[rstest]
#[case::that_served(true)]
#[case::that_never_asked(false)]
#[actix_web::test]
async fn an_idle_connection_does_not_delay_the_end(#[case] served: bool) {
    let mut service = TestService::mock();
    let mut idle = Vec::new();
    for _ in 0..5 {
        let mut client = service.connect().await;
        if served {
            assert_eq!(client.ask(&post(CHAT, chat("m"))).await.status, 200);
        }
        idle.push(client);
    }
    service.assert_serves().await;
    let stopped_at = service.stop();
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < QUICKLY, "{:?}", ended.took);
    for client in &mut idle {
        assert!(client.is_closed_within(QUICKLY).await);
    }
}

/// Bytes that are on their way when the word comes are not cut off in silence.
#[actix_web::test]
async fn an_answer_that_is_being_read_slowly_arrives_whole() {
    let text = "x".repeat(16 << 20);
    let upstream = upstream(Behaviour::chat(text.as_str()));
    let mut service = TestService::before(&upstream);
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, chat("m"))).await;
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    let stopped_at = service.stop();
    // Longer than the server itself waits for the last bytes.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (body, complete) = client.rest().await;
    assert!(complete, "{} of {length} bytes", body.len());
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
}

#[actix_web::test]
async fn after_the_end_nobody_listens() {
    let mut service = TestService::mock();
    let port = service.port;
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
    assert!(connected.is_err());
}

#[rstest]
#[case::sigterm("TERM")]
#[case::sigint("INT")]
#[actix_web::test]
async fn the_program_ends_its_stream_and_exits_with_0_on(#[case] signal: &str) {
    let mut program = Program::start(|vars| vars.mock().set("MOCK_DELAY_MS", 100));
    let mut client = program.connect().await;
    client.begin(&post(CHAT, streamed("mock"))).await;
    client.events(1).await;
    program.signal(signal);
    let (events, complete) = client.all_events().await;
    assert!(complete && events.last().unwrap().is_done());
    drop(client);
    assert_eq!(program.exit_code().await, Some(0));
}

#[actix_web::test]
async fn the_program_cuts_what_is_left_after_its_window_and_exits_with_0() {
    let mut program = Program::start(|vars| vars.mock().set("DRAIN_TIMEOUT_S", 0.3));
    let mut client = program.connect().await;
    client.begin(&post(CHAT, streamed("mock-stall"))).await;
    client.events(2).await;
    program.signal("TERM");
    let (events, complete) = client.all_events().await;
    assert_cut(&events, complete);
    drop(client);
    assert_eq!(program.exit_code().await, Some(0));
}

/// Where the upstream takes its time to end its body, the caller has everything already.
#[actix_web::test]
async fn a_stream_that_is_done_does_not_delay_the_end() {
    let slow_end = llm_proxy_test_support::Action::Stall;
    let upstream = upstream(Behaviour::chat_stream(["a"]).fault(Point::Events(99), slow_end));
    let mut service = TestService::before(&upstream);
    let mut client = service.connect().await;
    client.begin(&post(CHAT, streamed("m"))).await;
    client.all_events().await;
    drop(client);
    let stopped_at = service.stop();
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < 2 * QUICKLY, "{:?}", ended.took);
}
