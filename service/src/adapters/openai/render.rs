//! Answers in OpenAI's form, for its SDKs.
//!
//! - Whole: <https://platform.openai.com/docs/api-reference/chat/object>
//! - Streamed: <https://platform.openai.com/docs/api-reference/chat-streaming/streaming>
//!
//! What OpenAI has no member for keeps the name that LiteLLM gave it: `reasoning_content`,
//! `thinking_blocks`. `native_finish_reason` is OpenRouter's.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::adapters::{Render, RenderContext, Timing};
use crate::domain::delta::{AnsweredCall, ChatAnswer, Choice, Delta};
use crate::domain::embedding::{Embeddings, Encoding};
use crate::domain::usage::{Tokens, estimate_tokens};
use crate::error::Error;
use crate::wire::sse;

/// Writes one answer.
pub struct Renderer {
    context: RenderContext,
    id: Option<String>,
    model: Option<String>,
    /// `{"id":…,"choices":[`: what every chunk begins with; made when the first one is due.
    head: Vec<u8>,
    /// The choices whose role was told.
    begun: Vec<u32>,
    usage: Option<Tokens>,
}

impl Renderer {
    /// For one request.
    pub const fn new(context: RenderContext) -> Self {
        Self { context, id: None, model: None, head: Vec::new(), begun: Vec::new(), usage: None }
    }

    fn id(&self, given: Option<&String>) -> String {
        given.cloned().unwrap_or_else(|| format!("chatcmpl-{}", self.context.request_id))
    }

    fn head(&mut self) -> &[u8] {
        if self.head.is_empty() {
            let id = self.id(self.id.as_ref());
            let model = self.model.as_ref().unwrap_or(&self.context.model);
            let object = "chat.completion.chunk";
            let created = self.context.received.as_secs();
            let head = json!({"id": id, "object": object, "created": created, "model": model}).to_string();
            self.head.extend_from_slice(head.trim_end_matches('}').as_bytes());
            self.head.extend_from_slice(b",\"choices\":[");
        }
        &self.head
    }

    /// `data: {…,"choices":[{"index":…,"delta":{` and the role, where this is the choice's first delta.
    fn open(&mut self, choice: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(self.head());
        out.extend_from_slice(b"{\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(choice).as_bytes());
        out.extend_from_slice(b",\"delta\":{");
        if !self.begun.contains(&choice) {
            self.begun.push(choice);
            out.extend_from_slice(b"\"role\":\"assistant\",");
        }
    }

    /// A chunk whose delta has one member.
    fn chunk(&mut self, choice: u32, name: &str, value: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        self.open(choice, out);
        write_string(name, out);
        out.push(b':');
        value(out);
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
    }

    fn text(&mut self, choice: u32, name: &str, text: &str, out: &mut Vec<u8>) {
        self.chunk(choice, name, |out| write_string(text, out), out);
    }

    fn json(&mut self, choice: u32, name: &str, value: &Value, out: &mut Vec<u8>) {
        self.chunk(choice, name, |out| write_json(value, out), out);
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id = id.or(self.id.take());
                self.model = model.or(self.model.take());
            }
            Delta::Text { choice, text } => self.text(choice, "content", &text, out),
            Delta::Reasoning { choice, text } => self.text(choice, "reasoning_content", &text, out),
            Delta::Refusal { choice, text } => self.text(choice, "refusal", &text, out),
            Delta::ToolCall { choice, index, id, name, extra } => {
                let mut call = json!({"index": index, "id": id, "type": "function",
                    "function": {"name": name, "arguments": ""}});
                extend(&mut call, &extra);
                self.json(choice, "tool_calls", &json!([call]), out);
            }
            Delta::Arguments { choice, index, json } => {
                let value = |out: &mut Vec<u8>| {
                    out.extend_from_slice(b"[{\"index\":");
                    out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
                    out.extend_from_slice(b",\"function\":{\"arguments\":");
                    write_string(&json, out);
                    out.extend_from_slice(b"}}]");
                };
                self.chunk(choice, "tool_calls", value, out);
            }
            Delta::Extra { choice, name, value } => self.json(choice, name, &value, out),
            Delta::Logprobs { choice, tokens } => {
                self.open(choice, out);
                out.extend_from_slice(b"\"content\":\"\"},\"logprobs\":");
                write_json(&json!({"content": tokens, "refusal": null}), out);
                out.extend_from_slice(b",\"finish_reason\":null}]}\n\n");
            }
            Delta::Finish { choice, reason, native } => {
                self.open(choice, out);
                // Behind the role stands a comma for a member that a finish does not have.
                if out.last() == Some(&b',') {
                    out.pop();
                }
                out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":");
                write_string(reason.name(), out);
                if let Some(native) = native {
                    out.extend_from_slice(b",\"native_finish_reason\":");
                    write_string(&native, out);
                }
                out.extend_from_slice(b"}]}\n\n");
            }
            Delta::Usage(tokens) => self.usage = Some(tokens),
        }
    }
}

