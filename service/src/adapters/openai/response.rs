//! A whole answer in OpenAI's form, as deltas.

use serde::Deserialize;

use super::error::{in_band, malformed};
use super::message::{Choice, Reading, named, usage};
use super::stream::{Calls, finish_of};
use crate::adapters::Expect;
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

/// What the answer says.
///
/// # Errors
/// It reports an error, or is no chat completion.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    if let Some(error) = in_band(endpoint, body) {
        return Err(error);
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "chat completion", &error))?;
    let calls = &mut Calls::default();
    let mut reading = Reading { endpoint, request_id: &expect.request_id, calls, in_pieces: false };
    let mut deltas = vec![Delta::Start { id: named(answer.id), model: named(answer.model) }];
    for mut choice in answer.choices {
        let index = choice.index;
        let message = choice.message.take().unwrap_or_default();
        let end = choice.read(message, &mut reading, &mut deltas)?;
        // A whole answer has ended, whether it says so or not.
        deltas.push(end.unwrap_or_else(|| finish_of(index, "stop")));
    }
    deltas.extend(usage(answer.usage));
    Ok(deltas)
}
