//! Errors: <https://platform.openai.com/docs/guides/error-codes>,
//! <https://docs.anthropic.com/en/api/errors>.

use serde::Serialize;
use serde_json::{Value, json};

use crate::behaviour::{ApiError, ErrorStyle};

#[derive(Serialize)]
struct Envelope<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Value,
}

/// The error of this style as the data of an event, or as a body.
pub(crate) fn error_data(error: &ApiError, status: u16) -> String {
    let (message, kind, code) = usual(status, error.code.as_ref().and_then(Value::as_str));
    let message = error.message.as_deref().unwrap_or(message);
    match error.style {
        ErrorStyle::Openai => {
            let kind = error.kind.as_deref().unwrap_or(kind);
            let code = error.code.clone().unwrap_or_else(|| code.into());
            let error = OpenAiError { message, r#type: kind, param: None, code };
            serde_json::to_string(&Envelope { error }).unwrap_or_default()
        }
        ErrorStyle::Anthropic => {
            let kind = error.kind.as_deref().unwrap_or("overloaded_error");
            json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
        }
    }
}

/// The error body that goes with a status.
pub(crate) fn status_error(status: u16) -> String {
    error_data(&ApiError::default(), status)
}

/// Message, type and code.
fn usual(status: u16, code: Option<&str>) -> (&str, &str, Option<&str>) {
    const INVALID: &str = "invalid_request_error";
    const QUOTA: &str = "insufficient_quota";
    if code == Some(QUOTA) {
        return ("You exceeded your current quota, please check your plan.", QUOTA, Some(QUOTA));
    }
    match status {
        401 => ("Incorrect API key provided: sk-fault***.", INVALID, Some("invalid_api_key")),
        404 => ("The model does not exist.", INVALID, Some("model_not_found")),
        429 => ("Rate limit reached.", "requests", Some("rate_limit_exceeded")),
        400..500 => ("The request is invalid.", INVALID, None),
        503 | 529 => ("The engine is currently overloaded.", "server_error", None),
        _ => ("The server had an error while processing your request.", "server_error", None),
    }
}
