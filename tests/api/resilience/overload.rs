//! More requests than may be in flight: a bounded wait, another endpoint, or 503.

use std::time::Duration;

use llm_proxy_test_support::Behaviour;
use rstest::rstest;
use serde_json::json;

use super::{ONE, Scene, TWO, request, said};
use crate::harness::{Answer, CHAT, Client, QUICKLY, SOON, Variables, get, post, streamed};

const IN_ALL: &str = "MAX_CONCURRENT_REQUESTS";
const PER_ENDPOINT: &str = "MAX_CONCURRENT_REQUESTS_PER_ENDPOINT";

/// A limit of one, and 0.3 s to wait for one's turn.
fn limited(name: &'static str) -> impl FnOnce(Variables) -> Variables {
    move |vars| vars.set(name, 1).set("QUEUE_TIMEOUT_S", 0.3).set("BREAKER_FAILURES", 1)
}

/// A stream that is under way, and stays so until it is dropped.
async fn occupy(scene: &Scene, endpoint: &str) -> Client {
    scene.upstream.on(endpoint, Behaviour::chat_stream(["a", "b"]).stall_after_events(2));
    let mut client = scene.service.connect().await;
    assert_eq!(client.begin(&request(true)).await.status, 200);
    client.events(2).await;
    scene.upstream.on(endpoint, Behaviour::chat(format!("by the {endpoint}")));
    scene.upstream.take_requests();
    client
}

#[track_caller]
fn assert_overloaded(answer: &Answer) {
    let error = answer.assert_refused(503);
    assert_eq!((&*error.code, &*error.kind), ("overloaded", "server_error"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    let wait = Duration::from_millis(300);
    assert!(
        answer.took >= wait - Duration::from_millis(10) && answer.took < wait + QUICKLY,
        "{:?}",
        answer.took
    );
}

#[rstest]
#[actix_web::test]
async fn who_gets_no_turn_in_time_is_told_to_come_back_and_asked_nobody(
    #[values(IN_ALL, PER_ENDPOINT)] limit: &'static str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::with(ONE, limited(limit));
    let _busy = occupy(&scene, "first").await;
    let answer = scene.ask(stream).await;
    assert_overloaded(&answer);
    let record = scene.assert_by(&answer, "openai/first", 0).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("overloaded")));
    assert_eq!(record["total_tokens"], 0);
    assert!(scene.asked().is_empty());
}

/// One request fails at the first endpoint late, and finds the second one occupied by a younger one.
#[rstest]
#[actix_web::test]
async fn a_wait_for_a_turn_is_over_with_the_deadline(#[values(false, true)] stream: bool) {
    let scene = Scene::with(TWO, |vars| {
        let vars = vars.set(PER_ENDPOINT, 1).set("QUEUE_TIMEOUT_S", 9).set("RETRY_ATTEMPTS", 1);
        vars.set("REQUEST_TIMEOUT_S", 2)
    });
    scene.upstream.on("first", Behaviour::status(500).delay_ms(1500));
    scene.upstream.on("second", Behaviour::stall_before_head());
    let occupies = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        scene.ask(false).await
    };
    let (answer, _) = futures_util::join!(scene.ask(stream), occupies);
    // What the first endpoint said tells more than that the second one could not be asked.
    assert!(matches!(answer.status, 502 | 504), "{}", answer.text());
    assert!(answer.took < Duration::from_millis(2900), "{:?}", answer.took);
    assert_eq!(scene.asked(), ["first", "second"]);
}

#[actix_web::test]
async fn a_failure_is_counted_once_although_the_next_endpoint_had_no_turn() {
    let scene = Scene::with(TWO, |vars| {
        limited(PER_ENDPOINT)(vars).set("RETRY_ATTEMPTS", 1).set("BREAKER_FAILURES", 9)
    });
    scene.upstream.on("first", Behaviour::status(500));
    let _busy = occupy(&scene, "second").await;
    scene.ask(false).await.assert_refused(502);
    assert_eq!(scene.asked(), ["first"]);
    assert_eq!(scene.service.metrics().await.sum("llm_proxy_upstream_errors_total", &[]), 2.0);
}

/// How a request in flight ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Completes,
    Fails,
    Leaves,
}

