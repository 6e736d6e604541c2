//! A stream of Ollama's, as deltas: one JSON object a line.
//! Source: <https://docs.ollama.com/api/streaming>

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::media;
use crate::adapters::openai::error::{in_band, malformed};
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::Result;

/// One line; a whole answer is one with everything in it.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    logprobs: Option<Vec<Value>>,
    #[serde(default)]
    done: Option<bool>,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    prompt_eval_cached_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    images: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    function: Called,
}

#[derive(Deserialize)]
struct Called {
    name: String,
    /// As it is written: numbers keep their digits.
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

/// Whether this line ends a complete stream.
pub fn says_done(line: &[u8]) -> bool {
    serde_json::from_slice::<Line<'_>>(line).is_ok_and(|line| line.done == Some(true) && line.error.is_none())
}

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    request_id: String,
    has_begun: bool,
    /// The calls so far: the server's own numbers are not to be relied on.
    calls: u32,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        let request_id = expect.request_id.clone();
        Self { endpoint: endpoint.clone(), request_id, has_begun: false, calls: 0 }
    }

    /// Reads one line, or a whole answer.
    pub(super) fn line(&mut self, json: &[u8], deltas: &mut Vec<Delta>) -> Result<Flow> {
        let line: Line<'_> =
            serde_json::from_slice(json).map_err(|error| malformed(&self.endpoint, "chat answer", &error))?;
        if let Some(error) = line.error.and_then(|_| in_band(&self.endpoint, json)) {
            return Err(error);
        }
        if !self.has_begun {
            self.has_begun = true;
            deltas.push(Delta::Start { id: None, model: line.model.clone() });
        }
        let is_done = line.done == Some(true);
        let end = is_done.then(|| (line.done_reason.clone(), usage(&line)));
        if let Some(message) = line.message {
            self.message(message, deltas);
        }
        if let Some(tokens) = line.logprobs.filter(|tokens| !tokens.is_empty()) {
            deltas.push(Delta::Logprobs { choice: 0, tokens });
        }
        let Some((reason, usage)) = end else { return Ok(Flow::More) };
        deltas.push(self.finish(reason));
        deltas.extend(usage.map(Delta::Usage));
        Ok(Flow::Complete)
    }

    fn message(&mut self, message: Message, deltas: &mut Vec<Delta>) {
        if let Some(text) = message.thinking.filter(|text| !text.is_empty()) {
            deltas.push(Delta::Reasoning { choice: 0, text });
        }
        if let Some(text) = message.content.filter(|text| !text.is_empty()) {
            deltas.push(Delta::Text { choice: 0, text });
        }
        for call in message.tool_calls.into_iter().flatten() {
            self.call(call, deltas);
        }
        if let Some(images) = message.images.filter(|images| !images.is_empty()) {
            deltas.push(Delta::Extra { choice: 0, name: "images", value: images_of(&images) });
        }
    }

    fn call(&mut self, call: Call, deltas: &mut Vec<Delta>) {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let given = call.id.filter(|id| !id.is_empty());
        let id = given.unwrap_or_else(|| format!("call_{}_{index}", self.request_id));
        let Called { name, arguments } = call.function;
        deltas.push(Delta::ToolCall { choice: 0, index, id, name, extra: Map::new() });
        deltas.push(Delta::Arguments { choice: 0, index, json: text_of(arguments) });
    }

    /// An answer that is full stays so, whether or not it also calls something.
    fn finish(&self, reason: Option<String>) -> Delta {
        let reason = reason.unwrap_or_default();
        let mapped = match reason.as_str() {
            "length" => FinishReason::Length,
            _ if self.calls > 0 => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        let is_told = matches!(reason.as_str(), "" | "stop" | "length");
        Delta::Finish { choice: 0, reason: mapped, native: (!is_told).then_some(reason) }
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        match event {
            Event::Data { data, .. } => self.line(data, deltas),
            Event::Eof => Ok(Flow::More),
        }
    }
}

/// The counts of the last line. Those of the prompt include what was cached.
fn usage(line: &Line<'_>) -> Option<Tokens> {
    if line.prompt_eval_count.is_none() && line.eval_count.is_none() {
        return None;
    }
    let prompt = line.prompt_eval_count.unwrap_or(0);
    let mut tokens = Tokens::of(prompt, line.eval_count.unwrap_or(0));
    tokens.prompt_tokens_details.cached_tokens = line.prompt_eval_cached_count.unwrap_or(0).min(prompt);
    Some(tokens)
}

/// The arguments' text. Some servers send a text themselves.
fn text_of(arguments: Option<Box<RawValue>>) -> String {
    let json = arguments.map_or_else(String::new, |arguments| arguments.get().to_owned());
    let json = serde_json::from_str::<String>(&json).unwrap_or(json);
    if matches!(json.trim(), "" | "null") { "{}".to_owned() } else { json }
}

/// Images as OpenRouter and LiteLLM have them in an answer.
fn images_of(images: &[String]) -> Value {
    let urls = images.iter().map(|image| media::data_url(image).unwrap_or_else(|| image.clone()));
    urls.map(|url| json!({"type": "image_url", "image_url": {"url": url}})).collect()
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
