//! Between client and upstream: what is passed on, what is exchanged, and what stays here.

use std::time::Duration;

use llm_proxy_test_support::{
    Action, ApiError, Behaviour, FaultUpstream, Point, RecordedRequest, refused_url,
};
use rstest::rstest;
use serde_json::json;

use crate::harness::{
    Answer, CHAT, KEY, LITELLM_KEY, QUICKLY, Request, SOON, TestService, chat, data_of, get, post, streamed,
};

/// What reached the upstream when the service was asked this.
async fn relayed(request: &Request) -> RecordedRequest {
    let upstream = FaultUpstream::start();
    let service = TestService::start(|vars| vars.before(&upstream).set("DEFAULT_MODEL", "fallback"));
    let answer = service.ask(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(upstream.protocol_errors().is_empty());
    let mut requests = upstream.take_requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[rstest]
#[case::plain(r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#)]
#[case::numbers(r#"{"model":"m","temperature":1.10,"top_p":1e-1,"seed":12345678901234567890,"x":-0.0,"messages":[{"role":"user","content":"x"}]}"#)]
#[case::white_space(
    " {\r\n\t\"model\" : \"m\" ,\n\"messages\":[ {\"role\":\"user\",\"content\":\"x\"} ] } \n"
)]
#[case::unknown_members(r#"{"zzz":{"b":1,"a":[null,true]},"model":"m","messages":[{"role":"user","content":"x","cache_control":{"type":"ephemeral"}}],"aaa":""}"#)]
#[case::escapes(r#"{"model":"m","messages":[{"role":"user","content":"\u00e9\ud83d\ude00\/\"\\"}]}"#)]
#[case::escaped_keys(r#"{"mod\u0065l":"m","messages":[{"role":"user","content":"x"}]}"#)]
#[case::unicode(r#"{"model":"m","messages":[{"role":"user","content":"日本語 👋🏽 é"}]}"#)]
#[case::null_members(
    r#"{"model":"m","stream":null,"tools":null,"temperature":null,"messages":[{"role":"user","content":null}]}"#
)]
#[case::all_roles(r#"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","content":"d","tool_call_id":"t"},{"role":"function","name":"f","content":"e"}]}"#)]
#[case::a_stream_with_usage(
    r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
)]
#[actix_web::test]
async fn a_body_reaches_the_upstream_byte_for_byte(#[case] body: &str) {
    let asked = relayed(&post(CHAT, body)).await;
    assert_eq!(String::from_utf8(asked.body).unwrap(), body);
}

#[rstest]
#[case::no_model(
    r#"{ "messages":[{"role":"user","content":"x"}], "x":1.10}"#,
    r#"{"model":"fallback", "messages":[{"role":"user","content":"x"}], "x":1.10}"#
)]
#[case::a_null_model(
    r#"{"model": null ,"messages":[{"role":"user","content":"x"}]}"#,
    r#"{"model": "fallback" ,"messages":[{"role":"user","content":"x"}]}"#
)]
#[case::an_empty_model(
    r#"{"model":"","messages":[{"role":"user","content":"x"}]}"#,
    r#"{"model":"fallback","messages":[{"role":"user","content":"x"}]}"#
)]
#[case::a_stream(
    r#"{"model":"m","stream":true,"x":1.10,"messages":[{"role":"user","content":"x"}]}"#,
    r#"{"stream_options":{"include_usage":true},"model":"m","stream":true,"x":1.10,"messages":[{"role":"user","content":"x"}]}"#
)]
#[case::a_stream_that_wants_no_usage(
    r#"{"model":"m","stream":true,"stream_options":{"include_usage": false},"messages":[{"role":"user","content":"x"}]}"#,
    r#"{"model":"m","stream":true,"stream_options":{"include_usage": true},"messages":[{"role":"user","content":"x"}]}"#
)]
#[actix_web::test]
async fn a_body_is_changed_only_where_it_is_documented(#[case] body: &str, #[case] sent: &str) {
    let asked = relayed(&post(CHAT, body)).await;
    assert_eq!(String::from_utf8(asked.body).unwrap(), sent);
}