impl Render for Renderer {
    fn deltas(&mut self, deltas: &mut Vec<Delta>, out: &mut Vec<u8>) {
        for delta in deltas.drain(..) {
            self.delta(delta, out);
        }
    }

    fn complete(&mut self, _: Timing, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.context.include_usage, self.usage) {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(self.head());
            out.extend_from_slice(b"],\"usage\":");
            write_json(&usage, out);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(sse::DONE);
    }

    fn whole(&self, answer: &ChatAnswer, _: Timing) -> Vec<u8> {
        let choices: Vec<Value> = answer.choices.iter().enumerate().map(whole_choice).collect();
        let mut whole = json!({
            "id": self.id(answer.id.as_ref()),
            "object": "chat.completion",
            "created": self.context.received.as_secs(),
            "model": answer.model.as_ref().unwrap_or(&self.context.model),
            "choices": choices,
        });
        if let Some(usage) = answer.usage {
            whole["usage"] = json!(usage);
        }
        whole.to_string().into_bytes()
    }

    fn embeddings(&self, embeddings: &Embeddings, encoding: Encoding, _: Timing) -> Vec<u8> {
        let reported = embeddings.usage.map(|usage| usage.prompt_tokens);
        let tokens = reported.unwrap_or_else(|| estimate_tokens(self.context.prompt_bytes));
        let items = embeddings.vectors.iter().enumerate();
        let list = Vectors {
            object: "list",
            data: items.map(|(index, vector)| Vector::of(index, vector, encoding)).collect(),
            model: embeddings.model.as_ref().unwrap_or(&self.context.model),
            usage: json!({"prompt_tokens": tokens, "total_tokens": tokens}),
        };
        let mut out = Vec::new();
        write_json(&list, &mut out);
        out
    }
}

#[derive(Serialize)]
struct Vectors<'a> {
    object: &'static str,
    data: Vec<Vector<'a>>,
    model: &'a str,
    usage: Value,
}

#[derive(Serialize)]
struct Vector<'a> {
    object: &'static str,
    index: usize,
    embedding: Written<'a>,
}

/// Not through [`Value`], whose numbers are wider: 0.05 would be written as 0.05000000074505806.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Floats(&'a [f32]),
    Base64(String),
}

impl<'a> Vector<'a> {
    fn of(index: usize, vector: &'a [f32], encoding: Encoding) -> Self {
        let embedding = match encoding {
            Encoding::Float => Written::Floats(vector),
            Encoding::Base64 => Written::Base64(packed(vector)),
        };
        Self { object: "embedding", index, embedding }
    }
}

/// The failure as the last event of a stream.
pub fn error_event(error: &Error) -> Vec<u8> {
    [b"data: ", error_body(error).as_slice(), b"\n\n"].concat()
}

/// The failure as the body of an HTTP answer.
pub fn error_body(error: &Error) -> Vec<u8> {
    let mut out = Vec::new();
    write_json(error, &mut out);
    out
}

fn whole_choice((index, choice): (usize, &Choice)) -> Value {
    let silent = !choice.tool_calls.is_empty() || choice.refusal.is_some();
    let content = match &choice.text {
        None if silent => Value::Null,
        text => json!(text.as_deref().unwrap_or_default()),
    };
    let mut message = json!({"role": "assistant", "content": content, "refusal": choice.refusal});
    if let Some(reasoning) = &choice.reasoning {
        message["reasoning_content"] = json!(reasoning);
    }
    if !choice.tool_calls.is_empty() {
        message["tool_calls"] = choice.tool_calls.iter().map(whole_call).collect();
    }
    extend(&mut message, &choice.extra);
    let logprobs =
        (!choice.logprobs.is_empty()).then(|| json!({"content": choice.logprobs, "refusal": null}));
    let finish = choice.finish.map(crate::domain::delta::FinishReason::name);
    let mut whole =
        json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish});
    if let Some(native) = &choice.native_finish {
        whole["native_finish_reason"] = json!(native);
    }
    whole
}

fn whole_call(call: &AnsweredCall) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    let mut whole = json!({"id": call.id, "type": "function", "function": function});
    extend(&mut whole, &call.extra);
    whole
}

fn extend(object: &mut Value, members: &Map<String, Value>) {
    if let Some(object) = object.as_object_mut() {
        object.extend(members.clone());
    }
}

/// Little-endian 32-bit floats in Base64.
pub fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    write_json(text, out);
}

fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _writing_to_memory_succeeds = serde_json::to_writer(out, value);
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
