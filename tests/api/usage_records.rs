//! One record a request, with what it cost and where that is known from; one line a request, with who
//! asked for what. Never a prompt in either, and never a key.

use llm_proxy::telemetry;
use llm_proxy_test_support::{Behaviour, Body, FaultUpstream, Reply, Text, UsageReport};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    CHAT, KEY, LITELLM_KEY, QUICKLY, Request, SOON, TestService, chat, get, post, streamed,
};

/// Eight bytes in two pieces.
fn reply(usage: UsageReport) -> Behaviour {
    let pieces = ["abcd", "efgh"].map(str::to_owned);
    let text = Some(Text::Pieces(pieces.into()));
    Behaviour::from_body(Body::Chat(Reply { text, usage, ..Reply::default() }))
}

fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    upstream
}

/// Asks, waits for the record, ends the service, and gives its only record.
async fn only_record(behaviour: Behaviour, request: Request) -> Value {
    let upstream = upstream(behaviour);
    let mut service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.2);
        vars.set("FIRST_BYTE_TIMEOUT_S", 0.2)
    });
    let answer = service.ask(&request).await;
    let record = service.usage(answer.id()).await;
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    assert_eq!(service.lines.records("usage"), std::slice::from_ref(&record));
    assert_eq!(service.lines.records("access").len(), 1);
    record
}

fn body(stream: bool) -> Value {
    if stream { streamed("m") } else { chat("m") }
}

#[rstest]
#[case::complete(reply(UsageReport::WhenAsked), "complete", "reported")]
#[case::complete_without_usage(reply(UsageReport::Never), "complete", "estimated")]
#[case::refused(Behaviour::status(400), "failed", "counted")]
#[case::limited(Behaviour::status(429), "failed", "counted")]
#[case::failed(Behaviour::status(500), "failed", "counted")]
#[case::nobody_there(Behaviour::reset_before_head(), "failed", "counted")]
#[case::no_head_in_time(Behaviour::stall_before_head(), "failed", "counted")]
#[case::cut(reply(UsageReport::Never).truncate_after_bytes(500), "truncated", "counted")]
#[case::an_error(Behaviour::sse([json!({"error": {"message": "boom"}})]), "failed", "counted")]
#[actix_web::test]
async fn every_request_has_one_record(
    #[case] behaviour: Behaviour,
    #[case] end: &str,
    #[case] provenance: &str,
    #[values(false, true)] stream: bool,
) {
    let behaviour = match (&behaviour.body, stream, end) {
        // In one piece it is shorter, and says its error otherwise.
        (_, false, "truncated") => reply(UsageReport::Never).truncate_after_bytes(50),
        (Body::Sse(_), false, _) => Behaviour::json(json!({"error": {"message": "boom"}})),
        _ => behaviour,
    };
    let record = only_record(behaviour, post(CHAT, body(stream))).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!(end), &json!(provenance)), "{record}");
    assert_eq!(record["streamed"], stream);
    assert_eq!(record["operation"], "chat.completions");
    assert_eq!((&record["model"], &record["endpoint"]), (&json!("m"), &json!("litellm")));
    assert_eq!(record["attempts"], 1);
    assert!(record["duration_ms"].as_f64().unwrap() > 0.0);
    let is_complete = end == "complete";
    assert_eq!(record["error"].is_null(), is_complete, "{record}");
    assert_eq!(record["finish_reason"] == "stop", is_complete, "{record}");
    let total = record["prompt_tokens"].as_u64().unwrap() + record["completion_tokens"].as_u64().unwrap();
    assert_eq!(record["total_tokens"], total);
    assert_eq!(record["completion_tokens"] == 2, is_complete, "{record}");
}

#[rstest]
#[case::completions("/v1/completions", json!({"model": "m", "prompt": "two words"}), "completions")]
#[case::streamed_completions("/v1/completions", json!({"model": "m", "prompt": "two words", "stream": true}), "completions")]
#[case::embeddings("/v1/embeddings", json!({"model": "m", "input": "two words"}), "embeddings")]
#[actix_web::test]
async fn every_operation_has_a_record(#[case] path: &str, #[case] body: Value, #[case] operation: &str) {
    let record = only_record(Behaviour::default(), post(path, body)).await;
    assert_eq!((&record["operation"], &record["end"]), (&json!(operation), &json!("complete")));
    assert_eq!(record["provenance"], "reported", "{record}");
    assert!(record["prompt_tokens"].as_u64().unwrap() > 0);
}