/// The default is in the record as well.
#[actix_web::test]
async fn a_default_model_is_the_one_that_is_recorded() {
    let upstream = FaultUpstream::start();
    let service = TestService::start(|vars| vars.before(&upstream).set("DEFAULT_MODEL", "fallback"));
    let body = json!({"messages": [{"role": "user", "content": "x"}]});
    let answer = service.ask(&post(CHAT, body)).await;
    assert_eq!(service.usage(answer.id()).await["model"], "fallback");
}

#[rstest]
#[case::chat("/v1/chat/completions", chat("m"), "/v1/chat/completions")]
#[case::chat_alias("/chat/completions", chat("m"), "/v1/chat/completions")]
#[case::completions("/v1/completions", json!({"model": "m", "prompt": "x"}), "/v1/completions")]
#[case::embeddings("/v1/embeddings", json!({"model": "m", "input": "x"}), "/v1/embeddings")]
#[actix_web::test]
async fn a_route_is_served_by_its_counterpart(
    #[case] path: &str,
    #[case] body: serde_json::Value,
    #[case] upstream_path: &str,
) {
    let asked = relayed(&post(path, &body)).await;
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", upstream_path));
    assert_eq!(asked.json(), body);
}

#[actix_web::test]
async fn a_query_is_not_passed_on() {
    let asked = relayed(&post(&format!("{CHAT}?api-version=1&key={KEY}"), chat("m"))).await;
    assert_eq!(asked.query, None);
}

#[actix_web::test]
async fn litellm_may_stand_under_a_path() {
    let upstream = FaultUpstream::start();
    upstream.on("/team/a/v1/chat/completions", Behaviour::chat("found"));
    let url = format!("{}/team/a/", upstream.url());
    let service = TestService::start(|vars| vars.set("LITELLM_PROXY_URL", &url));
    let answer = service.plain().post(CHAT, &chat("m")).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "found");
}

/// What a caller shows to us, in all the ways there are.
fn with_credentials(request: Request) -> Request {
    request
        .header("authorization", format!("Bearer {KEY}"))
        .header("proxy-authorization", "Basic c2VjcmV0OnNlY3JldA==")
        .header("cookie", "session=callers-cookie")
        .header("x-litellm-api-key", "callers-litellm-key")
        .header("api-key", "callers-azure-key")
        .header("x-api-key", "callers-anthropic-key")
        .header("x-goog-api-key", "callers-google-key")
        .header("x-forwarded-access-token", "callers-token")
}

