//! Mistral's refusals, which have several forms: `{"object": "error", "message", "type", "code"}`, the
//! same with FastAPI's list of faults for a message, that list as `detail`, and the gateway's
//! `{"message", "request_id"}`.
//! Source: <https://docs.mistral.ai/api/>

use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, RetryAfter};

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let body: Body = serde_json::from_slice(refusal.body).unwrap_or_default();
    let reason = Reason::of(refusal.status, refusal.headers, &body);
    let status = Reason::read_as(reason, refusal.status);
    let written = body.as_openais(None);
    let written = written.as_deref().map_or(refusal.body, str::as_bytes);
    let error = openai::error::refusal(endpoint, &Refusal { status, body: written, ..*refusal });
    with_wait(coded(error, reason), refusal.headers)
}

/// What a stream, or a body under a status of success, reports; `None` where it is no error.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Error> {
    let body: Body = serde_json::from_slice(json).ok()?;
    let Some(status) = body.raw_status_code else {
        let written = body.as_openais(None);
        return openai::error::in_band(endpoint, written.as_deref().map_or(json, str::as_bytes));
    };
    let reason = Reason::of(status, &HeaderMap::new(), &body);
    let written = body.as_openais(Some(Reason::read_as(reason, status)));
    let error = openai::error::in_band(endpoint, written.as_deref().map_or(json, str::as_bytes))?;
    Some(coded(error, reason))
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    detail: Value,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// The status that an error in a stream would have had before it.
    #[serde(default)]
    raw_status_code: Option<u16>,
}

impl Body {
    /// OpenAI's form of it, with the status where nothing else tells it. The numbers in `code` are left out:
    /// they are nobody's but Mistral's.
    fn as_openais(&self, status: Option<u16>) -> Option<String> {
        let faults = self.faults();
        let message = match faults {
            Some(faults) => faults.iter().map(described).collect::<Vec<_>>().join("; "),
            None => self.message.as_str().or(self.detail.as_str())?.to_owned(),
        };
        let param = faults.and_then(|faults| faults.first()).and_then(path);
        let error = json!({"message": message, "type": self.kind, "param": param, "status": status});
        Some(json!({"error": error}).to_string())
    }

    fn faults(&self) -> Option<&Vec<Value>> {
        let lists = [&self.message["detail"], &self.message, &self.detail];
        lists.into_iter().find_map(Value::as_array)
    }
}

fn described(fault: &Value) -> String {
    let message = fault["msg"].as_str().unwrap_or_default();
    path(fault).map_or_else(|| message.to_owned(), |path| format!("`{path}`: {message}"))
}

/// `["body", "messages", 0, "user", "content"]` as `messages[0].content`: behind an index stands the role,
/// which says only how the message was read.
fn path(fault: &Value) -> Option<String> {
    let mut path = String::new();
    for step in fault["loc"].as_array()? {
        match step {
            Value::String(name) if path.is_empty() && name == "body" => {}
            Value::String(name) if path.ends_with(']') && ROLES.contains(&name.as_str()) => {}
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => path.extend([".", name]),
            index => path.push_str(&format!("[{index}]")),
        }
    }
    (!path.is_empty()).then_some(path)
}

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

const GUARDRAIL_WORDS: [&str; 2] = ["guardrail", "moderation"];

/// What a refusal is about, beyond its status.
#[derive(Clone, Copy)]
enum Reason {
    Context,
    Model,
    Quota,
    Policy,
}

impl Reason {
    fn of(status: u16, headers: &HeaderMap, body: &Body) -> Option<Self> {
        let message = body.message.as_str().unwrap_or_default().to_lowercase();
        let kind = body.kind.as_deref().unwrap_or_default();
        let is_spent = number(headers, "x-ratelimitbysize-remaining-month") == Some(0);
        match status {
            400 | 422 if message.contains("too large for model") => Some(Self::Context),
            400 | 404 if kind == "invalid_model" => Some(Self::Model),
            402 => Some(Self::Quota),
            429 if is_spent => Some(Self::Quota),
            // Guardrails answer with the status of a refused key, in words that are not documented:
            // <https://docs.mistral.ai/capabilities/guardrailing/>
            403 if GUARDRAIL_WORDS.iter().any(|it| message.contains(it) || kind.contains(it)) => {
                Some(Self::Policy)
            }
            _ => None,
        }
    }

    /// The status by which OpenAI's rules read it.
    const fn read_as(reason: Option<Self>, status: u16) -> u16 {
        match reason {
            Some(Self::Quota) => 429,
            Some(Self::Policy) => 400,
            _ => status,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Context => "context_length_exceeded",
            Self::Model => "model_not_found",
            Self::Quota => "insufficient_quota",
            Self::Policy => "content_policy_violation",
        }
    }
}

fn coded(error: Error, reason: Option<Reason>) -> Error {
    match reason {
        Some(reason) => error.with_code(reason.code()),
        None => error,
    }
}

/// The gateway says in seconds when its limits are renewed.
fn with_wait(error: Error, headers: &HeaderMap) -> Error {
    if error.kind() != Kind::RateLimited || error.retry_after().is_some() {
        return error;
    }
    let seconds = ["ratelimitbysize-reset", "ratelimit-reset"].into_iter().find_map(|it| number(headers, it));
    match seconds {
        Some(seconds) => error.with_retry_after(RetryAfter::Delay(std::time::Duration::from_secs(seconds))),
        None => error,
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    #[rstest]
    #[case::rate(429, "rate_limited", "Rate limit exceeded", Kind::RateLimited, 429, "rate_limit_exceeded")]
    #[case::overload(503, "unreachable_backend", "down", Kind::UpstreamFailure, 503, "upstream_failure")]
    #[case::a_fault(500, "internal_server_error", "boom", Kind::UpstreamFailure, 502, "upstream_failure")]
    #[case::our_key(401, "unauthorized", "no", Kind::BackendAuthentication, 502, "backend_authentication")]
    #[case::our_account(
        403,
        "tier_not_allowed",
        "not in your subscription tier",
        Kind::BackendAuthentication,
        502,
        "backend_authentication"
    )]
    #[case::a_guardrail(
        403,
        "guardrail_violation",
        "Request blocked by guardrail: selfharm",
        Kind::RefusedByUpstream,
        400,
        "content_policy_violation"
    )]
    fn an_error_in_a_stream_is_what_its_status_would_have_been(
        #[case] status: u16,
        #[case] name: &str,
        #[case] message: &str,
        #[case] kind: Kind,
        #[case] for_caller: u16,
        #[case] code: &str,
    ) {
        let event = json!({"object": "error", "message": message, "type": name, "param": null,
            "code": "1300", "raw_status_code": status});
        let endpoint = endpoint(Provider::Mistral, "http://mistral");
        let error = in_band(&endpoint, event.to_string().as_bytes()).expect("an error");
        assert_eq!((error.kind(), error.status(), error.code()), (kind, for_caller, code));
    }
}
