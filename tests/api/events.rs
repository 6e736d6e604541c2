//! Notices of all requests, live, on `/v1/llm/events`.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    CHAT, Client, ConfigFile, Event, Program, QUICKLY, Request, TestService, Variables, chat, fill, get,
    post, streamed, text_of, wait_for,
};

const EVENTS: &str = "/v1/llm/events";

/// One model whose first endpoint is dead, and one that has no other.
const DEAD: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: NOBODY/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
- {model_name: lost, litellm_params: {model: openai/alone, api_base: NOBODY/v1, api_key: k}}
";

fn upstream() -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::chat("by the second"));
    upstream
}

/// A service of these models that waits a millisecond at most before it asks again, and asks twice.
fn service(upstream: &FaultUpstream) -> TestService {
    TestService::start(|vars| hasty(vars, upstream))
}

fn hasty(vars: Variables, upstream: &FaultUpstream) -> Variables {
    let vars = vars.native(ConfigFile::yaml(fill(DEAD, upstream))).set("RETRY_ATTEMPTS", 2);
    vars.set("RETRY_BASE_MS", 1).set("RETRY_MAX_MS", 1).set("BREAKER_FAILURES", 10_000)
}

/// An event as `name`, `id` and data.
fn read(event: &Event) -> (String, u64, Value) {
    let line = |field: &str| event.raw.lines().find_map(|line| line.strip_prefix(field)).unwrap().to_owned();
    (line("event: "), line("id: ").parse().unwrap(), event.json())
}

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

#[actix_web::test]
async fn a_failover_is_heard_by_everyone_with_the_id_of_its_request() {
    let upstream = upstream();
    let service = service(&upstream);
    let mut listeners = [listening(&service, get(EVENTS)).await, listening(&service, get(EVENTS)).await];
    assert_eq!(service.ask(&post(CHAT, chat("m")).id("the-request")).await.status, 200);
    for listener in &mut listeners {
        let events = listener.events(2).await;
        let [(first, first_id, failover), (second, second_id, recovered)] =
            [read(&events[0]), read(&events[1])];
        assert_eq!((&*first, &*second, first_id + 1), ("failover", "recovered", second_id));
        assert_eq!((&failover["type"], &failover["request_id"]), (&json!("failover"), &json!("the-request")));
        assert_eq!((&failover["from"], &failover["to"]), (&json!("openai/first"), &json!("openai/second")));
        assert_eq!((&failover["reason"], &failover["model"]), (&json!("backend_unavailable"), &json!("m")));
        assert_eq!((&recovered["endpoint"], &recovered["attempts"]), (&json!("openai/second"), &json!(2)));
        let at = failover["at"].as_str().unwrap();
        assert!(at.len() == "2026-07-01T12:00:00.250Z".len() && at.ends_with('Z'), "{at}");
    }
}

#[actix_web::test]
async fn a_retry_and_an_outage_are_heard_and_counted() {
    let upstream = upstream();
    let service = service(&upstream);
    let mut listener = listening(&service, get(EVENTS)).await;
    assert_eq!(service.ask(&post(CHAT, chat("lost")).id("r")).await.status, 503);
    let events = listener.events(2).await;
    let [(first, _, retry), (second, _, outage)] = [read(&events[0]), read(&events[1])];
    assert_eq!((&*first, &retry["attempt"], &retry["of"]), ("retry", &json!(2), &json!(2)));
    assert!(retry["wait_ms"].as_u64().unwrap() <= 1);
    assert_eq!((&*second, &outage["endpoint"]), ("outage", &json!("openai/alone")));
    let page = service.metrics().await;
    for name in ["retry", "outage"] {
        assert_eq!(page.sum("llm_proxy_notices_total", &[("type", name)]), 1.0);
    }
}

