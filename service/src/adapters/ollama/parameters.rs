//! What steers the answer to an Ollama client's request, by OpenAI's names.

use serde_json::{Map, Value, json};

use super::inbound::Request;
use crate::error::{Error, Result};

/// Ollama's options that OpenAI's format has, by its names, and what each must be.
const OPTIONS: [(&str, &str, Type); 7] = [
    ("num_predict", "max_tokens", Type::Limit),
    ("temperature", "temperature", Type::Number),
    ("top_p", "top_p", Type::Number),
    ("seed", "seed", Type::Number),
    ("stop", "stop", Type::Texts),
    ("presence_penalty", "presence_penalty", Type::Number),
    ("frequency_penalty", "frequency_penalty", Type::Number),
];

/// What an option's value must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    /// A whole number of tokens; -1 and -2, and 0 as well, are no limit.
    Limit,
    /// A text or several.
    Texts,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Limit => "a whole number",
            Self::Texts => "a text or an array of texts",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Number, Value::Number(_)) | (Self::Texts, Value::String(_)) => true,
            // JavaScript and Go write whole numbers with a fraction at times.
            (Self::Limit, value) => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            (Self::Texts, Value::Array(texts)) => texts.iter().all(Value::is_string),
            _ => false,
        }
    }
}

/// Puts the parameters of a chat into `body`, and the names of those that OpenAI's format lacks into
/// `dropped`.
///
/// # Errors
/// A member of the wrong type, named by its path.
pub fn translated(request: Request, body: &mut Map<String, Value>, dropped: &mut Vec<String>) -> Result<()> {
    if let Some(tools) = request.tools {
        body.insert("tools".to_owned(), tools.into_iter().map(tool).collect());
    }
    if let Some(format) = request.format {
        body.extend(response_format(format)?.map(|format| ("response_format".to_owned(), format)));
    }
    if let Some(think) = request.think {
        body.insert("reasoning_effort".to_owned(), effort(&think)?.into());
    }
    if request.logprobs == Some(true) {
        body.insert("logprobs".to_owned(), true.into());
        body.extend(request.top_logprobs.map(|count| ("top_logprobs".to_owned(), count.into())));
    }
    options(request.options.unwrap_or_default(), body, dropped)
}

/// Some clients leave out the type, which can only be this one.
fn tool(mut tool: Map<String, Value>) -> Value {
    if !tool.contains_key("type") {
        tool.insert("type".to_owned(), "function".into());
    }
    tool.into()
}

/// `"json"` or a schema; an empty text is no format.
fn response_format(format: Value) -> Result<Option<Value>> {
    match format {
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if text == "json" => Ok(Some(json!({"type": "json_object"}))),
        Value::Object(schema) => {
            let named = json!({"name": "response", "schema": schema});
            Ok(Some(json!({"type": "json_schema", "json_schema": named})))
        }
        _ => Err(wrong("format", "`json` or a JSON schema")),
    }
}

/// A switch, or a level: Ollama's highest is `max`.
fn effort(think: &Value) -> Result<String> {
    match think {
        Value::Bool(true) => Ok("medium".to_owned()),
        Value::Bool(false) => Ok("none".to_owned()),
        Value::String(level) if level == "max" => Ok("xhigh".to_owned()),
        Value::String(level) if !level.is_empty() => Ok(level.clone()),
        _ => Err(wrong("think", "a boolean or a level: `low`, `medium`, `high`")),
    }
}

fn options(
    options: Map<String, Value>,
    body: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) -> Result<()> {
    for (name, value) in options {
        let known = OPTIONS.iter().find(|(ours, ..)| *ours == name);
        match known {
            _ if value.is_null() => {}
            None => dropped.push(format!("options.{name}")),
            Some((_, _, kind)) if !kind.fits(&value) => {
                return Err(wrong(&format!("options.{name}"), kind.name()));
            }
            Some((_, openais, Type::Limit)) => {
                let limit = value.as_f64().filter(|limit| *limit >= 1.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is 1 or more"
                )]
                let limit = limit.map(|limit| (limit as u64).into());
                body.extend(limit.map(|limit| ((*openais).to_owned(), limit)));
            }
            Some((_, openais, _)) => {
                body.insert((*openais).to_owned(), value);
            }
        }
    }
    Ok(())
}

fn wrong(param: &str, expected: &str) -> Error {
    Error::invalid(param, format!("`{param}` must be {expected}")).with_code("wrong_type")
}
