//! OpenAI's error object, which every OpenAI-format server answers with, more or less.
//! Source: <https://platform.openai.com/docs/guides/error-codes>

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::adapters::Refusal;
use crate::domain::endpoint::Endpoint;
use crate::domain::secret::{Secret, redact};
use crate::error::{Error, Kind, RetryAfter};

/// Longer messages of upstreams are cut: some quote whole requests.
const MAX_MESSAGE_CHARS: usize = 2000;

/// What an OpenAI-format refusal means, with the upstream's own words, keys taken out.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    let kind = kind_of(refusal.status);
    let described = described(endpoint, refusal.body).unwrap_or_default();
    let message = match &described.message {
        Some(message) => message.clone(),
        None => format!("{} answered {} without an explanation", endpoint.name, refusal.status),
    };
    if kind == Kind::BackendAuthentication {
        let message =
            format!("{} rejected this service's key ({}): {message}", endpoint.name, refusal.status);
        return Error::new(kind, message);
    }
    let mut error = Error::new(kind, message).with_status(status_for_caller(kind, refusal.status));
    if kind == Kind::RefusedByUpstream || kind == Kind::RateLimited {
        error = described.add_to(error);
    }
    match retry_after(refusal.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The answer is not the `what` that its format promises.
#[must_use]
pub fn malformed(endpoint: &Endpoint, what: &str, error: &serde_json::Error) -> Error {
    Error::new(Kind::MalformedAnswer, format!("{} answered with no {what}: {error}", endpoint.name))
}

/// The error object inside a stream or a 200 body: `{"error": …}`; `None` where there is none.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Error> {
    let described = described(endpoint, json)?;
    let message = match &described.message {
        Some(message) => message.clone(),
        None => format!("{} reported an error in the middle of its answer", endpoint.name),
    };
    Some(described.add_to(Error::new(Kind::UpstreamFailure, message)))
}

const fn kind_of(status: u16) -> Kind {
    match status {
        401 | 403 => Kind::BackendAuthentication,
        408 => Kind::UpstreamTimeout,
        429 => Kind::RateLimited,
        400..=499 => Kind::RefusedByUpstream,
        504 => Kind::UpstreamTimeout,
        _ => Kind::UpstreamFailure,
    }
}

/// 4xx are passed on where they are the caller's to mend; 5xx stay 502, 503 and 504.
const fn status_for_caller(kind: Kind, status: u16) -> u16 {
    match (kind, status) {
        (Kind::RefusedByUpstream, _) => status,
        (Kind::UpstreamFailure, 503) => 503,
        _ => kind.status(),
    }
}

/// The parts of an error object, as far as they are there.
#[derive(Default)]
struct Described {
    message: Option<String>,
    openai_type: Option<String>,
    param: Option<String>,
    code: Option<String>,
}

impl Described {
    fn add_to(self, mut error: Error) -> Error {
        if let Some(openai_type) = self.openai_type {
            error = error.with_type(openai_type);
        }
        if let Some(param) = self.param {
            error = error.with_param(param);
        }
        if let Some(code) = self.code {
            error = error.with_code(code);
        }
        error
    }
}

/// Reads `{"error": {…}}`, `{"error": "…"}`, and FastAPI's `{"detail": …}`; keys are taken out.
fn described(endpoint: &Endpoint, body: &[u8]) -> Option<Described> {
    #[derive(Deserialize)]
    struct Body {
        error: Option<Value>,
        detail: Option<Value>,
    }
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let body: Body = is_object.then(|| serde_json::from_slice(body).ok()).flatten()?;
    let text = |value| text(value).map(|text| clean(endpoint, &text));
    match body.error.or(body.detail)? {
        Value::Null => None,
        Value::Object(object) => Some(Described {
            message: text(object.get("message")).or_else(|| text(object.get("error"))),
            openai_type: text(object.get("type")),
            param: text(object.get("param")),
            code: text(object.get("code")),
        }),
        other => Some(Described { message: text(Some(&other)), ..Described::default() }),
    }
}

