//! A stream in OpenAI's form, as deltas: for callers of other formats.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{in_band, malformed};
use crate::adapters::{Event, Flow, Machine};
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};
use crate::wire::sse;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<Map<String, Value>>,
    #[serde(default)]
    logprobs: Option<Value>,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    started: bool,
    calls: Calls,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), started: false, calls: Calls::default() }
    }

    fn chunk(&mut self, json: &[u8], deltas: &mut Vec<Delta>) -> Result<()> {
        let chunk: Chunk =
            serde_json::from_slice(json).map_err(|error| malformed(&self.endpoint, "chunk", &error))?;
        if !self.started {
            self.started = true;
            deltas.push(Delta::Start { id: chunk.id, model: chunk.model });
        }
        for choice in chunk.choices.into_iter().flatten() {
            let index = choice.index;
            let delta = choice.delta.unwrap_or_default();
            let mut known = |call: &Map<String, Value>| Some(self.known(index, call));
            members(index, delta, choice.logprobs.as_ref(), &mut known, deltas);
            if let Some(reason) = choice.finish_reason {
                deltas.push(finish_of(index, &reason));
            }
        }
        deltas.extend(chunk.usage.map(Delta::Usage));
        Ok(())
    }

    fn known(&mut self, choice: u32, call: &Map<String, Value>) -> (u32, bool) {
        let id = call.get("id").and_then(Value::as_str);
        let index = call.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        self.calls.place(choice, id, index)
    }
}

/// The calls of an answer that have begun: choice and index on the wire, and the id.
#[derive(Default)]
pub(in crate::adapters) struct Calls(Vec<(u32, u32, String)>);

impl Calls {
    /// The index of the call that a piece belongs to, and whether it goes on with one that has begun.
    pub(in crate::adapters) fn place(
        &mut self,
        choice: u32,
        id: Option<&str>,
        on_wire: Option<u32>,
    ) -> (u32, bool) {
        let id = id.filter(|id| !id.is_empty());
        let of_choice: Vec<&(u32, u32, String)> = self.0.iter().filter(|(of, ..)| *of == choice).collect();
        let found = of_choice.iter().position(|(_, index, known)| match (on_wire, id) {
            // Some servers number every call 0: another id is another call.
            (Some(at), Some(id)) => *index == at && known == id,
            (None, Some(id)) => known == id,
            (_, None) => false,
        });
        // A piece without an id goes on with the call of its index, or else with the last one.
        let found = found.or_else(|| match (on_wire, id) {
            (Some(at), None) => of_choice.iter().rposition(|(_, index, _)| *index == at),
            (None, None) => of_choice.len().checked_sub(1),
            _ => None,
        });
        let ours = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        if let Some(at) = found {
            return (ours(at), true);
        }
        let index = ours(of_choice.len());
        self.0.push((choice, on_wire.unwrap_or(index), id.unwrap_or_default().to_owned()));
        (index, false)
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { name, data } = event else { return Ok(Flow::More) };
        if sse::is_done(data) {
            return Ok(Flow::Complete);
        }
        if let Some(error) = in_band(&self.endpoint, data) {
            return Err(error);
        }
        if name == Some(b"error") {
            let message = format!("{} reported an error in the middle of its answer", self.endpoint.name);
            return Err(Error::new(Kind::UpstreamFailure, message));
        }
        self.chunk(data, deltas)?;
        Ok(Flow::More)
    }
}

/// A message, or a piece of one. `known` tells the index of a call and whether it has begun already;
/// without an answer it is a new one, numbered by its place.
pub(super) fn members(
    choice: u32,
    message: Map<String, Value>,
    logprobs: Option<&Value>,
    known: &mut dyn FnMut(&Map<String, Value>) -> Option<(u32, bool)>,
    deltas: &mut Vec<Delta>,
) {
    for (name, value) in message {
        match (name.as_str(), value) {
            ("reasoning_content" | "reasoning", Value::String(text)) if !text.is_empty() => {
                // Some servers send both, the same.
                let again = deltas.iter().any(
                    |delta| matches!(delta, Delta::Reasoning { choice: of, text: said } if *of == choice && *said == text),
                );
                if !again {
                    deltas.push(Delta::Reasoning { choice, text });
                }
            }
            ("content", Value::String(text)) if !text.is_empty() => deltas.push(Delta::Text { choice, text }),
            ("refusal", Value::String(text)) if !text.is_empty() => {
                deltas.push(Delta::Refusal { choice, text });
            }
            ("tool_calls", Value::Array(calls)) => {
                for (at, call) in calls.into_iter().enumerate() {
                    if let Value::Object(call) = call {
                        let at = u32::try_from(at).unwrap_or(u32::MAX);
                        let (index, begun) = known(&call).unwrap_or((at, false));
                        self::call(choice, index, begun, call, deltas);
                    }
                }
            }
            ("annotations", Value::Array(list)) => extra(choice, "annotations", list, deltas),
            ("thinking_blocks", Value::Array(list)) => extra(choice, "thinking_blocks", list, deltas),
            _ => {}
        }
    }
    let tokens = logprobs.and_then(|logprobs| logprobs["content"].as_array());
    if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
        deltas.push(Delta::Logprobs { choice, tokens: tokens.clone() });
    }
}

fn extra(choice: u32, name: &'static str, list: Vec<Value>, deltas: &mut Vec<Delta>) {
    if !list.is_empty() {
        deltas.push(Delta::Extra { choice, name, value: list.into() });
    }
}

fn call(choice: u32, index: u32, begun: bool, mut call: Map<String, Value>, deltas: &mut Vec<Delta>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let function = call.remove("function").unwrap_or_default();
    if !begun {
        let id = call.remove("id").map(|id| text(&id)).unwrap_or_default();
        call.retain(|name, _| !matches!(name.as_str(), "index" | "type"));
        deltas.push(Delta::ToolCall { choice, index, id, name: text(&function["name"]), extra: call });
    }
    let json = match &function["arguments"] {
        Value::String(json) => json.clone(),
        Value::Null => String::new(),
        // Some servers send the object itself.
        object => object.to_string(),
    };
    if !json.is_empty() {
        deltas.push(Delta::Arguments { choice, index, json });
    }
}

/// The end of a choice, by OpenAI's words and by those of servers like it.
pub(in crate::adapters) fn finish_of(choice: u32, reason: &str) -> Delta {
    let mapped = match reason {
        "stop" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        "content_filter" => Some(FinishReason::ContentFilter),
        _ => None,
    };
    let native = mapped.is_none().then(|| reason.to_owned());
    Delta::Finish { choice, reason: mapped.unwrap_or(FinishReason::Stop), native }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
