//! Cohere's refusals: `{"message"}`, and the status says the rest.
//! Source: <https://docs.cohere.com/reference/errors>

use serde::Deserialize;
use serde_json::json;

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::Error;

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let message = message(refusal.body);
    let body = message.as_deref().map(as_openais);
    let body = body.as_deref().map_or(refusal.body, str::as_bytes);
    let status = as_standard(refusal.status);
    let error = openai::error::refusal(endpoint, &Refusal { status, body, ..*refusal });
    match code(refusal.status, message.as_deref().unwrap_or_default()) {
        Some(code) => error.with_code(code),
        None => error,
    }
}

/// What a stream, or a body under a status of success, reports; `None` where it is no error.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Error> {
    openai::error::in_band(endpoint, as_openais(&message(json)?).as_bytes())
}

/// `text` without keys, cut where it is long.
#[must_use]
pub fn clean(endpoint: &Endpoint, text: &str) -> String {
    let error = openai::error::in_band(endpoint, as_openais(text).as_bytes());
    error.map(|error| error.message().to_owned()).unwrap_or_default()
}

fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    serde_json::from_slice::<Body>(body).ok().map(|body| body.message)
}

fn as_openais(message: &str) -> String {
    json!({"error": {"message": message}}).to_string()
}

/// 402: this service's budget is spent. 498: its key is invalid. 499: cancelled, and not by us, who would
/// not have waited for the answer.
const fn as_standard(status: u16) -> u16 {
    match status {
        402 => 429,
        498 => 401,
        499 => 502,
        other => other,
    }
}

/// A trial key has limits for a minute and for a month:
/// <https://docs.cohere.com/docs/rate-limits>.
fn code(status: u16, message: &str) -> Option<&'static str> {
    let is_about_the_answer = message.contains("max tokens must be");
    match status {
        400 | 422 if message.starts_with("too many tokens") && !is_about_the_answer => {
            Some("context_length_exceeded")
        }
        404 if message.contains("model") => Some("model_not_found"),
        402 => Some("insufficient_quota"),
        429 if message.contains("month") => Some("insufficient_quota"),
        _ => None,
    }
}
