//! A whole answer of Cohere's, as deltas.
//! Source: <https://docs.cohere.com/reference/chat#response>

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error;
use crate::adapters::Expect;
use crate::adapters::openai::error::malformed;
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};

/// What the answer says.
///
/// # Errors
/// It reports a failure, or is no answer of Cohere's.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let answer: Answer = serde_json::from_slice(body).map_err(|wrong| {
        error::in_band(endpoint, body).unwrap_or_else(|| malformed(endpoint, "chat answer", &wrong))
    })?;
    let mut deltas = vec![Delta::Start { id: answer.id, model: None }];
    answer.message.read(expect, &mut deltas);
    let tokens: Vec<Value> = answer.logprobs.iter().flatten().filter_map(Logprob::token).collect();
    if !tokens.is_empty() {
        deltas.push(Delta::Logprobs { choice: 0, tokens });
    }
    if let Some(reason) = answer.finish_reason {
        deltas.push(finish_of(endpoint, &reason, None)?);
    }
    deltas.extend(answer.usage.and_then(Usage::tokens).map(Delta::Usage));
    Ok(deltas)
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
    message: Message,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    logprobs: Option<Vec<Logprob>>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    tool_plan: Option<String>,
    #[serde(default)]
    content: Option<Vec<Piece>>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    citations: Option<Vec<Value>>,
}

impl Message {
    fn read(self, expect: &Expect, deltas: &mut Vec<Delta>) {
        reasoning(self.tool_plan, deltas);
        for piece in self.content.into_iter().flatten() {
            piece.read(deltas);
        }
        for (index, call) in (0..).zip(self.tool_calls.into_iter().flatten()) {
            call.begin(expect, index, deltas);
        }
        for citation in self.citations.into_iter().flatten() {
            deltas.push(cited(citation));
        }
    }
}

/// Some text, or some of what the model thinks; whole, or a piece of it.
#[derive(Deserialize)]
pub(super) struct Piece {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
}

impl Piece {
    pub(super) fn read(self, deltas: &mut Vec<Delta>) {
        reasoning(self.thinking, deltas);
        if let Some(text) = self.text.filter(|text| !text.is_empty()) {
            deltas.push(Delta::Text { choice: 0, text });
        }
    }
}

pub(super) fn reasoning(text: Option<String>, deltas: &mut Vec<Delta>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        deltas.push(Delta::Reasoning { choice: 0, text });
    }
}

pub(super) fn cited(citation: Value) -> Delta {
    Delta::Extra { choice: 0, name: "citations", value: json!([citation]) }
}

/// A call, or a piece of one.
#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

impl Call {
    /// The call that begins with it.
    pub(super) fn begin(mut self, expect: &Expect, index: u32, deltas: &mut Vec<Delta>) {
        let made = || format!("call_{}_{index}", expect.request_id);
        let id = self.id.take().filter(|id| !id.is_empty()).unwrap_or_else(made);
        let name = self.function.name.take().unwrap_or_default();
        deltas.push(Delta::ToolCall { choice: 0, index, id, name, extra: Map::new() });
        self.go_on(index, deltas);
    }

    /// More of the call's arguments.
    pub(super) fn go_on(self, index: u32, deltas: &mut Vec<Delta>) {
        if let Some(json) = self.function.arguments.filter(|json| !json.is_empty()) {
            deltas.push(Delta::Arguments { choice: 0, index, json });
        }
    }
}

/// A piece of text with the log probability of each of its tokens.
#[derive(Deserialize)]
pub(super) struct Logprob {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    logprobs: Option<Vec<f64>>,
}

impl Logprob {
    /// The piece as one token of OpenAI's: its probability is the product of its tokens', whose own
    /// texts are not told.
    pub(super) fn token(&self) -> Option<Value> {
        let (text, logprobs) = (self.text.as_ref()?, self.logprobs.as_ref()?);
        let logprob: f64 = logprobs.iter().sum();
        Some(json!({"token": text, "logprob": logprob, "bytes": text.as_bytes(), "top_logprobs": []}))
    }
}

/// Counts are floats on the wire.
#[derive(Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    tokens: Option<Counts>,
    #[serde(default)]
    billed_units: Option<Counts>,
    #[serde(default)]
    cached_tokens: Option<f64>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    input_tokens: Option<f64>,
    #[serde(default)]
    output_tokens: Option<f64>,
}

impl Usage {
    pub(super) fn tokens(self) -> Option<Tokens> {
        let counts = self.tokens.or(self.billed_units)?;
        let mut tokens = Tokens::of(count(counts.input_tokens), count(counts.output_tokens));
        tokens.prompt_tokens_details.cached_tokens = count(self.cached_tokens);
        Some(tokens)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
const fn count(number: Option<f64>) -> u64 {
    match number {
        Some(number) => number as u64,
        None => 0,
    }
}

/// The end of an answer; `said` is what the vendor says about a failure.
///
/// # Errors
/// It ended because it failed.
pub(super) fn finish_of(endpoint: &Endpoint, reason: &str, said: Option<&str>) -> Result<Delta> {
    let failed = |kind, what: &str| {
        let why = said.map(|said| format!(": {}", error::clean(endpoint, said))).unwrap_or_default();
        Err(Error::new(kind, format!("{} {what}{why}", endpoint.name)))
    };
    let reason_of = |reason, native: Option<&str>| {
        Ok(Delta::Finish { choice: 0, reason, native: native.map(str::to_owned) })
    };
    match reason {
        "COMPLETE" => reason_of(FinishReason::Stop, None),
        "MAX_TOKENS" => reason_of(FinishReason::Length, None),
        "TOOL_CALL" => reason_of(FinishReason::ToolCalls, None),
        "ERROR_TOXIC" => reason_of(FinishReason::ContentFilter, Some(reason)),
        "TIMEOUT" => failed(Kind::UpstreamTimeout, "took too long to answer"),
        "ERROR" => failed(Kind::UpstreamFailure, "failed in the middle of its answer"),
        // `STOP_SEQUENCE`, and what may come.
        other => reason_of(FinishReason::Stop, Some(other)),
    }
}
