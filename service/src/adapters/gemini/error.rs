//! Google's errors: `google.rpc.Status` as JSON, in a refusal, in a stream, or as an array of one.
//!
//! - Statuses: <https://ai.google.dev/gemini-api/docs/troubleshooting>
//! - Details: <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::adapters::Refusal;
use crate::adapters::openai::error as openai;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, RetryAfter};

/// `{"code", "message", "status", "details"}`
#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: Option<u16>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Value>,
}

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    // What stands before the vendor answers in other forms.
    let Some(status) = described(refusal.body) else {
        return without_number(openai::refusal(endpoint, refusal));
    };
    let error = status.into_error(endpoint, refusal.status);
    match openai::retry_after(refusal.headers) {
        Some(wait) if error.retry_after().is_none() => error.with_retry_after(wait),
        _ => error,
    }
}

/// The error under a status of success; `None` where there is none.
#[must_use]
pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Error> {
    let Some(status) = described(json) else { return openai::in_band(endpoint, json).map(without_number) };
    let code = status.code.filter(|code| *code >= 400).unwrap_or(500);
    Some(status.into_error(endpoint, code))
}

/// LiteLLM answers in OpenAI's form here, with the status for a code: the kind says more.
fn without_number(error: Error) -> Error {
    let is_number = error.code().bytes().all(|byte| byte.is_ascii_digit());
    let name = error.kind().name();
    if is_number { error.with_code(name) } else { error }
}

/// The answer is not what Google documents.
#[must_use]
pub fn malformed(endpoint: &Endpoint, error: &serde_json::Error) -> Error {
    openai::malformed(endpoint, "GenerateContentResponse", error)
}

fn described(body: &[u8]) -> Option<Status> {
    #[derive(Deserialize)]
    struct Body {
        error: Status,
    }
    match body.trim_ascii_start().first()? {
        b'{' => serde_json::from_slice::<Body>(body).ok().map(|body| body.error),
        b'[' => serde_json::from_slice::<[Body; 1]>(body).ok().map(|[body]| body.error),
        _ => None,
    }
}

impl Status {
    fn into_error(self, endpoint: &Endpoint, http_status: u16) -> Error {
        let kind = self.kind(http_status);
        let message = openai::clean(endpoint, &self.message);
        let message = match kind {
            Kind::BackendAuthentication => {
                format!("{} rejected this service's key ({http_status}): {message}", endpoint.name)
            }
            _ if message.is_empty() => {
                format!("{} answered {http_status} without an explanation", endpoint.name)
            }
            _ => message,
        };
        let error = Error::new(kind, message);
        let error = match kind {
            Kind::RefusedByUpstream => self.refused(error.with_status(http_status)),
            Kind::RateLimited => self.limited(error),
            Kind::UpstreamFailure if http_status == 503 => error.with_status(503),
            _ => error,
        };
        match self.retry_delay() {
            Some(wait) if kind != Kind::BackendAuthentication => error.with_retry_after(wait),
            _ => error,
        }
    }

    fn kind(&self, http_status: u16) -> Kind {
        match http_status {
            400 if self.is_about_our_account() => Kind::BackendAuthentication,
            401 | 403 => Kind::BackendAuthentication,
            408 | 504 => Kind::UpstreamTimeout,
            429 => Kind::RateLimited,
            // `CANCELLED`: nobody here did.
            499 => Kind::UpstreamFailure,
            400..=498 => Kind::RefusedByUpstream,
            _ => Kind::UpstreamFailure,
        }
    }

    /// Google answers 400, not 401, to a key that is wrong or expired, and to a country or an account that
    /// it does not serve.
    fn is_about_our_account(&self) -> bool {
        let of_the_key = self
            .of_type("ErrorInfo")
            .any(|info| info["reason"].as_str().is_some_and(|reason| reason.starts_with("API_KEY")));
        let place_or_bill = ["location is not supported", "billing"];
        let precondition = self.status == "FAILED_PRECONDITION";
        of_the_key
            || self.message.starts_with("API key")
            || precondition && place_or_bill.iter().any(|words| self.message.contains(words))
    }

    fn refused(&self, error: Error) -> Error {
        let message = &self.message;
        let error = if message.contains("token count") && message.contains("exceeds") {
            error.with_code("context_length_exceeded")
        } else if self.status == "NOT_FOUND" && message.contains("models/") {
            error.with_code("model_not_found")
        } else if self.status.is_empty() {
            error
        } else {
            error.with_code(self.status.to_ascii_lowercase())
        };
        let violation =
            self.of_type("BadRequest").find_map(|bad| bad["fieldViolations"][0]["field"].as_str());
        match violation {
            Some(field) if !field.is_empty() => error.with_param(field),
            _ => error,
        }
    }

    fn limited(&self, error: Error) -> Error {
        if self.is_quota_spent() { error.with_code("insufficient_quota") } else { error }
    }

    /// Whether waiting a minute does not help: the day's quota, or the money, is spent.
    /// Source: <https://ai.google.dev/gemini-api/docs/rate-limits>
    fn is_quota_spent(&self) -> bool {
        let of_the_day =
            |violation: &Value| violation["quotaId"].as_str().is_some_and(|id| id.contains("PerDay"));
        let violations = self.of_type("QuotaFailure").filter_map(|failure| failure["violations"].as_array());
        violations.flatten().any(of_the_day) || self.message.contains("credits")
    }

