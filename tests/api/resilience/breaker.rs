//! Who fails again and again is left alone for a while, then asked once.

use std::time::Duration;

use llm_proxy_test_support::Behaviour;
use rstest::rstest;
use serde_json::json;

use super::{ONE, Scene, TWO, request, said};
use crate::harness::{Variables, wait_for};

/// Longer than a breaker stays open that opens for 0.3 s, jitter included.
const OPEN_TIME: Duration = Duration::from_millis(400);

/// Two endpoints, of which the first one is left alone after so many failures, for 0.3 s at first.
fn strict(failures: u32) -> impl FnOnce(Variables) -> Variables {
    move |vars| vars.set("BREAKER_FAILURES", failures).set("BREAKER_OPEN_S", 0.3)
}

/// Two endpoints, of which the first one fails and the second one does not.
fn failing(failures: u32) -> Scene {
    let scene = Scene::with(TWO, strict(failures));
    scene.upstream.on("first", Behaviour::status(500));
    // Who takes over a connection that was idle makes another call at once where it is dead.
    scene.upstream.on("second", Behaviour::chat("by the second").connection_close());
    scene
}

#[rstest]
#[actix_web::test]
async fn an_endpoint_that_failed_so_often_in_a_row_is_not_asked_any_more(
    #[values(1, 3)] failures: usize,
    #[values(false, true)] stream: bool,
) {
    let scene = failing(u32::try_from(failures).unwrap());
    for _ in 0..failures {
        scene.assert_by(&scene.ask(stream).await, "openai/second", 2).await;
    }
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "by the second");
    scene.assert_by(&answer, "openai/second", 1).await;
    assert_eq!(scene.asked().iter().filter(|model| *model == "first").count(), failures);
}

/// Attempts count, not requests.
#[actix_web::test]
async fn the_attempts_of_one_request_open_a_breaker_and_end_with_that() {
    let scene = Scene::with(ONE, |vars| strict(3)(vars).set("RETRY_ATTEMPTS", 10));
    scene.upstream.on("first", Behaviour::status(500));
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(502).code, "upstream_failure");
    scene.assert_by(&answer, "openai/first", 3).await;
}

#[rstest]
#[case::server_errors(Behaviour::status(500), true)]
#[case::overload(Behaviour::status(529), true)]
#[case::resets(Behaviour::reset_before_head(), true)]
#[case::no_http(Behaviour::not_http(), true)]
#[case::our_key(Behaviour::status(401), true)]
#[case::an_empty_account(Behaviour::insufficient_quota(), true)]
#[case::rate_limits(Behaviour::status(429), false)]
#[case::bad_requests(Behaviour::status(400), false)]
#[case::unknown_models(Behaviour::status(404), false)]
#[case::large_requests(Behaviour::status(413), false)]
#[case::long_conversations(Behaviour::status(400).error_code("context_length_exceeded"), false)]
#[actix_web::test]
async fn only_what_the_endpoint_did_wrong_counts(#[case] behaviour: Behaviour, #[case] counts: bool) {
    let scene = failing(2);
    scene.upstream.on("first", behaviour);
    for _ in 0..4 {
        scene.ask(false).await;
    }
    let asked = scene.asked().iter().filter(|model| *model == "first").count();
    assert_eq!(asked, if counts { 2 } else { 4 });
}

#[actix_web::test]
async fn when_its_time_is_over_one_request_finds_out_that_it_is_back() {
    let scene = failing(1);
    let mut notices = scene.notices().await;
    scene.ask(false).await;
    notices.next(2).await;
    scene.upstream.on("first", Behaviour::chat("back"));
    tokio::time::sleep(OPEN_TIME).await;
    assert_eq!(said(&scene.ask(false).await, false), "back");
    let told = notices.next(1).await.remove(0);
    assert_eq!((&told["type"], &told["endpoint"]), (&json!("recovered"), &json!("openai/first")));
    assert_eq!((&told["breaker_closed"], &told["attempts"]), (&json!(true), &json!(1)));
    assert_eq!(said(&scene.ask(false).await, false), "back");
    let page = scene.service.metrics().await;
    notices.assert_next(&page, &[]).await;
}

