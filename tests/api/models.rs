//! The list of models: the backend's own, asked for seldom.

use llm_proxy::adapters::mock::MODELS;
use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{LITELLM_KEY, QUICKLY, SOON, TestService, get};

fn ids(list: &Value) -> Vec<String> {
    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().unwrap().iter();
    let ids = models.map(|model| {
        assert_eq!(model["object"], "model");
        assert!(model["owned_by"].is_string() && model["created"].is_u64(), "{model}");
        model["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

#[rstest]
#[case::openais("/v1/models")]
#[case::our_own("/v1/llm/models")]
#[actix_web::test]
async fn both_routes_list_what_litellm_lists(#[case] path: &str) {
    let upstream = FaultUpstream::start();
    upstream.on("gpt-a", Behaviour::default());
    upstream.on("gpt-b", Behaviour::default());
    let service = TestService::before(&upstream);
    let answer = service.plain().get(path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(ids(&answer.json()), ["gpt-a", "gpt-b"]);
    let asked = &upstream.requests()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/v1/models"));
    assert_eq!(asked.header("authorization"), Some(&*format!("Bearer {LITELLM_KEY}")));
    assert_eq!(asked.header("x-internal-auth"), None);
}

#[actix_web::test]
async fn many_questions_on_both_routes_are_one_to_litellm() {
    let upstream = FaultUpstream::start();
    let service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 2));
    let paths = ["/v1/models", "/v1/llm/models"].into_iter().cycle().take(40);
    let asked = paths.map(|path| {
        let service = &service;
        async move { service.plain().get(path).await.status }
    });
    assert_eq!(futures_util::future::join_all(asked).await, [200; 40]);
    assert_eq!(upstream.requests().len(), 1);
}

#[actix_web::test]
async fn the_mock_lists_its_documented_names() {
    let service = TestService::mock();
    let listed = ids(&service.plain().get("/v1/models").await.json());
    assert_eq!(listed, MODELS.map(|(name, _)| name));
}

#[rstest]
#[case::our_key_is_wrong(Behaviour::status(401), 502, "backend_authentication")]
#[case::it_fails(Behaviour::status(500), 502, "upstream_failure")]
#[case::it_is_overloaded(Behaviour::status(503), 503, "upstream_failure")]
#[case::it_resets(Behaviour::reset_before_head(), 502, "upstream_disconnected")]
#[case::it_stalls(Behaviour::stall_before_head(), 504, "first_byte_timeout")]
#[case::it_stalls_in_the_list(Behaviour::json(json!({"data": []})).stall_after_events(0), 504, "idle_timeout")]
#[case::it_is_cut(Behaviour::json(json!({"data": []})).truncate_after_bytes(5), 502, "stream_truncated")]
#[case::no_json(Behaviour::raw("<html>"), 502, "malformed_answer")]
#[case::no_list(Behaviour::json(json!({"data": "none"})), 502, "malformed_answer")]
#[actix_web::test]
async fn a_list_that_cannot_be_had_is_a_proper_error(
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[case] code: &str,
) {
    let upstream = FaultUpstream::start();
    upstream.sequence("/v1/models", [behaviour, Behaviour::default()]);
    let service = TestService::start(|vars| {
        let vars = vars.set("FIRST_BYTE_TIMEOUT_S", 0.3);
        vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.3)
    });
    let answer = service.plain().get("/v1/models").await;
    assert_eq!(answer.assert_refused(status).code, code);
    assert!(!answer.text().contains(LITELLM_KEY));
    // A failure is not kept.
    assert_eq!(service.plain().get("/v1/models").await.status, 200);
}

#[actix_web::test]
async fn a_list_of_nobody_is_503_quickly() {
    let url = refused_url().unwrap();
    let service = TestService::start(|vars| vars.set("LITELLM_PROXY_URL", &url));
    let answer = service.plain().get("/v1/models").await;
    assert_eq!(answer.assert_refused(503).code, "backend_unavailable");
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
}

/// One question at a time must not mean one timeout after the other.
#[actix_web::test]
async fn many_who_ask_a_stalled_litellm_wait_no_longer_than_one() {
    let upstream = FaultUpstream::start();
    upstream.on("/v1/models", Behaviour::stall_before_head());
    let service = TestService::start(|vars| vars.before(&upstream).set("FIRST_BYTE_TIMEOUT_S", 0.4));
    let asked = (0..10).map(|_| async {
        let answer = service.plain().get("/v1/models").await;
        answer.assert_refused(504);
        answer.took
    });
    let longest = futures_util::future::join_all(asked).await.into_iter().max().unwrap();
    assert!(longest < 2 * QUICKLY, "{longest:?}");
}

/// A list that was asked for by somebody who left is still to be had.
#[actix_web::test]
async fn who_leaves_before_the_list_comes_keeps_it_from_nobody() {
    let upstream = FaultUpstream::start();
    upstream.sequence("/v1/models", [Behaviour::stall_before_head(), Behaviour::default()]);
    let service = TestService::before(&upstream);
    let mut leaving = service.connect().await;
    leaving.send(get("/v1/models").bytes()).await;
    assert!(upstream.wait_for_requests(1, SOON).await.is_some());
    leaving.leave();
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    let answer = service.ask(&get("/v1/models")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
}
