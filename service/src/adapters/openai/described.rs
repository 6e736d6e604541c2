//! The error objects of OpenAI-format servers: every one writes them a little differently.
//!
//! | who | form |
//! |---|---|
//! | OpenAI, Azure, Groq, Together… | `{"error": {"message", "type", "param", "code"}}` |
//! | OpenRouter | `{"error": {"message", "code": 429, "metadata": {"provider_name", "raw"}}}` |
//! | xAI | `{"error": "…", "code": "…"}` |
//! | vLLM before 0.10, Mistral | `{"object": "error", "message", "type", "param", "code"}` |
//! | Azure's gateways | `{"message", "statusCode"}` |
//! | FastAPI, NVIDIA | `{"detail": "…"}`, `{"detail": [{"loc", "msg"}]}` |

use serde::Deserialize;
use serde_json::{Map, Value};

use super::cause::Cause;
use super::error::clean;
use crate::domain::endpoint::Endpoint;
use crate::error::Error;

/// The parts of an error object, as far as they are there; free of keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Described {
    pub message: Option<String>,
    pub openai_type: Option<String>,
    pub param: Option<String>,
    pub code: Option<String>,
    /// The HTTP status that the object tells.
    pub status: Option<u16>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    detail: Option<Value>,
    #[serde(default)]
    object: Option<Value>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Described {
    /// The body of a refusal: whatever in it is an explanation.
    pub fn refusal(endpoint: &Endpoint, body: &[u8]) -> Option<Self> {
        let body = Body::parse(body)?;
        if body.error.is_none() && body.detail.is_none() {
            return Some(Self::object(endpoint, &body.members));
        }
        Self::of(endpoint, body)
    }

    /// What stands among the chunks of a stream, or in place of an answer; `None` where it is no error.
    pub fn in_band(endpoint: &Endpoint, json: &[u8]) -> Option<Self> {
        let body = Body::parse(json)?;
        if body.object.as_ref().is_some_and(|object| object == "error") && body.error.is_none() {
            return Some(Self::object(endpoint, &body.members));
        }
        Self::of(endpoint, body)
    }

    /// An error object by itself.
    pub fn object(endpoint: &Endpoint, object: &Map<String, Value>) -> Self {
        let text = |name| text(object.get(name)).map(|text| clean(endpoint, &text));
        let status = ["code", "status", "statusCode"].into_iter().find_map(|name| status(object.get(name)?));
        let message = text("message").or_else(|| text("error")).or_else(|| text("detail"));
        let raw = object.get("metadata").and_then(|metadata| self::text(metadata.get("raw")));
        let message = match (message, raw) {
            (Some(message), Some(raw)) => Some(clean(endpoint, &format!("{message}: {raw}"))),
            (message, raw) => message.or_else(|| raw.map(|raw| clean(endpoint, &raw))),
        };
        Self { message, openai_type: text("type"), param: text("param"), code: text("code"), status }
    }

    fn of(endpoint: &Endpoint, body: Body) -> Option<Self> {
        match body.error.or(body.detail)? {
            Value::Null => None,
            Value::Object(object) => Some(Self::object(endpoint, &object)),
            Value::Array(problems) => Some(Self::problem(endpoint, &problems)),
            other => {
                let message = text(Some(&other)).map(|text| clean(endpoint, &text));
                Some(Self { message, ..Self::object(endpoint, &body.members) })
            }
        }
    }

    /// FastAPI's list of what is wrong; the first one is told.
    /// Source: <https://fastapi.tiangolo.com/tutorial/handling-errors/>
    fn problem(endpoint: &Endpoint, problems: &[Value]) -> Self {
        let first = problems.first().unwrap_or(&Value::Null);
        let place = first["loc"].as_array().into_iter().flatten().filter(|place| **place != "body");
        let place: Vec<String> = place.filter_map(|place| text(Some(place))).collect();
        let place = (!place.is_empty()).then(|| clean(endpoint, &place.join(".")));
        let message = text(Some(&first["msg"])).or_else(|| text(Some(first)));
        let message = message.map(|message| match &place {
            Some(place) => clean(endpoint, &format!("{place}: {message}")),
            None => clean(endpoint, &message),
        });
        Self { message, param: place, ..Self::default() }
    }

    /// Adds what is described to `error`, which has its message already; a `cause` has a code of its own.
    pub fn add_to(self, mut error: Error, cause: Option<Cause>) -> Error {
        if let Some(openai_type) = self.openai_type {
            error = error.with_type(openai_type);
        }
        if let Some(param) = self.param {
            error = error.with_param(param);
        }
        match cause.map(|cause| cause.code().to_owned()).or(self.code) {
            Some(code) => error.with_code(code),
            None => error,
        }
    }
}

impl Body {
    fn parse(json: &[u8]) -> Option<Self> {
        json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(json).ok()).flatten()
    }
}

/// A number, or a text of one, that is the status of a failure.
fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..=599).contains(status))
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
