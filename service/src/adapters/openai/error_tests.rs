use std::time::Duration;

use super::*;
use crate::adapters::testing;
use crate::domain::endpoint::Provider;
use http::HeaderMap;
use rstest::rstest;

fn endpoint() -> Endpoint {
    testing::endpoint(Provider::Litellm, "http://litellm:4000")
}

fn refused(status: u16, body: &str) -> Error {
    let headers = HeaderMap::new();
    refusal(&endpoint(), &Refusal { status, headers: &headers, body: body.as_bytes() })
}

#[rstest]
#[case::bad_request(400, Kind::RefusedByUpstream, 400)]
#[case::our_key(401, Kind::BackendAuthentication, 502)]
#[case::our_account(402, Kind::RateLimited, 429)]
#[case::our_rights(403, Kind::BackendAuthentication, 502)]
#[case::unknown_model(404, Kind::RefusedByUpstream, 404)]
#[case::too_large(413, Kind::RefusedByUpstream, 413)]
#[case::unprocessable(422, Kind::RefusedByUpstream, 422)]
#[case::rate_limit(429, Kind::RateLimited, 429)]
#[case::over_capacity(498, Kind::UpstreamFailure, 503)]
#[case::server_error(500, Kind::UpstreamFailure, 502)]
#[case::bad_gateway(502, Kind::UpstreamFailure, 502)]
#[case::unavailable(503, Kind::UpstreamFailure, 503)]
#[case::gateway_timeout(504, Kind::UpstreamTimeout, 504)]
#[case::overloaded(529, Kind::UpstreamFailure, 503)]
fn a_status_of_the_upstream_becomes(#[case] status: u16, #[case] kind: Kind, #[case] for_caller: u16) {
    let error = refused(status, "");
    assert_eq!((error.kind(), error.status()), (kind, for_caller));
}

#[test]
fn the_upstreams_words_are_passed_on_without_keys() {
    let error = refused(
        400,
        r#"{"error":{"message":"no model for hunter2hunter2 sk-12345678","type":"None","param":null,"code":"400"}}"#,
    );
    assert_eq!(error.message(), "no model for *** sk-***");
    assert_eq!((error.openai_type(), error.param(), error.code()), ("invalid_request_error", None, "400"));
}

#[rstest]
#[case::a_text(r#"{"error":"overloaded"}"#, "overloaded")]
#[case::a_text_beside_its_code(
    r#"{"code":"not-found","error":"The model x does not exist"}"#,
    "The model x does not exist"
)]
#[case::no_envelope(
    r#"{"object":"error","message":"no x","type":"NotFoundError","param":null,"code":404}"#,
    "no x"
)]
#[case::a_gateway(r#"{"statusCode":404,"message":"Resource not found"}"#, "Resource not found")]
#[case::fastapi(r#"{"detail":"Not Found"}"#, "Not Found")]
#[case::fastapi_object(r#"{"detail":{"error":"no such model"}}"#, "no such model")]
#[case::fastapi_list(
    r#"{"detail":[{"loc":["body","messages",0],"msg":"Field required","type":"missing"}]}"#,
    "messages.0: Field required"
)]
#[case::a_router(
    r#"{"error":{"message":"Provider returned error","code":404,"metadata":{"raw":"no x","provider_name":"Z"}}}"#,
    "Provider returned error: no x"
)]
#[case::html("<html>Bad gateway</html>", "litellm answered 404 without an explanation")]
fn other_forms_of_errors_are_read(#[case] body: &str, #[case] message: &str) {
    assert_eq!(refused(404, body).message(), message);
}

#[test]
fn the_parts_beside_the_words_are_kept_in_every_form() {
    let error = refused(422, r#"{"object":"error","message":"no","type":"T","param":"p","code":"c"}"#);
    assert_eq!((error.openai_type(), error.param(), error.code()), ("T", Some("p"), "c"));
    let error = refused(404, r#"{"code":"not-found","error":"no"}"#);
    assert_eq!(error.code(), "not-found");
    let error = refused(422, r#"{"detail":[{"loc":["body","n"],"msg":"no"}]}"#);
    assert_eq!(error.param(), Some("n"));
}

#[rstest]
#[case::openai(
    r#"{"error":{"message":"…","type":"invalid_request_error","code":"context_length_exceeded"}}"#
)]
#[case::vllm(r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","code":400}"#)]
#[case::llama_cpp(r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#)]
#[case::xai(r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 200000 tokens."}"#)]
#[case::groq(r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages"}}"#)]
#[case::litellm(r#"{"error":{"message":"litellm.BadRequestError: litellm.ContextWindowExceededError: …","type":null,"param":null,"code":"400"}}"#)]
fn a_conversation_that_is_too_long_has_one_code(#[case] body: &str) {
    let error = refused(400, body);
    assert_eq!((error.kind(), error.code()), (Kind::RefusedByUpstream, "context_length_exceeded"));
}

#[rstest]
#[case::openai(
    429,
    r#"{"error":{"message":"…","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#
)]
#[case::deepseek(402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#)]
#[case::openrouter(402, r#"{"error":{"message":"Insufficient credits","code":402}}"#)]
#[case::xai(403, r#"{"code":"…","error":"Your team has used all available credits or reached its monthly spending limit."}"#)]
#[case::billing(
    400,
    r#"{"error":{"message":"…","type":"invalid_request_error","code":"billing_hard_limit_reached"}}"#
)]
fn an_account_without_means_has_one_code(#[case] status: u16, #[case] body: &str) {
    let error = refused(status, body);
    assert_eq!((error.kind(), error.status(), error.code()), (Kind::RateLimited, 429, "insufficient_quota"));
}