#[actix_web::test]
async fn each_is_logged_once_with_the_id_of_its_request() {
    let upstream = upstream();
    let program = Program::start(|vars| hasty(vars, &upstream));
    assert_eq!(program.ask(&post(CHAT, chat("lost")).id("r")).await.status, 503);
    let logged = || {
        let mut logged = program.lines();
        logged.retain(|line| line["target"] == "llm_proxy::notice");
        logged.iter().any(|line| line["message"] == "outage").then_some(logged)
    };
    let logged = wait_for("the outage in the log", logged).await;
    let shown: Vec<_> =
        logged.iter().map(|line| (&line["level"], &line["message"], &line["request_id"])).collect();
    let (retry, outage) = (json!(["INFO", "retry", "r"]), json!(["WARN", "outage", "r"]));
    assert_eq!(json!(shown), json!([retry, outage]));
}

#[actix_web::test]
async fn one_that_comes_back_hears_what_it_has_missed() {
    let upstream = upstream();
    let service = service(&upstream);
    let mut listener = listening(&service, get(EVENTS)).await;
    service.ask(&post(CHAT, chat("lost")).id("before")).await;
    let heard = read(&listener.events(2).await[1]);
    listener.leave();
    service.ask(&post(CHAT, chat("lost")).id("meanwhile")).await;
    let mut back = listening(&service, get(EVENTS).header("last-event-id", heard.1.to_string())).await;
    let missed: Vec<_> = back.events(2).await.iter().map(read).collect();
    assert_eq!((missed[0].1, missed[1].1), (heard.1 + 1, heard.1 + 2));
    assert!(missed.iter().all(|(_, _, data)| data["request_id"] == "meanwhile"), "{missed:?}");
}

#[actix_web::test]
async fn listeners_that_never_read_delay_nobody() {
    let upstream = upstream();
    let service = TestService::start(|vars| hasty(vars, &upstream).set("RETRY_ATTEMPTS", 1));
    let mut deaf = Vec::new();
    for _ in 0..10 {
        let mut client = Client::connect_narrowly(service.port).await;
        client.send(get(EVENTS).bytes()).await;
        deaf.push(client);
    }
    let mut listener = listening(&service, get(EVENTS)).await;
    let mut asking = service.connect().await;
    for number in 0..200 {
        let id = number.to_string();
        assert_eq!(asking.ask(&post(CHAT, chat("lost")).id(&id)).await.status, 503);
        let heard = read(&listener.events(1).await[0]);
        assert_eq!((&*heard.0, &heard.2["request_id"]), ("outage", &json!(id)));
    }
}

#[rstest]
#[case::as_comments("comment", ": notice {", None)]
#[case::as_events("event", "event: notice\ndata: {", Some("notice"))]
#[actix_web::test]
async fn a_stream_tells_its_own_notices_where_it_is_asked_to(
    #[case] form: &str,
    #[case] begins: &str,
    #[case] name: Option<&str>,
) {
    let upstream = upstream();
    let service = service(&upstream);
    let answer = service.ask(&post(CHAT, streamed("m")).header("x-llm-proxy-notices", form)).await;
    let events = answer.events();
    let notices: Vec<_> = events.iter().filter(|event| event.raw.starts_with(begins)).collect();
    assert_eq!(notices.len(), 2, "{events:?}");
    assert!(
        notices[0].raw.contains("\"type\":\"failover\"") && notices[1].raw.contains("\"type\":\"recovered\"")
    );
    assert!(notices.iter().all(|event| event.name.as_deref() == name), "{notices:?}");
    assert!(events.last().unwrap().is_done());
}

#[rstest]
#[case::without_the_header(post(CHAT, streamed("m")))]
#[case::where_none_is_asked_for(post(CHAT, streamed("m")).header("x-llm-proxy-notices", "none"))]
#[actix_web::test]
async fn a_stream_tells_nothing_else(#[case] request: Request) {
    let upstream = upstream();
    let answer = service(&upstream).ask(&request).await;
    assert!(!answer.text().contains("failover"), "{}", answer.text());
    assert_eq!(text_of(&answer.events()), "by the second");
}

#[actix_web::test]
async fn an_unknown_form_of_notices_is_400_and_named() {
    let request = post(CHAT, streamed("m")).header("x-llm-proxy-notices", "yes");
    let answer = TestService::mock().ask(&request).await;
    assert_eq!(answer.assert_refused(400).param.as_deref(), Some("x-llm-proxy-notices"));
}
