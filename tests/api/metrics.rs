//! The counts: they agree with what happened and with the records, and their number is bounded.

use std::collections::BTreeSet;

use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;
use serde_json::Value;

use crate::harness::{CHAT, KEY, LITELLM_KEY, Page, SOON, TestService, chat, get, post, streamed, wait_for};

const COMPLETIONS: &str = "llm_proxy_completions_total";
const TOKENS: &str = "llm_proxy_tokens_total";
const HTTP: &str = "llm_proxy_http_requests_total";
const UPSTREAM_ERRORS: &str = "llm_proxy_upstream_errors_total";

/// Everything that can happen to a request, some of it twice.
struct Traffic {
    _upstream: FaultUpstream,
    service: TestService,
    records: Vec<Value>,
}

async fn traffic() -> Traffic {
    let upstream = FaultUpstream::start();
    upstream.on("cut", Behaviour::chat_stream(["abcd", "efgh"]).truncate_after_events(3));
    upstream.on("fails", Behaviour::status(500));
    upstream.on("limits", Behaviour::status(429));
    upstream.on("leaves", Behaviour::chat_stream(["abcd", "efgh"]).stall_after_events(3));
    let service = TestService::before(&upstream);
    let requests = ["good", "good", "cut", "fails", "limits"];
    for model in requests {
        service.ask(&post(CHAT, streamed(model))).await;
        if model != "cut" {
            service.ask(&post(CHAT, chat(model))).await;
        }
    }
    let mut leaving = service.connect().await;
    leaving.begin(&post(CHAT, streamed("leaves"))).await;
    leaving.events(3).await;
    leaving.leave();
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    let records = wait_for("all records", || {
        let records = service.lines.records("usage");
        (records.len() == 10).then_some(records)
    });
    let records = records.await;
    Traffic { _upstream: upstream, service, records }
}

#[actix_web::test]
async fn completions_are_counted_by_their_end() {
    let traffic = traffic().await;
    let page = traffic.service.metrics().await;
    let count = |end: &str, streamed: &str| {
        page.sum(
            COMPLETIONS,
            &[
                ("end", end),
                ("streamed", streamed),
                ("operation", "chat.completions"),
                ("endpoint", "litellm"),
            ],
        )
    };
    assert_eq!((count("complete", "true"), count("complete", "false")), (2.0, 2.0));
    assert_eq!((count("truncated", "true"), count("truncated", "false")), (1.0, 0.0));
    assert_eq!((count("failed", "true"), count("failed", "false")), (2.0, 2.0));
    assert_eq!((count("cancelled", "true"), count("cancelled", "false")), (1.0, 0.0));
    assert_eq!(page.sum(COMPLETIONS, &[]), 10.0);
}

#[actix_web::test]
async fn tokens_are_those_of_the_records() {
    let traffic = traffic().await;
    let page = traffic.service.metrics().await;
    for model in ["good", "cut", "fails", "leaves"] {
        for provenance in ["reported", "counted", "estimated"] {
            for kind in ["prompt", "completion"] {
                let records = traffic
                    .records
                    .iter()
                    .filter(|record| record["model"] == model && record["provenance"] == provenance);
                let recorded = records.map(|record| record[format!("{kind}_tokens")].as_f64().unwrap());
                let labels = [("model", model), ("provenance", provenance), ("kind", kind)];
                assert_eq!(page.sum(TOKENS, &labels), recorded.sum::<f64>(), "{labels:?}");
            }
        }
    }
    assert!(page.sum(TOKENS, &[("model", "good"), ("provenance", "reported"), ("kind", "completion")]) > 0.0);
    assert_eq!(page.sum(TOKENS, &[("model", "cut"), ("provenance", "counted"), ("kind", "completion")]), 2.0);
}

#[actix_web::test]
async fn upstream_errors_are_counted_by_their_kind() {
    let traffic = traffic().await;
    let page = traffic.service.metrics().await;
    let count = |kind: &str| page.sum(UPSTREAM_ERRORS, &[("kind", kind), ("endpoint", "litellm")]);
    assert_eq!(count("upstream_failure"), 2.0);
    assert_eq!(count("rate_limit_exceeded"), 2.0);
    assert_eq!(count("stream_truncated"), 1.0);
    assert_eq!(page.sum(UPSTREAM_ERRORS, &[]), 5.0);
}