#[actix_web::test]
async fn the_callers_credentials_stay_here_and_litellms_key_goes_out() {
    let asked = relayed(&with_credentials(post(CHAT, chat("m")))).await;
    let keys: Vec<_> = asked.headers("authorization").collect();
    assert_eq!(keys, [format!("Bearer {LITELLM_KEY}")]);
    let all = format!("{:?}", asked.headers);
    for secret in [KEY, "callers-", "c2VjcmV0", "session"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[actix_web::test]
async fn without_a_key_for_litellm_none_is_sent() {
    let upstream = FaultUpstream::start();
    let service = TestService::start(|vars| vars.before(&upstream).set("LITELLM_API_KEY", ""));
    assert_eq!(service.ask(&with_credentials(post(CHAT, chat("m")))).await.status, 200);
    assert_eq!(upstream.requests()[0].header("authorization"), None);
}

#[rstest]
#[case::connection("connection", "x-private")]
#[case::what_connection_names("x-private", "1")]
#[case::keep_alive("keep-alive", "timeout=5")]
#[case::te("te", "trailers")]
#[case::upgrade("upgrade", "h2c")]
#[case::proxy_connection("proxy-connection", "keep-alive")]
#[case::expect("x-internal-anything", "1")]
#[case::range("range", "bytes=0-10")]
#[case::conditions("if-none-match", "\"x\"")]
#[actix_web::test]
async fn a_header_between_two_neighbours_is_not_passed_on(#[case] name: &str, #[case] value: &str) {
    let request = post(CHAT, chat("m")).header(name, value);
    let asked = relayed(&request).await;
    assert_eq!(asked.header(name), None);
}

#[rstest]
#[case::user_agent("user-agent", "OpenAI/Python 1.99")]
#[case::traceparent("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
#[case::organization("openai-organization", "org-1")]
#[case::sdk("x-stainless-retry-count", "0")]
#[case::litellm_tags("x-litellm-tags", "team-a,team-b")]
#[actix_web::test]
async fn a_useful_header_is_passed_on(#[case] name: &str, #[case] value: &str) {
    let asked = relayed(&post(CHAT, chat("m")).header(name, value)).await;
    assert_eq!(asked.headers(name).collect::<Vec<_>>(), [value]);
}

#[actix_web::test]
async fn the_upstream_is_asked_for_plain_json() {
    let asked = relayed(&post(CHAT, chat("m")).header("accept-encoding", "gzip, br")).await;
    let length = asked.body.len().to_string();
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.headers("content-length").collect::<Vec<_>>(), [length]);
    assert_eq!(asked.headers("host").count(), 1);
    assert_ne!(asked.header("host"), Some("llm-proxy.test"));
}

#[actix_web::test]
async fn a_chunked_request_is_passed_on_with_its_length() {
    let body = chat("m");
    let asked = relayed(&post(CHAT, &body).chunked()).await;
    assert_eq!(asked.json(), body);
    assert_eq!(asked.header("transfer-encoding"), None);
}

#[actix_web::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let request = post(CHAT, chat("m")).header("expect", "100-continue");
    let bytes = request.bytes();
    let (head, body) = bytes.split_at(bytes.len() - request.body.len());
    let mut client = service.connect().await;
    client.send(head).await;
    assert_eq!(client.head().await.status, 100);
    client.send(body).await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(upstream.requests()[0].header("expect"), None);
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let upstream = FaultUpstream::start();
    upstream.on("slow", Behaviour::chat("slow").delay_ms(50));
    upstream.on("fast", Behaviour::chat("fast"));
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    let (slow, fast) = (post(CHAT, chat("slow")).bytes(), post(CHAT, chat("fast")).bytes());
    client.send([slow, fast].concat()).await;
    for expected in ["slow", "fast"] {
        let answer = client.answer().await.json();
        assert_eq!(answer["choices"][0]["message"]["content"], expected);
    }
}

/// The answer to a chat whose upstream answers with these headers.
async fn answered_with(headers: &[(&str, &str)], status: u16, body: &serde_json::Value) -> Answer {
    let upstream = FaultUpstream::start();
    let behaviour = Behaviour::default().with_status(status);
    let add = |behaviour: Behaviour, (name, value): &(&str, &str)| behaviour.header(*name, *value);
    upstream.default_behaviour(headers.iter().fold(behaviour, add));
    TestService::before(&upstream).ask(&post(CHAT, body)).await
}

