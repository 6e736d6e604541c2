//! Nobody is left to ask: said at once, with the time when it is worth asking again, and at nobody's cost.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ONE, Scene, TWO, always, request};
use crate::harness::{CHAT, ConfigFile, Program, QUICKLY, TestService, chat, fill, post, streamed, wait_for};

const DOWN: &str = "all_endpoints_down";

/// Two endpoints that have both failed once, and are left alone for two minutes.
async fn down() -> Scene {
    let scene = Scene::with(TWO, |vars| vars.set("BREAKER_FAILURES", 1));
    always(&scene.upstream, &["first", "second"], &Behaviour::status(500));
    scene.ask(false).await.assert_refused(502);
    assert_eq!(scene.upstream.take_requests().len(), 2);
    scene
}

#[rstest]
#[actix_web::test]
async fn when_all_endpoints_are_left_alone_nobody_is_asked(#[values(false, true)] stream: bool) {
    let scene = down().await;
    let mut notices = scene.notices().await;
    notices.heard = 2;
    let answer = scene.ask(stream).await;
    let error = answer.assert_refused(503);
    assert_eq!((&*error.code, &*error.kind), (DOWN, "upstream_error"));
    assert!(answer.took < QUICKLY);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((115..=133).contains(&wait), "{wait}");
    let record = scene.assert_by(&answer, "openai/first", 0).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("backend_unavailable")));
    assert_eq!((&record["total_tokens"], &record["attempts"]), (&json!(0), &json!(0)));
    assert!(scene.asked().is_empty());
    let told = notices.assert_next(&scene.service.metrics().await, &["outage"]).await.remove(0);
    assert_eq!((&told["endpoint"], &told["reason"]), (&Value::Null, &json!(DOWN)));
    let retry_after_ms = told["retry_after_ms"].as_u64().unwrap();
    assert!(retry_after_ms <= wait * 1000 && retry_after_ms > (wait - 2) * 1000, "{told}");
}

#[actix_web::test]
async fn a_caller_of_ollamas_format_is_told_in_its_own() {
    let scene = down().await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "say it"}]});
    let answer = scene.service.ask(&post("/api/chat", body)).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    assert!(answer.json()["error"].as_str().unwrap().contains("left alone"), "{}", answer.text());
}

/// An outage costs as many calls as it takes to see it.
#[actix_web::test]
async fn an_outage_is_not_answered_with_more_load() {
    const REQUESTS: usize = 300;
    let scene = Scene::with(TWO, |vars| vars.set("RETRY_ATTEMPTS", 3).set("BREAKER_FAILURES", 3));
    always(&scene.upstream, &["first", "second"], &Behaviour::status(503));
    let mut client = scene.service.connect().await;
    for _ in 0..REQUESTS {
        client.ask(&request(false)).await.assert_refused(503);
    }
    assert_eq!(scene.asked().len(), 6);
    let page = scene.service.metrics().await;
    assert_eq!(page.sum("llm_proxy_completions_total", &[("end", "failed")]), REQUESTS as f64);
    assert_eq!(page.sum("llm_proxy_notices_total", &[("type", "outage")]), REQUESTS as f64);
    assert_eq!(page.sum("llm_proxy_upstream_errors_total", &[("kind", "upstream_failure")]), 6.0);
}

/// What an endpoint said itself tells more than that others are left alone.
#[actix_web::test]
async fn while_one_endpoint_is_left_to_ask_its_own_error_is_told() {
    let scene = Scene::with(TWO, |vars| vars.set("BREAKER_FAILURES", 1));
    scene.upstream.on("first", Behaviour::status(500));
    scene.upstream.on("second", Behaviour::status(429).retry_after("7"));
    for calls in [2, 1] {
        let answer = scene.ask(false).await;
        assert_eq!(answer.assert_refused(429).code, "rate_limit_exceeded");
        assert_eq!(answer.header("retry-after"), Some("7"));
        scene.assert_by(&answer, "openai/second", calls).await;
    }
}

/// LiteLLM serves every model at one address: one that fails there takes no other along.
#[actix_web::test]
async fn behind_litellm_each_model_is_judged_by_itself() {
    let upstream = FaultUpstream::start();
    upstream.on("sick", Behaviour::status(500));
    let service = TestService::start(|vars| vars.before(&upstream).set("BREAKER_FAILURES", 1));
    service.ask(&post(CHAT, chat("sick"))).await.assert_refused(502);
    assert_eq!(service.ask(&post(CHAT, chat("sick"))).await.assert_refused(503).code, DOWN);
    assert_eq!(service.ask(&post(CHAT, chat("well"))).await.status, 200);
}

/// Callers choose the names of models; what is told of them is kept.
#[actix_web::test]
async fn a_name_without_measure_is_told_in_short() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::status(500));
    let service = TestService::start(|vars| vars.before(&upstream).set("BREAKER_FAILURES", 1));
    let mut notices = super::Notices::of(&service).await;
    let model = "é".repeat(100_000);
    service.ask(&post(CHAT, chat(&model))).await.assert_refused(502);
    let refused = service.ask(&post(CHAT, streamed(&model))).await.assert_refused(503);
    assert!(refused.message.len() < 2000, "{} bytes", refused.message.len());
    for notice in notices.next(2).await {
        assert!(notice.to_string().len() < 2000, "{} bytes", notice.to_string().len());
    }
}

/// The file is read again while nobody answers: what is known of an endpoint stays with its name.
#[actix_web::test]
async fn a_reload_in_the_middle_of_an_outage_forgets_nothing_of_it() {
    let upstream = FaultUpstream::start();
    upstream.on("first", Behaviour::status(500));
    let file = ConfigFile::yaml(fill(ONE, &upstream));
    let program = Program::start(|vars| vars.native(file).set("BREAKER_FAILURES", 1));
    program.ask(&request(false)).await.assert_refused(502);
    assert_eq!(program.ask(&request(false)).await.assert_refused(503).code, DOWN);

    let new = "- {model_name: new, litellm_params: {model: openai/new, api_base: UPSTREAM/v1, api_key: k}}\n";
    program.config().write(fill(&format!("{ONE}{new}"), &upstream));
    program.signal("HUP");
    let is_read =
        |messages: Vec<String>| messages.iter().any(|m| m.contains("the configuration was read again"));
    wait_for("the new configuration", || is_read(program.messages()).then_some(())).await;

    assert_eq!(program.ask(&post(CHAT, chat("new"))).await.status, 200);
    assert_eq!(program.ask(&request(false)).await.assert_refused(503).code, DOWN);
    let asked = upstream.requests().iter().filter(|request| request.json()["model"] == "first").count();
    assert_eq!(asked, 1);
}
