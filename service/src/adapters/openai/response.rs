//! A whole answer in OpenAI's form, as deltas.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{in_band, malformed};
use super::stream::{finish_of, members};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::Result;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    message: Map<String, Value>,
    #[serde(default)]
    logprobs: Option<Value>,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// What the answer says.
///
/// # Errors
/// It reports an error, or is no chat completion.
pub fn deltas(endpoint: &Endpoint, body: &[u8]) -> Result<Vec<Delta>> {
    if let Some(error) = in_band(endpoint, body) {
        return Err(error);
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "chat completion", &error))?;
    let mut deltas = vec![Delta::Start { id: answer.id, model: answer.model }];
    for choice in answer.choices {
        members(choice.index, choice.message, choice.logprobs.as_ref(), &mut |_| None, &mut deltas);
        let reason = choice.finish_reason.as_deref().unwrap_or("stop");
        deltas.push(finish_of(choice.index, reason));
    }
    deltas.extend(answer.usage.map(Delta::Usage));
    Ok(deltas)
}
