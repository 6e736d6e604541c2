//! What a message says, or a piece of one: the same members in a whole answer and in a stream.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::calls::Calls;
use super::described::Described;
use super::error::in_the_middle;
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};

/// One choice of an answer or a chunk.
#[derive(Deserialize)]
pub struct Choice {
    #[serde(default)]
    pub index: u32,
    /// In a whole answer. Perplexity sends it in its stream as well: all that was said so far.
    #[serde(default)]
    pub message: Option<Map<String, Value>>,
    /// In a stream.
    #[serde(default)]
    pub delta: Option<Map<String, Value>>,
    #[serde(default)]
    logprobs: Option<Value>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// OpenRouter's, where one of several choices fails.
    #[serde(default)]
    error: Option<Map<String, Value>>,
}

/// What a choice is read with.
pub struct Reading<'a> {
    /// Who answers.
    pub endpoint: &'a Endpoint,
    /// The request's id: calls without an id get one from it.
    pub request_id: &'a str,
    /// The calls that have begun.
    pub calls: &'a mut Calls,
    /// Whether a call can go on with one that has begun: in a stream.
    pub in_pieces: bool,
}

impl Choice {
    /// Appends what `message` says, which is this choice's, and gives its end, where it has come.
    ///
    /// # Errors
    /// It reports a failure.
    pub fn read(
        self,
        message: Map<String, Value>,
        reading: &mut Reading<'_>,
        deltas: &mut Vec<Delta>,
    ) -> Result<Option<Delta>> {
        let choice = self.index;
        reading.members(choice, message, deltas);
        let tokens = self.logprobs.as_ref().and_then(|logprobs| logprobs["content"].as_array());
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            deltas.push(Delta::Logprobs { choice, tokens: tokens.clone() });
        }
        if let Some(error) = self.error {
            return Err(in_the_middle(reading.endpoint, Described::object(reading.endpoint, &error)));
        }
        match self.finish_reason.filter(|reason| !reason.is_empty()) {
            Some(reason) if FAILURES.contains(&reason.as_str()) => {
                let message = format!("{} broke off: finish_reason is `{reason}`", reading.endpoint.name);
                Err(Error::new(Kind::UpstreamFailure, message))
            }
            reason => Ok(reason.map(|reason| finish_of(choice, &reason))),
        }
    }
}

/// What servers call the end of an answer that they could not finish: OpenRouter, vLLM, `DeepSeek`.
const FAILURES: [&str; 3] = ["error", "abort", "insufficient_system_resource"];

/// The end of a choice, by OpenAI's words and by those of servers like it.
pub fn finish_of(choice: u32, reason: &str) -> Delta {
    let mapped = match reason {
        "stop" | "eos" | "eos_token" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        "content_filter" => Some(FinishReason::ContentFilter),
        _ => None,
    };
    let native = mapped.is_none().then(|| reason.to_owned());
    Delta::Finish { choice, reason: mapped.unwrap_or(FinishReason::Stop), native }
}

/// Counts that count something: some servers send zeros until they know better.
pub fn usage(tokens: Option<Tokens>) -> Option<Delta> {
    tokens.filter(|tokens| *tokens != Tokens::default()).map(Delta::Usage)
}

/// An id or a name: Azure's first chunk and some servers have empty ones.
pub fn named(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl Reading<'_> {
    fn members(&mut self, choice: u32, mut message: Map<String, Value>, deltas: &mut Vec<Delta>) {
        if let Some(text) = reasoning(&message) {
            deltas.push(Delta::Reasoning { choice, text });
        }
        if let Some(text) = message.remove("content").and_then(content) {
            deltas.push(Delta::Text { choice, text });
        }
        // What is said aloud has its words beside it; they are its text for readers of other formats.
        if let Some(text) = message.get("audio").and_then(|audio| said(&audio["transcript"])) {
            deltas.push(Delta::Text { choice, text });
        }
        if let Some(text) = message.get("refusal").and_then(said) {
            deltas.push(Delta::Refusal { choice, text });
        }
        for call in calls(&mut message) {
            self.call(choice, call, deltas);
        }
        for name in ["annotations", "thinking_blocks", "reasoning_details"] {
            let value =
                message.remove(name).filter(|value| value.as_array().is_some_and(|list| !list.is_empty()));
            deltas.extend(value.map(|value| Delta::Extra { choice, name, value }));
        }
    }

    fn call(&mut self, choice: u32, mut call: Map<String, Value>, deltas: &mut Vec<Delta>) {
        let function = call.remove("function").unwrap_or_default();
        let id = call.remove("id").and_then(|id| said(&id));
        let on_wire = call.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        let (index, has_begun) = if self.in_pieces {
            self.calls.place(choice, id.as_deref(), on_wire)
        } else {
            (self.calls.begin(choice, id.as_deref(), on_wire), false)
        };
        if !has_begun {
            call.retain(|name, _| !matches!(name.as_str(), "index" | "type"));
            let id = id.unwrap_or_else(|| format!("call_{}_{choice}_{index}", self.request_id));
            let name = function["name"].as_str().unwrap_or_default().to_owned();
            deltas.push(Delta::ToolCall { choice, index, id, name, extra: call });
        }
        let json = arguments(&function["arguments"]);
        if !json.is_empty() {
            deltas.push(Delta::Arguments { choice, index, json });
        }
    }
}

fn said(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Under one of its names: servers that send several say the same in each.
fn reasoning(message: &Map<String, Value>) -> Option<String> {
    let by_name = ["reasoning_content", "reasoning"].into_iter().find_map(|name| said(message.get(name)?));
    by_name.or_else(|| {
        let details = message.get("reasoning_details")?.as_array()?;
        let texts =
            details.iter().filter_map(|detail| said(&detail["text"]).or_else(|| said(&detail["summary"])));
        Some(texts.collect::<String>()).filter(|text| !text.is_empty())
    })
}

/// A text; some servers send parts, as in a request.
fn content(content: Value) -> Option<String> {
    let text = match content {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The calls in `tool_calls`, or the one in `function_call`, its form before.
fn calls(message: &mut Map<String, Value>) -> Vec<Map<String, Value>> {
    let calls = message.remove("tool_calls").and_then(|calls| match calls {
        Value::Array(calls) => Some(calls),
        _ => None,
    });
    let function = message.remove("function_call").filter(Value::is_object);
    let before = function.map(|function| Map::from_iter([("function".to_owned(), function)]));
    let calls = calls.into_iter().flatten().filter_map(|call| match call {
        Value::Object(call) => Some(call),
        _ => None,
    });
    calls.chain(before).collect()
}

fn arguments(arguments: &Value) -> String {
    match arguments {
        Value::String(json) => json.clone(),
        Value::Null => String::new(),
        // Some servers send the object itself.
        object => object.to_string(),
    }
}