/// For a second, then for two, a tenth more at most.
#[actix_web::test]
async fn when_it_is_not_back_it_is_left_alone_for_twice_as_long() {
    let scene = Scene::with(ONE, |vars| strict(1)(vars).set("BREAKER_OPEN_S", 1));
    scene.upstream.on("first", Behaviour::status(500));
    let mut notices = scene.notices().await;
    for (least_ms, most_ms) in [(1, 1100), (1101, 2200)] {
        scene.ask(false).await.assert_refused(502);
        scene.ask(false).await.assert_refused(503);
        let wait_ms = notices.next(2).await[1]["retry_after_ms"].as_u64().unwrap();
        assert!((least_ms..=most_ms).contains(&wait_ms), "{wait_ms}");
        tokio::time::sleep(Duration::from_millis(1150)).await;
    }
    scene.ask(false).await.assert_refused(503);
    assert_eq!(scene.asked().len(), 2);
}

/// Every second request succeeds, so that failures are never consecutive: the rate opens it.
#[actix_web::test]
async fn an_endpoint_that_flaps_is_left_alone_too() {
    let scene = failing(3);
    let flapping = (0..40).map(|n| if n % 2 == 0 { Behaviour::status(500) } else { Behaviour::chat("up") });
    scene.upstream.sequence("first", flapping);
    for _ in 0..40 {
        assert_eq!(scene.ask(false).await.status, 200);
    }
    let asked = scene.asked().iter().filter(|model| *model == "first").count();
    assert_eq!(asked, 21);
}

/// Who waits for its turn at an endpoint learns that it failed, and does not ask it.
#[rstest]
#[case::alone(ONE, 503)]
#[case::before_another(TWO, 200)]
#[actix_web::test]
async fn who_waits_while_an_endpoint_fails_does_not_ask_it(#[case] yaml: &str, #[case] status: u16) {
    let scene = Scene::with(yaml, |vars| {
        let vars = strict(1)(vars).set("MAX_CONCURRENT_REQUESTS_PER_ENDPOINT", 1);
        vars.set("BREAKER_OPEN_S", 60).set("QUEUE_TIMEOUT_S", 5)
    });
    scene.upstream.on("first", Behaviour::status(500).delay_ms(300));
    // The second one is busy as well, so that the queue forms before the first.
    scene.upstream.on("second", Behaviour::chat("by the second").delay_ms(600));
    let asks = || async { scene.ask(false).await };
    let (_, _, third) = futures_util::join!(asks(), asks(), asks());
    assert_eq!(third.status, status, "{}", third.text());
    assert_eq!(scene.asked().iter().filter(|model| *model == "first").count(), 1);
    if status == 503 {
        assert_eq!(third.assert_refused(503).code, "all_endpoints_down");
        assert_eq!(third.header("x-llm-proxy-attempts"), Some("0"));
    }
}

/// Two hundred callers come back at the same moment: one finds out, the others are told to wait; then all
/// are served.
#[rstest]
#[actix_web::test]
async fn of_two_hundred_who_wait_for_a_recovery_one_finds_out_first(#[values(1, 2)] workers: usize) {
    const CALLERS: usize = 200;
    let scene = Scene::with(ONE, |vars| strict(1)(vars).set("WORKERS", workers));
    scene.upstream.on("first", Behaviour::status(500));
    scene.ask(false).await.assert_refused(502);
    scene.upstream.on("first", Behaviour::chat("back").delay_ms(3000));
    tokio::time::sleep(OPEN_TIME).await;
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(scene.service.connect().await);
    }
    scene.upstream.take_requests();
    let asked = callers.iter_mut().map(|client| async { client.ask(&request(true)).await });
    let answers = futures_util::future::join_all(asked).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((served, scene.asked().len()), (1, 1));
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.assert_refused(503).code, "all_endpoints_down");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    scene.upstream.on("first", Behaviour::chat("back"));
    let asked = callers.iter_mut().map(|client| async { client.ask(&request(true)).await });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(said(&answer, true), "back");
    }
    assert_eq!(scene.asked().len(), 1 + CALLERS);
}

/// A probe whose caller leaves has found out nothing: the next request does.
#[actix_web::test]
async fn a_probe_whose_caller_leaves_is_the_next_ones() {
    let scene = Scene::with(ONE, strict(1));
    scene.upstream.on("first", Behaviour::status(500));
    scene.ask(false).await.assert_refused(502);
    scene.upstream.on("first", Behaviour::stall_before_head());
    tokio::time::sleep(OPEN_TIME).await;
    let mut client = scene.service.connect().await;
    client.send(request(false).id("who-leaves").bytes()).await;
    wait_for("the probe", || (scene.asked().len() == 2).then_some(())).await;
    scene.ask(false).await.assert_refused(503);
    client.leave();
    assert_eq!(scene.service.usage("who-leaves").await["end"], "cancelled");
    scene.upstream.on("first", Behaviour::chat("back"));
    assert_eq!(said(&scene.ask(false).await, false), "back");
}
