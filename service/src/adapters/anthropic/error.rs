//! Anthropic's refusals, and the errors in its streams.
//! Source: <https://platform.claude.com/docs/en/api/errors>

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind};

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    // `{"error": {"type", "message"}}` is OpenAI's object, with fewer members.
    let error = openai::error::refusal(endpoint, refusal);
    match refusal.status {
        402 => spent(error),
        529 => error.with_status(503),
        _ => with_code(error),
    }
}

/// What an error under a status of success means: an event of a stream, or a whole body.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Error {
    let nameless = || {
        let message = format!("{} reported an error in the middle of its answer", endpoint.name);
        Error::new(Kind::UpstreamFailure, message)
    };
    let error = openai::error::in_band(endpoint, json).unwrap_or_else(nameless);
    let (kind, status) = match error.openai_type() {
        "billing_error" => return spent(error),
        "authentication_error" | "permission_error" => (Kind::BackendAuthentication, 502),
        "invalid_request_error" => (Kind::RefusedByUpstream, 400),
        "not_found_error" => (Kind::RefusedByUpstream, 404),
        "request_too_large" => (Kind::RefusedByUpstream, 413),
        "rate_limit_error" => (Kind::RateLimited, 429),
        "timeout_error" => (Kind::UpstreamTimeout, 504),
        "overloaded_error" => (Kind::UpstreamFailure, 503),
        _ => (Kind::UpstreamFailure, 502),
    };
    let told = Error::new(kind, error.message().to_owned()).with_status(status);
    with_code(told.with_type(error.openai_type()))
}

/// The account has no money left, or has reached a limit that its owner set. OpenAI says so with a 429,
/// and another endpoint may still serve.
fn spent(error: Error) -> Error {
    let spent = Error::new(Kind::RateLimited, error.message().to_owned()).with_code("insufficient_quota");
    match error.retry_after() {
        Some(wait) => spent.with_retry_after(wait.clone()),
        None => spent,
    }
}

/// Anthropic has no codes: what went wrong stands at the beginning of the message.
fn with_code(error: Error) -> Error {
    let message = error.message();
    let says = |words: &str| message.contains(words);
    if !matches!(error.kind(), Kind::RefusedByUpstream | Kind::RateLimited) {
        error
    } else if says("credit balance is too low") || says("API usage limits") {
        spent(error)
    } else if says("prompt is too long") || says("exceed context limit") {
        error.with_code("context_length_exceeded")
    } else if says("content filtering policy") {
        error.with_code("content_policy_violation")
    } else if error.status() == 404 && message.starts_with("model:") {
        error.with_code("model_not_found").with_param("model")
    } else {
        with_param(error)
    }
}

/// `messages.0.content: Field required` names the member at its beginning.
fn with_param(error: Error) -> Error {
    let is_path = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'))
    };
    let path = error.message().split_once(": ").map(|(path, _)| path.to_owned());
    match path.filter(|path| is_path(path) && error.kind() == Kind::RefusedByUpstream) {
        Some(path) => error.with_param(path),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    #[rstest]
    #[case::overload("overloaded_error", Kind::UpstreamFailure, 503)]
    #[case::internal("api_error", Kind::UpstreamFailure, 502)]
    #[case::time("timeout_error", Kind::UpstreamTimeout, 504)]
    #[case::rate("rate_limit_error", Kind::RateLimited, 429)]
    #[case::money("billing_error", Kind::RateLimited, 429)]
    #[case::our_key("authentication_error", Kind::BackendAuthentication, 502)]
    #[case::our_rights("permission_error", Kind::BackendAuthentication, 502)]
    #[case::the_request("invalid_request_error", Kind::RefusedByUpstream, 400)]
    #[case::no_model("not_found_error", Kind::RefusedByUpstream, 404)]
    #[case::size("request_too_large", Kind::RefusedByUpstream, 413)]
    #[case::new("tired_error", Kind::UpstreamFailure, 502)]
    fn an_error_in_a_stream_becomes(#[case] name: &str, #[case] kind: Kind, #[case] status: u16) {
        let endpoint = testing::endpoint(Provider::Anthropic, "https://api.anthropic.com");
        let json = format!(r#"{{"type":"error","error":{{"type":"{name}","message":"Sorry"}}}}"#);
        let error = in_band(&endpoint, json.as_bytes());
        assert_eq!((error.kind(), error.status(), error.message()), (kind, status, "Sorry"));
    }

    #[test]
    fn an_error_without_its_object_is_still_one() {
        let endpoint = testing::endpoint(Provider::Anthropic, "https://api.anthropic.com");
        let error = in_band(&endpoint, br#"{"type":"error"}"#);
        assert_eq!(error.kind(), Kind::UpstreamFailure);
    }
}
