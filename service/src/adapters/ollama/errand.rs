//! Requests that ask nothing of a model, and their answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::inbound::Request;
use super::line;
use crate::adapters::ClientFormat;
use crate::domain::timestamp::rfc3339;
use crate::error::{Error, Result};

/// What Ollama does when it is given nothing to answer.
/// Source: <https://github.com/ollama/ollama/blob/main/docs/api.md#load-a-model>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// It loads the model into memory.
    Load,
    /// It frees the memory: `keep_alive` is 0.
    Unload,
}

impl Errand {
    /// Its `done_reason`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Unload => "unload",
        }
    }

    /// What Ollama answers without calling a model: one object, also where a stream is asked for.
    #[must_use]
    pub fn answer(self, format: ClientFormat, model: &str, received: Duration) -> Vec<u8> {
        let (done_reason, created_at) = (self.name(), rfc3339(received));
        let body = match format {
            ClientFormat::OllamaEmbed => json!({"model": model, "embeddings": []}),
            ClientFormat::OllamaEmbeddings => json!({"embedding": []}),
            ClientFormat::OllamaGenerate => json!({"model": model, "created_at": created_at, "response": "",
                "done": true, "done_reason": done_reason}),
            ClientFormat::OllamaChat | ClientFormat::Openai => {
                json!({"model": model, "created_at": created_at,
                "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": done_reason})
            }
        };
        let mut out = Vec::new();
        line::write(&body, &mut out);
        out
    }
}

/// Whether there is nothing to answer.
///
/// # Errors
/// The input of `/api/embed` is no text and no array of texts.
pub(super) fn of(format: ClientFormat, request: &Request) -> Result<Option<Errand>> {
    let is_empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
    let asks_nothing = match format {
        ClientFormat::OllamaChat | ClientFormat::Openai => {
            request.messages.as_ref().is_none_or(Vec::is_empty)
        }
        ClientFormat::OllamaGenerate | ClientFormat::OllamaEmbeddings => is_empty(&request.prompt),
        ClientFormat::OllamaEmbed => match &request.input {
            None => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => texts.is_empty(),
            Some(_) => {
                let message = "`input` must be a text or an array of texts";
                return Err(Error::invalid("input", message).with_code("wrong_type"));
            }
        },
    };
    let errand = if is_zero(request.keep_alive.as_ref()) { Errand::Unload } else { Errand::Load };
    Ok(asks_nothing.then_some(errand))
}

/// `0`, `"0"`, `"0s"`, `"0m0s"`: Go's durations.
fn is_zero(keep_alive: Option<&Value>) -> bool {
    match keep_alive {
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => {
            text.contains('0') && !text.contains(|digit| ('1'..='9').contains(&digit))
        }
        _ => false,
    }
}