/// A token for each four bytes, or for each delta where that is more.
#[actix_web::test]
async fn an_estimate_is_made_of_the_text() {
    let text = "x".repeat(400);
    let prompt = json!({"model": "m", "messages": [{"role": "user", "content": "y".repeat(80)}]});
    for stream in [false, true] {
        let mut prompt = prompt.clone();
        prompt["stream"] = json!(stream);
        let pieces = Some(Text::Pieces(vec![text.clone()]));
        let reply = Reply { text: pieces, usage: UsageReport::Never, ..Reply::default() };
        let record = only_record(Behaviour::from_body(Body::Chat(reply)), post(CHAT, prompt)).await;
        assert_eq!(record["provenance"], "estimated");
        assert_eq!((&record["prompt_tokens"], &record["completion_tokens"]), (&json!(20), &json!(100)));
    }
}

#[actix_web::test]
async fn the_details_of_a_usage_are_kept() {
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3}});
    let said = json!({"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage});
    let record = only_record(Behaviour::json(said), post(CHAT, chat("m"))).await;
    let tokens = ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"];
    assert_eq!(tokens.map(|name| record[name].as_u64().unwrap()), [9, 12, 21, 4, 3]);
}

/// Some count on in every chunk; the last one counts.
#[actix_web::test]
async fn of_several_usages_the_last_one_counts() {
    let chunk = |tokens: u64| {
        json!({"choices": [{"index": 0, "delta": {"content": "x"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}})
    };
    let behaviour = Behaviour::sse([chunk(1), chunk(2), chunk(3)]);
    let record = only_record(behaviour, post(CHAT, streamed("m"))).await;
    assert_eq!((&record["completion_tokens"], &record["provenance"]), (&json!(3), &json!("reported")));
}

/// A text may quote a usage.
#[actix_web::test]
async fn a_usage_in_a_text_counts_for_nothing() {
    let text = r#"{"usage": {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}}"#;
    for stream in [false, true] {
        let record = only_record(Behaviour::chat(text), post(CHAT, body(stream))).await;
        assert!(record["completion_tokens"].as_u64().unwrap() < 100, "{record}");
        assert_eq!(record["provenance"], "reported");
    }
}

#[actix_web::test]
async fn the_time_to_the_first_token_is_that_of_the_first_text() {
    let behaviour = Behaviour::chat_stream(["a", "b", "c"]).gap_ms(120);
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    let record = service.usage(answer.id()).await;
    let first = record["time_to_first_token_ms"].as_f64().unwrap();
    let whole = record["duration_ms"].as_f64().unwrap();
    assert!((110.0..300.0).contains(&first), "{record}");
    assert!(whole > first + 200.0, "{record}");
}

#[rstest]
#[case::no_key(post(CHAT, chat("m")).without_key(), 401)]
#[case::no_json(post(CHAT, "oops"), 400)]
#[case::no_messages(post(CHAT, "{}"), 400)]
#[case::models(get("/v1/models"), 200)]
#[case::health(get("/health"), 200)]
#[case::nowhere(get("/nowhere?secret-query"), 404)]
#[actix_web::test]
async fn what_asked_no_model_has_a_line_and_no_record(#[case] request: Request, #[case] status: u16) {
    let upstream = upstream(Behaviour::default());
    let mut service = TestService::before(&upstream);
    let answer = service.ask(&request).await;
    let line = service.access(answer.id()).await;
    assert_eq!((&line["status"], &line["finished"]), (&json!(status), &json!(true)));
    assert_eq!((&line["method"], &line["peer"]), (&json!(request.method), &json!("127.0.0.1")));
    assert_eq!(line["path"], request.path.split('?').next().unwrap());
    assert!(line["duration_ms"].as_f64().unwrap() >= 0.0);
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    assert!(service.lines.records("usage").is_empty());
    assert_eq!(service.lines.records("access").len(), 1);
}

#[actix_web::test]
async fn a_thousand_requests_have_a_thousand_records() {
    let upstream = upstream(reply(UsageReport::WhenAsked));
    let mut service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 2));
    let asked = (0..50).map(|n| {
        let service = &service;
        async move {
            let mut client = service.connect().await;
            for _ in 0..20 {
                assert!(client.ask(&post(CHAT, body(n % 2 == 0))).await.complete);
            }
        }
    });
    futures_util::future::join_all(asked).await;
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    let records = service.lines.records("usage");
    assert_eq!(records.len(), 1000);
    let ids: std::collections::BTreeSet<_> = records.iter().map(|r| r["request_id"].as_str()).collect();
    assert_eq!(ids.len(), 1000);
}

/// Everything that must not be told, in every place where it could come from.
const SECRETS: [&str; 6] =
    [KEY, LITELLM_KEY, "prompt-secret", "answer-secret", "query-secret", "header-secret"];

fn secretive(model: &str, stream: bool) -> Request {
    let body = json!({"model": model, "stream": stream, "user": "prompt-secret",
        "messages": [{"role": "system", "content": "prompt-secret"}, {"role": "user", "content": "prompt-secret"}]});
    let request = post(&format!("{CHAT}?key=query-secret"), body);
    request.header("authorization", format!("Bearer {KEY}")).header("cookie", "a=header-secret")
}

/// Good answers, bad ones, and none.
async fn have_secrets_told(level: &str, format: &str) -> String {
    let upstream = FaultUpstream::start();
    let said = json!({"error": {"message": format!("prompt-secret answer-secret {LITELLM_KEY}")}});
    upstream.on("good", Behaviour::chat("answer-secret"));
    upstream.on("refused", Behaviour::json(said.clone()).with_status(400));
    upstream.on("failed", Behaviour::json(said).with_status(500));
    upstream.on("broken", Behaviour::chat_stream(["answer-secret", "x"]).truncate_after_events(2));
    upstream.on("garbage", Behaviour::raw("answer-secret"));
    upstream.on("no-http", Behaviour::not_http());
    upstream.on("stalled", Behaviour::chat_stream(["answer-secret"]).stall_after_events(2));
    let mut settings = None;
    let service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("LOG_LEVEL", level).set("LOG_FORMAT", format);
        settings = Some(vars.clone().settings());
        vars
    });
    let settings = settings.unwrap();
    telemetry::install(&service.lines.log, settings.log_level, settings.log_format, &[]);
    for model in ["good", "refused", "failed", "broken", "garbage", "no-http"] {
        for stream in [false, true] {
            let answer = service.ask(&secretive(model, stream)).await;
            assert!(!answer.text().contains(LITELLM_KEY), "{}", answer.text());
        }
    }
    let mut leaving = service.connect().await;
    leaving.begin(&secretive("stalled", true)).await;
    leaving.events(2).await;
    leaving.leave();
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    let wrong = get("/v1/models").without_key().header("x-internal-auth", "header-secret");
    service.ask(&wrong).await.assert_refused(401);
    let mut bad = secretive("m", false);
    bad.body = b"{\"messages\": \"prompt-secret".to_vec();
    service.ask(&bad).await.assert_refused(400);
    let last = service.ask(&get("/health").id("the-last-one")).await;
    assert!(last.took < QUICKLY);
    crate::harness::wait_for("the last line", || {
        let text = service.lines.text();
        text.contains("the-last-one").then_some(text)
    })
    .await
}

#[rstest]
#[case::json("INFO", "json")]
#[case::text("INFO", "text")]
#[case::debug("DEBUG", "json")]
#[case::everything("TRACE", "text")]
#[actix_web::test]
async fn no_line_tells_a_secret(#[case] level: &str, #[case] format: &str) {
    let text = have_secrets_told(level, format).await;
    assert!(text.lines().count() >= 24, "{text}");
    for line in text.lines() {
        let told = SECRETS.iter().find(|secret| line.contains(**secret));
        assert_eq!(told, None, "{line}");
    }
}

#[rstest]
#[case::warnings("WARN")]
#[case::errors("ERROR")]
#[actix_web::test]
async fn a_quieter_log_has_no_lines_for_what_went_well(#[case] level: &str) {
    let upstream = upstream(Behaviour::default());
    let mut service = TestService::start(|vars| vars.before(&upstream).set("LOG_LEVEL", level));
    assert_eq!(service.ask(&post(CHAT, chat("m"))).await.status, 200);
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    assert_eq!(service.lines.text(), "");
}
