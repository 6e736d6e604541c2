//! Notices of all requests, live, on `/v1/llm/events`.

use rstest::rstest;

use crate::harness::{Client, QUICKLY, Request, TestService, get};

const EVENTS: &str = "/v1/llm/events";

/// Somebody who listens, with the first line read.
async fn listening(service: &TestService, request: Request) -> Client {
    let mut client = service.connect().await;
    let head = client.begin(&request).await;
    assert_eq!(head.status, 200, "{}", head.raw);
    assert_eq!(client.events(1).await[0].raw, "retry: 2000\n\n");
    client
}

#[actix_web::test]
async fn it_is_a_stream_of_events_that_nobody_in_between_collects() {
    let service = TestService::mock();
    let mut client = service.connect().await;
    let head = client.begin(&get(EVENTS)).await;
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
}

#[actix_web::test]
async fn silence_is_broken_by_comments() {
    let service = TestService::start(|vars| vars.mock().set("KEEPALIVE_INTERVAL_S", 0.05));
    let mut client = listening(&service, get(EVENTS)).await;
    for event in client.events(2).await {
        assert_eq!(event.raw, ": keep-alive\n\n");
    }
}

#[actix_web::test]
async fn it_needs_the_key() {
    TestService::mock().ask(&get(EVENTS).without_key()).await.assert_refused(401);
}

#[rstest]
#[case::no_number("abc")]
#[case::empty("")]
#[case::a_sign("+1")]
#[case::negative("-1")]
#[case::a_fraction("1.5")]
#[case::too_large("18446744073709551616")]
#[case::no_text(b"\xff")]
#[actix_web::test]
async fn a_bad_last_event_id_is_400_and_named(#[case] id: impl AsRef<[u8]>) {
    let answer = TestService::mock().ask(&get(EVENTS).header("last-event-id", id)).await;
    let error = answer.assert_refused(400);
    assert_eq!(error.param.as_deref(), Some("last-event-id"));
    assert!(error.message.contains("Last-Event-ID"), "{}", error.message);
}

#[actix_web::test]
async fn two_last_event_ids_are_400() {
    let request = get(EVENTS).header("last-event-id", "1").header("last-event-id", "2");
    TestService::mock().ask(&request).await.assert_refused(400);
}

#[actix_web::test]
async fn an_id_of_another_life_of_the_service_is_answered_with_a_gap() {
    let service = TestService::mock();
    let mut client = listening(&service, get(EVENTS).header("last-event-id", "7")).await;
    assert_eq!(client.events(1).await[0].raw, "event: gap\ndata: {\"missed\":null}\n\n");
}

#[actix_web::test]
async fn listeners_do_not_delay_the_end_of_the_service_and_are_told_of_it() {
    let mut service = TestService::mock();
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(listening(&service, get(EVENTS)).await);
    }
    let stopped_at = service.stop();
    for client in &mut clients {
        let (events, complete) = client.all_events().await;
        assert!(complete);
        assert_eq!(events.last().unwrap().raw, ": the service is stopping\n\n");
    }
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < QUICKLY, "{:?}", ended.took);
}

#[actix_web::test]
async fn a_client_of_http_1_0_gets_the_events_without_chunks() {
    let service = TestService::mock();
    let mut client = service.connect().await;
    let head = client.begin(&get(EVENTS).version("HTTP/1.0")).await;
    assert_eq!(head.header("transfer-encoding"), None);
    assert_eq!(client.events(1).await[0].raw, "retry: 2000\n\n");
}