    /// `RetryInfo`'s `"27s"`, `"27.319s"`. For a day's quota Google sends some seconds as well, which
    /// would have callers ask in vain: they are not passed on.
    fn retry_delay(&self) -> Option<RetryAfter> {
        let delay = self.of_type("RetryInfo").find_map(|info| info["retryDelay"].as_str())?;
        let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
        let wait = Duration::try_from_secs_f64(seconds).ok()?;
        (!self.is_quota_spent()).then_some(RetryAfter::Delay(wait))
    }

    fn of_type<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let is_it = move |detail: &&Value| detail["@type"].as_str().is_some_and(|kind| kind.ends_with(name));
        self.details.iter().filter(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use http::HeaderMap;
    use rstest::rstest;
    use serde_json::json;

    fn refused(http_status: u16, body: &Value) -> Error {
        let (headers, body) = (HeaderMap::new(), body.to_string());
        let gemini = endpoint(Provider::Gemini, "http://gemini");
        refusal(&gemini, &Refusal { status: http_status, headers: &headers, body: body.as_bytes() })
    }

    fn status(status: &str, message: &str, details: &Value) -> Value {
        json!({"error": {"message": message, "status": status, "details": details}})
    }

    #[rstest]
    #[case::a_wrong_request(400, "INVALID_ARGUMENT", "bad", Kind::RefusedByUpstream, 400)]
    #[case::an_expired_key(400, "INVALID_ARGUMENT", "API key expired.", Kind::BackendAuthentication, 502)]
    #[case::a_country(
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use.",
        Kind::BackendAuthentication,
        502
    )]
    #[case::a_file_in_the_making(
        400,
        "FAILED_PRECONDITION",
        "The File is not in an ACTIVE state",
        Kind::RefusedByUpstream,
        400
    )]
    #[case::our_key(401, "UNAUTHENTICATED", "no", Kind::BackendAuthentication, 502)]
    #[case::our_rights(403, "PERMISSION_DENIED", "no", Kind::BackendAuthentication, 502)]
    #[case::unknown(404, "NOT_FOUND", "no", Kind::RefusedByUpstream, 404)]
    #[case::rate(429, "RESOURCE_EXHAUSTED", "slow", Kind::RateLimited, 429)]
    #[case::cancelled(499, "CANCELLED", "gone", Kind::UpstreamFailure, 502)]
    #[case::a_fault(500, "INTERNAL", "boom", Kind::UpstreamFailure, 502)]
    #[case::overload(503, "UNAVAILABLE", "busy", Kind::UpstreamFailure, 503)]
    #[case::too_slow(504, "DEADLINE_EXCEEDED", "late", Kind::UpstreamTimeout, 504)]
    fn a_status_of_googles_becomes(
        #[case] http_status: u16,
        #[case] name: &str,
        #[case] message: &str,
        #[case] kind: Kind,
        #[case] for_caller: u16,
    ) {
        let error = refused(http_status, &status(name, message, &json!([])));
        assert_eq!((error.kind(), error.status()), (kind, for_caller));
    }

    #[rstest]
    #[case::a_minute("GenerateRequestsPerMinutePerProjectPerModel", "rate_limit_exceeded", Some(27))]
    #[case::a_day("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "insufficient_quota", None)]
    fn a_wait_is_told_where_waiting_helps(
        #[case] quota: &str,
        #[case] code: &str,
        #[case] wait_s: Option<u64>,
    ) {
        let details = json!([
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "27s"}]);
        let error = refused(429, &status("RESOURCE_EXHAUSTED", "slow", &details));
        let wait = wait_s.map(|wait_s| RetryAfter::Delay(Duration::from_secs(wait_s)));
        assert_eq!((error.code(), error.retry_after()), (code, wait.as_ref()));
    }

    #[rstest]
    #[case::an_array(json!([{"error": {"message": "boom"}}]), "boom")]
    #[case::of_what_stands_before_google(json!({"error": "boom"}), "boom")]
    #[case::nothing(json!({}), "gemini answered 500 without an explanation")]
    fn other_forms_of_errors_are_read(#[case] body: Value, #[case] message: &str) {
        assert_eq!(refused(500, &body).message(), message);
    }

    #[rstest]
    #[case::a_status(429, "429", "rate_limit_exceeded")]
    #[case::another_status(400, "400", "refused_by_upstream")]
    #[case::a_word(400, "model_not_found", "model_not_found")]
    fn litellms_code_counts_where_it_is_no_status(
        #[case] status: u16,
        #[case] code: &str,
        #[case] told: &str,
    ) {
        let body = json!({"error": {"message": "no", "type": null, "param": null, "code": code}});
        assert_eq!(refused(status, &body).code(), told);
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "generation_config.top_k", "description": "too large"}]}]);
        let error = refused(400, &status("INVALID_ARGUMENT", "bad", &details));
        assert_eq!((error.param(), error.code()), (Some("generation_config.top_k"), "invalid_argument"));
    }
}