#[rstest]
#[actix_web::test]
async fn a_turn_is_free_again_however_a_request_ends(
    #[values(IN_ALL, PER_ENDPOINT)] limit: &'static str,
    #[values(Ends::Completes, Ends::Fails, Ends::Leaves)] ends: Ends,
) {
    let scene =
        Scene::with(ONE, |vars| limited(limit)(vars).set("QUEUE_TIMEOUT_S", 5).set("BREAKER_FAILURES", 9));
    let first = match ends {
        Ends::Completes => Behaviour::chat("done").delay_ms(300),
        Ends::Fails => Behaviour::status(500).delay_ms(300),
        Ends::Leaves => Behaviour::stall_before_head(),
    };
    scene.upstream.sequence("first", [first, Behaviour::chat("in turn")]);
    let mut busy = scene.service.connect().await;
    busy.send(request(false).bytes()).await;
    assert!(scene.upstream.wait_for_requests(1, SOON).await.is_some());
    let waiting = scene.ask(false);
    let leaves = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if let Ends::Leaves = ends {
            busy.leave();
        }
    };
    let (answer, ()) = futures_util::join!(waiting, leaves);
    assert_eq!(said(&answer, false), "in turn");
    assert!(answer.took >= Duration::from_millis(200) && answer.took < Duration::from_secs(3));
}

#[rstest]
#[actix_web::test]
async fn who_leaves_before_its_turn_has_spent_nothing(#[values(IN_ALL, PER_ENDPOINT)] limit: &'static str) {
    let scene = Scene::with(ONE, |vars| limited(limit)(vars).set("QUEUE_TIMEOUT_S", 5));
    let _busy = occupy(&scene, "first").await;
    let mut waiting = scene.service.connect().await;
    waiting.send(request(false).id("who-leaves").bytes()).await;
    assert!(waiting.is_silent_for(Duration::from_millis(100)).await);
    waiting.leave();
    let record = scene.service.usage("who-leaves").await;
    assert_eq!((&record["end"], &record["attempts"]), (&json!("cancelled"), &json!(0)), "{record}");
    assert_eq!(record["total_tokens"], 0, "{record}");
}

/// A full endpoint is passed over, and not waited for, while another one has room.
#[rstest]
#[actix_web::test]
async fn another_endpoint_is_preferred_to_a_wait(#[values("eager", "patient")] failover: &str) {
    let scene = Scene::with(TWO, |vars| limited(PER_ENDPOINT)(vars).set("FAILOVER", failover));
    let busy = occupy(&scene, "first").await;
    let answer = scene.ask(false).await;
    scene.assert_by(&answer, "openai/second", 1).await;
    assert!(answer.took < Duration::from_millis(250), "{:?}", answer.took);
    assert_eq!(scene.service.metrics().await.sum("llm_proxy_notices_total", &[]), 0.0);
    drop(busy);
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
    assert_eq!(said(&scene.ask(false).await, false), "by the first");
}

/// The limit of the file comes before the setting.
#[rstest]
#[case::a_lower_one("max_parallel_requests: 1", 0, false)]
#[case::a_higher_one("max_parallel_requests: 2", 1, true)]
#[actix_web::test]
async fn an_endpoints_own_limit_is_max_parallel_requests(
    #[case] own: &str,
    #[case] usual: u32,
    #[case] fits: bool,
) {
    let yaml = ONE.replace("api_key: k", &format!("api_key: k, {own}"));
    let scene = Scene::with(&yaml, |vars| limited(PER_ENDPOINT)(vars).set(PER_ENDPOINT, usual));
    let _busy = occupy(&scene, "first").await;
    let answer = scene.ask(false).await;
    if fits {
        assert_eq!(said(&answer, false), "by the first");
    } else {
        assert_overloaded(&answer);
    }
}

/// That we are busy says nothing about an endpoint.
#[actix_web::test]
async fn an_overload_opens_no_breaker() {
    let scene = Scene::with(ONE, limited(PER_ENDPOINT));
    let busy = occupy(&scene, "first").await;
    for _ in 0..2 {
        assert_overloaded(&scene.ask(false).await);
    }
    drop(busy);
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
    assert_eq!(said(&scene.ask(false).await, false), "by the first");
}

/// Only answers of models take turns.
#[actix_web::test]
async fn what_asks_no_model_is_served_at_once() {
    let scene = Scene::with(ONE, limited(IN_ALL));
    let _busy = occupy(&scene, "first").await;
    for path in ["/health/live", "/health/ready", "/metrics", "/v1/models"] {
        let answer = scene.service.ask(&get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.took < Duration::from_millis(250), "{path}: {:?}", answer.took);
    }
    // Nor does one that is refused for what it says.
    scene.service.ask(&post(CHAT, streamed("unknown"))).await.assert_refused(404);
}
