//! Ollama's refusals, and refusals in its form: `{"error": "…"}`.
//! Source: <https://docs.ollama.com/api/errors>

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind};

/// What servers say of a prompt that does not fit, in any version and of any of their runners. Some
/// say it with status 500.
/// Source: <https://github.com/ollama/ollama/blob/main/llm/server.go>
const TOO_LONG: [&str; 5] = [
    "exceeds the available context size",
    "exceed_context_size",
    "exceeds maximum context length",
    "exceeds the context length",
    "exceeded max context length",
];

/// What a refusal means: Ollama's error is a text, so its words decide what the status does not say.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let error = openai::error::refusal(endpoint, refusal);
    // The vendor's words, not the message: where the vendor explains nothing, that is ours and has the
    // endpoint's name in it.
    let words = String::from_utf8_lossy(refusal.body).to_ascii_lowercase();
    if TOO_LONG.iter().any(|known| words.contains(known)) {
        let error = Error::new(Kind::RefusedByUpstream, error.message().to_owned());
        return error.with_status(400).with_code("context_length_exceeded");
    }
    match refusal.status {
        404 if words.contains("model") => error.with_code("model_not_found"),
        // The account behind our key, not the caller's request: another endpoint may have what it takes.
        402 => Error::new(Kind::RateLimited, error.message().to_owned()).with_code("insufficient_quota"),
        429 if words.contains("usage limit") => error.with_code("insufficient_quota"),
        _ => error,
    }
}

/// A failure as Ollama's clients read it, for the body of an HTTP error or a line of a stream.
#[must_use]
pub fn error_body(error: &Error) -> Vec<u8> {
    let mut body = Vec::new();
    super::line::write(&serde_json::json!({"error": error.message()}), &mut body);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use http::HeaderMap;
    use rstest::rstest;

    #[rstest]
    #[case::of_a_route("404 page not found", "refused_by_upstream")]
    #[case::of_a_model(r#"{"error": "model 'x' not found"}"#, "model_not_found")]
    fn a_404_tells_a_missing_route_from_a_missing_model(#[case] body: &str, #[case] code: &str) {
        let mut endpoint = endpoint(Provider::Ollama, "http://ollama");
        endpoint.name = "ollama/my-model".to_owned();
        let refusal = Refusal { status: 404, headers: &HeaderMap::new(), body: body.as_bytes() };
        assert_eq!(super::refusal(&endpoint, &refusal).code(), code);
    }
}