#[rstest]
#[case::whole(chat("m"), 200)]
#[case::streamed(streamed("m"), 200)]
#[case::refused(chat("m"), 429)]
#[actix_web::test]
async fn headers_that_tell_the_caller_something_are_kept(
    #[case] body: serde_json::Value,
    #[case] status: u16,
) {
    let kept = [
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-tokens", "6m0s"),
        ("x-litellm-model-id", "deployment-1"),
        ("x-litellm-response-cost", "0.0001"),
        ("retry-after", "7"),
    ];
    let answer = answered_with(&kept, status, &body).await;
    assert_eq!(answer.status, status);
    for (name, value) in kept {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

#[rstest]
#[case::whole(chat("m"), 200)]
#[case::streamed(streamed("m"), 200)]
#[case::refused(chat("m"), 400)]
#[actix_web::test]
async fn headers_that_are_nobodys_business_are_dropped(#[case] body: serde_json::Value, #[case] status: u16) {
    let dropped = [
        ("set-cookie", "upstream=1"),
        ("server", "uvicorn"),
        ("keep-alive", "timeout=5"),
        ("www-authenticate", "Bearer realm=\"upstream\""),
        ("proxy-authenticate", "Basic"),
        ("x-internal-host", "10.0.0.7"),
        ("access-control-allow-origin", "*"),
        ("strict-transport-security", "max-age=1"),
        ("alt-svc", "h3=\":443\""),
        ("x-llm-proxy-endpoint-of-another", "1"),
    ];
    let answer = answered_with(&dropped, status, &body).await;
    assert_eq!(answer.status, status);
    for (name, _) in dropped {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[rstest]
#[case::the_id("x-request-id", "upstreams-own-id")]
#[case::the_endpoint("x-llm-proxy-endpoint", "upstreams-own-name")]
#[actix_web::test]
async fn an_upstream_cannot_speak_for_us(#[case] name: &str, #[case] value: &str) {
    for body in [chat("m"), streamed("m")] {
        let answer = answered_with(&[(name, value)], 200, &body).await;
        assert_ne!(answer.header(name), Some(value));
        assert!(answer.header(name).is_some());
    }
}

#[rstest]
#[case::whole(chat("m"), Behaviour::default(), 200)]
#[case::streamed(streamed("m"), Behaviour::default(), 200)]
#[case::refused(chat("m"), Behaviour::status(404), 404)]
#[case::limited(streamed("m"), Behaviour::status(429), 429)]
#[case::failed(chat("m"), Behaviour::status(500), 502)]
#[case::reset(streamed("m"), Behaviour::reset_before_head(), 502)]
#[case::cut(chat("m"), Behaviour::default().truncate_after_bytes(20), 502)]
#[actix_web::test]
async fn every_completion_tells_who_served_after_how_many_calls(
    #[case] body: serde_json::Value,
    #[case] behaviour: Behaviour,
    #[case] status: u16,
) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let answer = TestService::before(&upstream).ask(&post(CHAT, body)).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("litellm"));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("1"));
}

#[actix_web::test]
async fn a_completion_that_reached_nobody_tells_so_too() {
    let url = refused_url().unwrap();
    let service = TestService::start(|vars| vars.set("LITELLM_PROXY_URL", &url));
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("litellm"));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("1"));
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn a_compressed_answer_arrives_plain_and_is_accounted(#[case] body: serde_json::Value) {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let plain = service.ask(&post(CHAT, &body)).await;
    upstream.default_behaviour(Behaviour::default().gzip());
    let inflated = service.ask(&post(CHAT, &body)).await;
    assert_eq!(inflated.text(), plain.text());
    assert!(inflated.complete);
    assert_eq!(inflated.header("content-encoding"), None);
    let record = service.usage(inflated.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
}

#[actix_web::test]
async fn an_answer_in_an_unknown_coding_is_502() {
    let behaviour = Behaviour::default().header("content-encoding", "br");
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let answer = TestService::before(&upstream).ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.assert_refused(502).code, "malformed_answer");
}

#[rstest]
#[case::early_hints(&[103])]
#[case::several(&[100, 102, 103, 103])]
#[actix_web::test]
async fn heads_before_the_head_are_passed_over(#[case] statuses: &[u16]) {
    let behaviour = statuses.iter().fold(Behaviour::chat("there"), |b, s| b.informational(*s));
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let answer = TestService::before(&upstream).ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "there");
}

#[rstest]
#[case::whole(&[chat("m")])]
#[case::streamed(&[streamed("m")])]
#[case::mixed(&[chat("m"), streamed("m"), chat("missing")])]
#[actix_web::test]
async fn one_after_the_other_needs_one_connection(#[case] bodies: &[serde_json::Value]) {
    let upstream = FaultUpstream::start();
    upstream.on("missing", Behaviour::status(404));
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    for body in bodies.iter().cycle().take(20) {
        let answer = client.ask(&post(CHAT, body)).await;
        assert!(answer.complete && [200, 404].contains(&answer.status));
    }
    let connections = upstream.connections();
    assert_eq!((connections.accepted, upstream.requests().len()), (1, 20));
}

#[actix_web::test]
async fn a_broken_connection_is_not_used_again() {
    let upstream = FaultUpstream::start();
    let error = Action::ErrorEvent(ApiError::default());
    let broken = Behaviour::long_stream(100, 1000).after_events(2, error);
    upstream.sequence("m", [broken, Behaviour::chat("another")]);
    let service = TestService::before(&upstream);
    assert!(service.ask(&post(CHAT, streamed("m"))).await.text().contains("\"error\""));
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "another");
    assert_eq!(upstream.requests()[1].number_on_connection, 1);
}

