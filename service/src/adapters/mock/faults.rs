//! How a model name misbehaves.

use serde_json::json;

/// What a model does instead of answering as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    Slow,
    Stall,
    Truncate,
    NoDone,
    Malformed,
    ErrorInStream,
    Empty,
    Length,
    ContentFilter,
    NoUsage,
    ContextLength,
    Quota,
    Status(u16),
}

impl Fault {
    /// The fault that a model's name asks for.
    pub fn of(model: &str) -> Self {
        match model {
            "mock-slow" => Self::Slow,
            "mock-stall" => Self::Stall,
            "mock-truncate" => Self::Truncate,
            "mock-no-done" => Self::NoDone,
            "mock-malformed" => Self::Malformed,
            "mock-error-in-stream" => Self::ErrorInStream,
            "mock-empty" => Self::Empty,
            "mock-length" => Self::Length,
            "mock-content-filter" => Self::ContentFilter,
            "mock-no-usage" => Self::NoUsage,
            "mock-error-context-length" => Self::ContextLength,
            "mock-error-quota" => Self::Quota,
            other => Self::status(other).map_or(Self::None, Self::Status),
        }
    }

    /// The fault that a `mock_response` asks for, by the exception that LiteLLM raises for it.
    /// Source: <https://docs.litellm.ai/docs/proxy/reliability>
    pub fn of_response(response: &str) -> Option<Self> {
        match response {
            "litellm.RateLimitError" => Some(Self::Status(429)),
            "litellm.ContextWindowExceededError" => Some(Self::ContextLength),
            "litellm.InternalServerError" => Some(Self::Status(500)),
            _ => None,
        }
    }

    fn status(model: &str) -> Option<u16> {
        let status = model.strip_prefix("mock-error-")?.parse().ok()?;
        (400..=599).contains(&status).then_some(status)
    }

    /// The finish reason that it leads to.
    pub const fn finish_reason(self) -> Option<&'static str> {
        match self {
            Self::Length => Some("length"),
            Self::ContentFilter => Some("content_filter"),
            _ => None,
        }
    }

    /// Status and error body, where it is a refusal.
    pub fn refusal(self) -> Option<(u16, String)> {
        let (status, message, kind, code) = match self {
            Self::Status(429) => {
                (429, "the mock limits the rate".to_owned(), "rate_limit_error", "rate_limit_exceeded")
            }
            Self::Status(status @ 400..=499) => {
                (status, format!("the mock refuses with {status}"), "invalid_request_error", "mock_refusal")
            }
            Self::Status(status) => {
                (status, format!("the mock fails with {status}"), "server_error", "mock_failure")
            }
            Self::Quota => {
                let message = "You exceeded your current quota".to_owned();
                (429, message, "insufficient_quota", "insufficient_quota")
            }
            Self::ContextLength => {
                let message = "the messages are longer than the mock's context".to_owned();
                (400, message, "invalid_request_error", "context_length_exceeded")
            }
            _ => return None,
        };
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Some((status, json!({"error": error}).to_string()))
    }
}