/// A text or number as text; LiteLLM writes the text `None` for null.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) if text.is_empty() || text == "None" => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
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

/// `retry-after-ms`, or `retry-after` in seconds or as a date. LiteLLM passes its provider's on with a
/// prefix.
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = |milliseconds, seconds| {
        let milliseconds = text(milliseconds).and_then(|text| delay(text, 0.001));
        milliseconds.or_else(|| text(seconds).and_then(delay_or_date))
    };
    wait("retry-after-ms", "retry-after")
        .or_else(|| wait("llm_provider-retry-after-ms", "llm_provider-retry-after"))
}

fn delay(text: &str, unit_s: f64) -> Option<RetryAfter> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit_s).ok().map(RetryAfter::Delay)
}

fn delay_or_date(text: &str) -> Option<RetryAfter> {
    let is_date = text.ends_with("GMT") && text.contains(", ");
    if is_date { Some(RetryAfter::Date(text.to_owned())) } else { delay(text, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    const DATE: &str = "Wed, 21 Oct 2037 07:28:00 GMT";

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
    #[case::our_rights(403, Kind::BackendAuthentication, 502)]
    #[case::unknown_model(404, Kind::RefusedByUpstream, 404)]
    #[case::unprocessable(422, Kind::RefusedByUpstream, 422)]
    #[case::rate_limit(429, Kind::RateLimited, 429)]
    #[case::server_error(500, Kind::UpstreamFailure, 502)]
    #[case::bad_gateway(502, Kind::UpstreamFailure, 502)]
    #[case::unavailable(503, Kind::UpstreamFailure, 503)]
    #[case::gateway_timeout(504, Kind::UpstreamTimeout, 504)]
    #[case::overloaded(529, Kind::UpstreamFailure, 502)]
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
        assert_eq!(
            (error.openai_type(), error.param(), error.code()),
            ("invalid_request_error", None, "400")
        );
    }

    #[rstest]
    #[case::a_text(r#"{"error":"overloaded"}"#, "overloaded")]
    #[case::fastapi(r#"{"detail":"Not Found"}"#, "Not Found")]
    #[case::fastapi_object(r#"{"detail":{"error":"no such model"}}"#, "no such model")]
    #[case::html("<html>Bad gateway</html>", "litellm answered 404 without an explanation")]
    fn other_forms_of_errors_are_read(#[case] body: &str, #[case] message: &str) {
        assert_eq!(refused(404, body).message(), message);
    }

    #[rstest]
    #[case::seconds("retry-after", "7", Some(RetryAfter::Delay(Duration::from_secs(7))))]
    #[case::milliseconds("retry-after-ms", "250", Some(RetryAfter::Delay(Duration::from_millis(250))))]
    #[case::of_litellms_provider(
        "llm_provider-retry-after",
        "7",
        Some(RetryAfter::Delay(Duration::from_secs(7)))
    )]
    #[case::a_date("retry-after", DATE, Some(RetryAfter::Date(DATE.to_owned())))]
    #[case::nonsense("retry-after", "soon", None)]
    #[case::negative("retry-after", "-1", None)]
    fn the_wait_is_read(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] expected: Option<RetryAfter>,
    ) {
        let headers: HeaderMap =
            [(http::HeaderName::from_static(name), value.parse().expect("a value"))].into_iter().collect();
        let error = refusal(&endpoint(), &Refusal { status: 429, headers: &headers, body: b"" });
        assert_eq!(error.retry_after(), expected.as_ref());
    }

    #[test]
    fn a_long_message_is_cut() {
        let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000));
        assert_eq!(refused(400, &body).message().chars().count(), MAX_MESSAGE_CHARS + 1);
    }

    #[test]
    fn an_error_in_band_is_told_apart_from_none() {
        assert!(in_band(&endpoint(), br#"{"choices":[],"error":null}"#).is_none());
        let error = in_band(&endpoint(), br#"{"error":{"message":"boom","code":503}}"#).expect("an error");
        assert_eq!((error.message(), error.code()), ("boom", "503"));
    }
}
