//! What refusals mean, for every OpenAI-format server.
//! Source: <https://platform.openai.com/docs/guides/error-codes>

use super::cause::Cause;
use super::described::Described;
use super::waits;
pub use super::waits::retry_after;
use crate::adapters::Refusal;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::{Secret, redact};
use crate::error::{Error, Kind, RetryAfter};

/// Longer messages of upstreams are cut: some quote whole requests.
const MAX_MESSAGE_CHARS: usize = 2000;

/// What an OpenAI-format refusal means, with the upstream's own words, keys taken out.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let described = Described::refusal(endpoint, refusal.body).unwrap_or_default();
    let cause = Cause::at(refusal.status, &described);
    let message = described.message.clone();
    let message = message
        .unwrap_or_else(|| format!("{} answered {} without an explanation", endpoint.name, refusal.status));
    let mut error = failure(endpoint, refusal.status, cause, message);
    if matches!(error.kind(), Kind::RefusedByUpstream | Kind::RateLimited) {
        error = described.add_to(error, cause);
    }
    match wait(refusal, error.message()) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

fn wait(refusal: &Refusal<'_>, message: &str) -> Option<RetryAfter> {
    let wait = retry_after(refusal.headers);
    if refusal.status != 429 {
        return wait;
    }
    wait.or_else(|| waits::in_words(message)).or_else(|| waits::limit_reset(refusal.headers))
}

/// The answer is not the `what` that its format promises.
#[must_use]
pub fn malformed(endpoint: &Endpoint, what: &str, error: &serde_json::Error) -> Error {
    Error::new(Kind::MalformedAnswer, format!("{} answered with no {what}: {error}", endpoint.name))
}

/// The error object inside a stream or a 200 body; `None` where there is none.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Error> {
    // Most chunks hold neither word: they are not read twice.
    let may_be = [&b"error"[..], b"detail"].iter().any(|word| memchr::memmem::find(json, word).is_some());
    let described = may_be.then(|| Described::in_band(endpoint, json)).flatten()?;
    Some(in_the_middle(endpoint, described))
}

/// The failure that an error object inside an answer describes. OpenRouter's say which status it would
/// have had before the answer began.
/// Source: <https://openrouter.ai/docs/api/reference/errors-and-debugging>
pub fn in_the_middle(endpoint: &Endpoint, described: Described) -> Error {
    let cause = match described.status {
        Some(status) => Cause::at(status, &described),
        None => Cause::of(&described),
    };
    let status = described.status.unwrap_or(if cause.is_some() { 400 } else { 500 });
    let message = described.message.clone();
    let message =
        message.unwrap_or_else(|| format!("{} reported an error in the middle of its answer", endpoint.name));
    let error = failure(endpoint, status, cause, message);
    if error.kind() == Kind::BackendAuthentication { error } else { described.add_to(error, cause) }
}

fn failure(endpoint: &Endpoint, status: u16, cause: Option<Cause>, message: String) -> Error {
    let kind = match cause {
        Some(Cause::Quota) => Kind::RateLimited,
        Some(Cause::ContextLength | Cause::ContentPolicy) => Kind::RefusedByUpstream,
        None => kind_of(status),
    };
    let message = match kind {
        Kind::BackendAuthentication => {
            format!("{} rejected this service's key ({status}): {message}", endpoint.name)
        }
        _ => message,
    };
    Error::new(kind, message).with_status(status_for_caller(kind, status))
}

const fn kind_of(status: u16) -> Kind {
    match status {
        401 | 403 => Kind::BackendAuthentication,
        408 | 504 => Kind::UpstreamTimeout,
        429 => Kind::RateLimited,
        OVER_CAPACITY => Kind::UpstreamFailure,
        400..=499 => Kind::RefusedByUpstream,
        _ => Kind::UpstreamFailure,
    }
}

/// Groq's: the tier is full. Source: <https://console.groq.com/docs/errors>
const OVER_CAPACITY: u16 = 498;

/// 4xx are passed on where they are the caller's to mend; 5xx stay 502, 503 and 504.
const fn status_for_caller(kind: Kind, status: u16) -> u16 {
    match (kind, status) {
        // To a caller 403 would say that its key lacks a right: content is refused with 400.
        (Kind::RefusedByUpstream, 403) => 400,
        (Kind::RefusedByUpstream, _) => status,
        // 529 is Anthropic's word for overload, which routers pass on.
        (Kind::UpstreamFailure, 503 | 529 | OVER_CAPACITY) => 503,
        _ => kind.status(),
    }
}

/// An upstream's words, without keys and cut where they are too long.
pub fn clean(endpoint: &Endpoint, message: &str) -> String {
    let known: Vec<&Secret> = endpoint.key.iter().collect();
    let clean = redact(message, &known);
    match clean.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