#[rstest]
#[case::azure(
    400,
    r#"{"error":{"message":"…","type":null,"param":"prompt","code":"content_filter","status":400}}"#
)]
#[case::openai(400, r#"{"error":{"message":"…","type":"invalid_request_error","code":"invalid_prompt"}}"#)]
#[case::deepseek(400, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","code":"invalid_request_error"}}"#)]
#[case::openrouter(
    403,
    r#"{"error":{"message":"Your input was flagged","code":403,"metadata":{"reasons":["violence"]}}}"#
)]
fn content_against_a_policy_has_one_code(#[case] status: u16, #[case] body: &str) {
    let error = refused(status, body);
    let expected = (Kind::RefusedByUpstream, 400, "content_policy_violation");
    assert_eq!((error.kind(), error.status(), error.code()), expected);
}

#[rstest]
#[case::a_rate_that_speaks_of_length(429, "please reduce the length of the messages", Kind::RateLimited)]
#[case::a_key_that_was_flagged(401, "input was flagged", Kind::BackendAuthentication)]
#[case::a_failure(500, "maximum context length", Kind::UpstreamFailure)]
fn words_do_not_outweigh_the_status(#[case] status: u16, #[case] message: &str, #[case] kind: Kind) {
    assert_eq!(refused(status, &format!(r#"{{"error":{{"message":"{message}"}}}}"#)).kind(), kind);
}

#[rstest]
#[case::at_a_rate_limit(429, Some(RetryAfter::Delay(Duration::from_secs(6))))]
#[case::elsewhere(503, None)]
fn the_reset_of_a_limit_is_a_wait(#[case] status: u16, #[case] expected: Option<RetryAfter>) {
    let name = http::HeaderName::from_static("x-ratelimit-reset-requests");
    let headers: HeaderMap = [(name, "6s".parse().expect("a value"))].into_iter().collect();
    let error = refusal(&endpoint(), &Refusal { status, headers: &headers, body: b"" });
    assert_eq!(error.retry_after(), expected.as_ref());
}

#[test]
fn a_long_message_is_cut() {
    let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000));
    assert_eq!(refused(400, &body).message().chars().count(), MAX_MESSAGE_CHARS + 1);
}

#[rstest]
#[case::null(r#"{"choices":[],"error":null}"#)]
#[case::only_the_word(r#"{"choices":[{"delta":{"content":"\"error\""}}]}"#)]
fn no_error_is_seen_where_there_is_none(#[case] json: &str) {
    assert_eq!(in_band(&endpoint(), json.as_bytes()), None);
}

#[rstest]
#[case::a_word(
    r#"{"error":{"message":"boom","code":"server_error"}}"#,
    Kind::UpstreamFailure,
    "server_error"
)]
#[case::a_status(r#"{"error":{"message":"boom","code":503}}"#, Kind::UpstreamFailure, "503")]
#[case::a_rate(r#"{"error":{"message":"boom","code":429}}"#, Kind::RateLimited, "429")]
#[case::no_envelope(r#"{"object":"error","message":"boom","code":400}"#, Kind::RefusedByUpstream, "400")]
#[case::our_key(
    r#"{"error":{"message":"boom","code":401}}"#,
    Kind::BackendAuthentication,
    "backend_authentication"
)]
#[case::a_long_prompt(
    r#"{"error":{"message":"boom","code":"context_length_exceeded"}}"#,
    Kind::RefusedByUpstream,
    "context_length_exceeded"
)]
fn an_error_in_band_is_what_it_says(#[case] json: &str, #[case] kind: Kind, #[case] code: &str) {
    let error = in_band(&endpoint(), json.as_bytes()).expect("an error");
    assert_eq!((error.kind(), error.code()), (kind, code));
}