#[actix_web::test]
async fn an_upstream_that_is_not_there_is_counted() {
    let url = refused_url().unwrap();
    let service = TestService::start(|vars| vars.set("LITELLM_PROXY_URL", &url));
    service.ask(&post(CHAT, chat("m"))).await.assert_refused(503);
    let page = service.metrics().await;
    assert_eq!(page.sum(UPSTREAM_ERRORS, &[("kind", "backend_unavailable")]), 1.0);
}

#[actix_web::test]
async fn the_time_to_the_first_token_is_counted_where_there_was_one() {
    let traffic = traffic().await;
    let page = traffic.service.metrics().await;
    let timed = traffic.records.iter().filter(|record| record["time_to_first_token_ms"].is_number());
    let counted = page.sum("llm_proxy_time_to_first_token_seconds_count", &[]);
    assert_eq!((timed.count(), counted), (6, 6.0));
}

#[actix_web::test]
async fn http_requests_are_counted_by_route_and_status() {
    let service = TestService::mock();
    service.ask(&post(CHAT, chat("m"))).await;
    service.ask(&post(CHAT, "oops")).await;
    service.ask(&post("/chat/completions", chat("m"))).await;
    service.ask(&get("/v1/models").without_key()).await;
    for n in 0..20 {
        service.ask(&get(&format!("/invented/{n}"))).await;
        service.ask(&get("/health").method(&format!("BREW{n}"))).await;
    }
    let page = service.metrics().await;
    let count = |route: &str, status: &str| page.sum(HTTP, &[("route", route), ("status", status)]);
    assert_eq!((count(CHAT, "200"), count(CHAT, "400")), (1.0, 1.0));
    assert_eq!(count("/chat/completions", "200"), 1.0);
    assert_eq!(count("/v1/models", "401"), 1.0);
    assert_eq!((count("unmatched", "404"), count("/health", "405")), (20.0, 20.0));
    assert_eq!(page.sum(HTTP, &[("method", "other")]), 20.0);
    let series = page.samples.iter().filter(|sample| sample.name == HTTP);
    assert!(series.count() < 10);
}

#[actix_web::test]
async fn invented_models_do_not_grow_the_page_for_ever() {
    let service = TestService::mock();
    let mut client = service.connect().await;
    for n in 0..1000 {
        client.ask(&post(CHAT, chat(&format!("invented-{n}")))).await;
    }
    let page = service.metrics().await;
    let models: BTreeSet<_> = page.samples.iter().filter_map(|s| s.labels.get("model")).collect();
    assert!(models.len() < 500, "{}", models.len());
    assert_eq!(page.sum(COMPLETIONS, &[("end", "complete")]), 1000.0);
    let other = page.sum(TOKENS, &[("model", "other"), ("kind", "prompt")]);
    assert!(other > 0.0);
}

#[actix_web::test]
async fn the_version_is_on_the_page() {
    let service = TestService::start(|vars| vars.mock().set("VERSION", "9.8.7"));
    let page: Page = service.metrics().await;
    assert_eq!(page.sum("llm_proxy_build", &[("version", "9.8.7")]), 1.0);
}

#[actix_web::test]
async fn no_label_tells_a_secret() {
    let traffic = traffic().await;
    let answer = traffic.service.ask(&get("/metrics")).await;
    let text = answer.text();
    for secret in [KEY, LITELLM_KEY, "say it", "abcd"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// The same on every worker: the counts are the process's.
#[rstest]
#[actix_web::test]
async fn every_worker_shows_the_same_page(#[values(1, 3)] workers: usize) {
    let service = TestService::start(|vars| vars.mock().set("WORKERS", workers));
    for _ in 0..30 {
        service.ask(&post(CHAT, chat("m"))).await;
    }
    for _ in 0..6 {
        assert_eq!(service.metrics().await.sum(COMPLETIONS, &[]), 30.0);
    }
}
