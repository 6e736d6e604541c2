//! What `/v1/llm/health` and `/metrics` tell once there were failures.

use std::time::Duration;

use llm_proxy_test_support::{ApiError, Behaviour, Body};
use serde_json::{Value, json};

use super::{Scene, TWO};
use crate::harness::get;

/// The page, and fails unless the gauges of `/metrics` say the same of this endpoint.
async fn told(scene: &Scene, endpoint: &str) -> Value {
    let page = scene.service.ask(&get("/v1/llm/health")).await.json();
    let told = page[endpoint].clone();
    let metrics = scene.service.metrics().await;
    let gauge = |name: &str, labels: &[(&str, &str)]| {
        metrics.sum(&format!("llm_proxy_endpoint_{name}"), &[&[("endpoint", endpoint)], labels].concat())
    };
    assert_eq!(gauge("state", &[("state", told["state"].as_str().unwrap())]), 1.0);
    assert_eq!(gauge("state", &[]), 1.0);
    assert!((gauge("success_rate", &[]) - told["success_rate"].as_f64().unwrap()).abs() < 1e-3);
    assert_eq!(gauge("consecutive_failures", &[]), told["consecutive_failures"].as_f64().unwrap());
    told
}

/// From the first failure to the recovery.
#[actix_web::test]
async fn an_endpoints_way_down_and_up_is_told() {
    let scene = Scene::with(TWO, |vars| vars.set("BREAKER_FAILURES", 2).set("BREAKER_OPEN_S", 1));
    let state = |told: &Value| told["state"].as_str().unwrap().to_owned();
    scene.upstream.on("first", Behaviour::status(500));
    scene.ask(false).await;
    let once = told(&scene, "openai/first").await;
    assert_eq!((&*state(&once), &once["consecutive_failures"]), ("degraded", &json!(1)));
    assert_eq!((&once["success_rate"], &once["opened_at"]), (&json!(0.0), &Value::Null));

    scene.ask(false).await;
    let open = told(&scene, "openai/first").await;
    assert_eq!((&*state(&open), &open["consecutive_failures"]), ("open", &json!(2)));
    assert!(open["opened_at"].is_string() && open["probes_at"].is_string(), "{open}");
    assert_eq!(open["last_error"]["code"], "upstream_failure");
    let well = told(&scene, "openai/second").await;
    assert_eq!((&*state(&well), &well["success_rate"]), ("healthy", &json!(1.0)));
    assert_eq!(well["last_error"], Value::Null);
    let openings = scene.service.metrics().await.sum("llm_proxy_breaker_openings_total", &[]);
    assert_eq!(openings, 1.0);

    scene.upstream.on("first", Behaviour::chat("back"));
    tokio::time::sleep(Duration::from_millis(1150)).await;
    scene.ask(false).await;
    let back = told(&scene, "openai/first").await;
    assert_eq!((&back["consecutive_failures"], &back["opened_at"]), (&json!(0), &Value::Null));
    assert!((back["success_rate"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-3, "{back}");
    assert_eq!(back["last_error"]["code"], "upstream_failure");
}

/// An upstream may say anything, our own key among it.
#[actix_web::test]
async fn a_last_error_holds_no_secret() {
    let yaml = TWO.replacen("api_key: k,", "api_key: our-own-secret-key,", 1);
    let scene = Scene::attempts(&yaml, 1);
    let message = Some("no: our-own-secret-key, sk-another0123456789".to_owned());
    let body = Body::Error(ApiError { message, ..ApiError::default() });
    scene.upstream.on("first", Behaviour::from_body(body).with_status(500));
    scene.ask(false).await;
    let message = told(&scene, "openai/first").await["last_error"]["message"].to_string();
    assert!(message.contains("no: "), "{message}");
    assert!(!message.contains("our-own-secret") && !message.contains("another0123"), "{message}");
}

/// It is busy, not sick.
#[actix_web::test]
async fn a_rest_is_told_until_when() {
    let scene = Scene::attempts(TWO, 1);
    scene.upstream.on("first", Behaviour::status(429).retry_after("30"));
    scene.ask(false).await;
    let told = told(&scene, "openai/first").await;
    assert!(told["rests_until"].is_string(), "{told}");
    assert_eq!((&told["consecutive_failures"], &told["success_rate"]), (&json!(0), &json!(1.0)));
    assert_eq!(told["last_error"], Value::Null);
}