#[rstest]
#[case::with_a_fin(Action::Close)]
#[case::with_a_reset(Action::Reset)]
#[actix_web::test]
async fn a_connection_that_the_upstream_closed_meanwhile_is_nobodys_problem(#[case] action: Action) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::chat("there").fault(Point::End, action));
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    for _ in 0..20 {
        let answer = client.ask(&post(CHAT, chat("m"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(upstream.requests().len(), 20);
}

/// An upstream that has the whole request may have served it, and may be paid for it.
#[actix_web::test]
async fn what_an_upstream_was_asked_is_what_the_attempts_say() {
    let upstream = FaultUpstream::start();
    let lost = Behaviour::close_before_head();
    upstream.sequence("m", [Behaviour::default(), lost, Behaviour::default()]);
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    let mut attempts = 0;
    for _ in 0..2 {
        let answer = client.ask(&post(CHAT, chat("m"))).await;
        let header = answer.header("x-llm-proxy-attempts").unwrap();
        attempts += header.parse::<usize>().unwrap();
    }
    assert_eq!(upstream.requests().len(), attempts);
}

#[actix_web::test]
async fn a_large_answer_arrives_whole() {
    let text = "x".repeat(8 << 20);
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::chat(text.as_str()));
    let answer = TestService::before(&upstream).ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], text);
}

#[actix_web::test]
async fn a_large_request_arrives_whole() {
    let text = "x".repeat(8 << 20);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    let asked = relayed(&post(CHAT, &body)).await;
    assert_eq!(asked.json(), body);
}

#[actix_web::test]
async fn fifty_at_once_get_fifty_answers_of_their_own() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::default().delay_ms(20));
    let service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 2));
    let asked = (0..50).map(|n| {
        let service = &service;
        async move {
            let body = json!({"model": "m", "stream": n % 2 == 0, "messages": [{"role": "user", "content": format!("number-{n}")}]});
            let answer = service.ask(&post(CHAT, body)).await;
            assert_eq!(answer.status, 200);
            assert!(answer.text().contains(&format!("number-{n}")), "{}", answer.text());
        }
    });
    let started = std::time::Instant::now();
    futures_util::future::join_all(asked).await;
    assert!(started.elapsed() < SOON);
}

#[actix_web::test]
async fn a_head_is_not_kept_waiting_by_other_requests() {
    let upstream = FaultUpstream::start();
    upstream.on("stalled", Behaviour::stall_before_head());
    let service = TestService::before(&upstream);
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut client = service.connect().await;
        client.send(post(CHAT, chat("stalled")).bytes()).await;
        waiting.push(client);
    }
    assert!(upstream.wait_for_requests(20, SOON).await.is_some());
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
    for client in &mut waiting {
        assert!(client.is_silent_for(Duration::from_millis(1)).await);
    }
}

#[rstest]
#[case::completions("/v1/completions", json!({"model": "m", "prompt": "two words"}))]
#[case::embeddings("/v1/embeddings", json!({"model": "m", "input": ["a", "b"]}))]
#[actix_web::test]
async fn the_other_operations_are_relayed_as_they_are(#[case] path: &str, #[case] body: serde_json::Value) {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(path, &body)).await;
    let mut direct = crate::harness::Client::connect(upstream.port()).await;
    let expected = direct.ask(&post(path, &body)).await;
    assert_eq!((answer.status, answer.text()), (200, expected.text()));
}

#[actix_web::test]
async fn an_old_completion_streams_too() {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let body = json!({"model": "m", "prompt": "two words", "stream": true});
    let answer = service.ask(&post("/v1/completions", body)).await;
    let data = data_of(&answer.events());
    assert_eq!(data.last().unwrap(), "[DONE]");
    let text = data.iter().filter_map(|data| {
        let json: serde_json::Value = serde_json::from_str(data).ok()?;
        json["choices"][0]["text"].as_str().map(str::to_owned)
    });
    assert_eq!(text.collect::<String>(), "echo: two words");
    assert_eq!(service.usage(answer.id()).await["provenance"], "reported");
}

#[actix_web::test]
async fn health_is_not_asked_of_the_models() {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    assert_eq!(service.ask(&get("/health/ready")).await.status, 200);
    assert_eq!(upstream.requests()[0].path, "/health/liveliness");
}
