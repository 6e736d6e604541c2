//! Listeners of notices while there is something to tell.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use serde_json::json;

use super::{Notices, Scene, TWO, request};
use crate::harness::{CHAT, Client, QUICKLY, TestService, chat, get, post};

const EVENTS: &str = "/v1/llm/events";

/// It is dropped, and nobody waits for it: neither the requests nor the listener beside it.
#[actix_web::test]
async fn a_listener_that_never_reads_is_dropped_and_delays_nobody() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::status(500));
    let service = TestService::start(|vars| vars.before(&upstream).set("BREAKER_FAILURES", 1));
    let mut deaf = Client::connect_narrowly(service.port).await;
    deaf.send(get(EVENTS).bytes()).await;
    let mut heard = Notices::of(&service).await;

    // The breaker is open: every request is an outage at once, and tells one notice.
    let mut client = service.connect().await;
    let outage = post(CHAT, chat(&"m".repeat(200)));
    client.ask(&outage).await.assert_refused(502);
    for _ in 0..20 {
        for _ in 0..500 {
            let answer = client.ask(&outage).await;
            assert_eq!(answer.status, 503);
            assert!(answer.took < QUICKLY, "{:?}", answer.took);
        }
        heard.next(500).await;
    }
    assert_eq!(heard.next(1).await[0]["type"], "outage");

    assert_eq!(deaf.head().await.status, 200);
    let (events, complete) = deaf.all_events().await;
    assert!(complete);
    assert_eq!(events.last().unwrap().name.as_deref(), Some("dropped"));
    assert!(events.len() < 10_000, "{}", events.len());
    let last = events[events.len() - 2].raw.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    // What it came back for is gone, and it is told how much.
    let mut back = service.connect().await;
    back.begin(&get(EVENTS).header("last-event-id", last)).await;
    let events = back.events(2).await;
    assert_eq!(events[1].name.as_deref(), Some("gap"));
    assert!(events[1].json()["missed"].as_u64().unwrap() > 0);
}

/// One that comes back in time misses nothing.
#[actix_web::test]
async fn a_listener_that_comes_back_hears_what_it_missed() {
    let scene = Scene::attempts(TWO, 1);
    scene.upstream.on("first", Behaviour::status(500));
    let mut before = scene.service.connect().await;
    before.begin(&get(EVENTS)).await;
    before.events(1).await;
    scene.ask(false).await;
    let first = before.events(1).await.remove(0);
    assert_eq!(first.name.as_deref(), Some("failover"));
    before.leave();
    let missed = scene.service.ask(&request(false).id("while-away")).await;
    assert_eq!(missed.status, 200);
    let id = first.raw.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    let mut after = scene.service.connect().await;
    after.begin(&get(EVENTS).header("last-event-id", id)).await;
    let events = after.events(4).await.split_off(1);
    let names: Vec<_> = events.iter().filter_map(|event| event.name.as_deref()).collect();
    assert_eq!(names, ["recovered", "failover", "recovered"]);
    assert!(events[1..].iter().all(|event| event.json()["request_id"] == json!("while-away")));
}
