//! Answers in Ollama's form, for its clients: one JSON object a line, or one in all.
//! Source: <https://docs.ollama.com/api/chat>
//!
//! What Ollama has no member for stays under the name that it has in OpenAI's form (`thinking_blocks`,
//! `citations`…), so that it can be handed back; a refusal's words are text.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::line;
use super::parts::{
    End, OneVector, Vectors, done_reason, eval_duration, extra, nanoseconds, said_bytes, written_calls,
};
use crate::adapters::{ClientFormat, Render, RenderContext, Timing};
use crate::domain::delta::{ChatAnswer, Choice, Delta};
use crate::domain::embedding::{Embeddings, Encoding};
use crate::domain::timestamp::rfc3339;
use crate::domain::usage::{Tokens, estimate_tokens};

/// Writes one answer.
pub struct Renderer {
    format: ClientFormat,
    context: RenderContext,
    /// `{"model":…,"created_at":…`: what every line begins with.
    head: Vec<u8>,
    /// What is not said yet: calls, which Ollama's clients get whole, and how the answer ended.
    held: Vec<Delta>,
    usage: Option<Tokens>,
    /// Bytes of what was said, to estimate tokens from.
    said_bytes: u64,
}

impl Renderer {
    /// For one request.
    pub fn new(format: ClientFormat, context: RenderContext) -> Self {
        let mut head = Vec::new();
        let created_at = rfc3339(context.received);
        line::write(&json!({"model": context.model, "created_at": created_at}), &mut head);
        head.pop();
        Self { format, context, head, held: Vec::new(), usage: None, said_bytes: 0 }
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text { choice: 0, text } | Delta::Refusal { choice: 0, text } => {
                self.text(self.text_name(), &text, out);
            }
            Delta::Reasoning { choice: 0, text } => self.text("thinking", &text, out),
            Delta::Logprobs { choice: 0, tokens } => self.piece(&Map::new(), Some(&tokens), out),
            Delta::Extra { choice: 0, name, value } => {
                let (name, value) = extra(name, &value);
                self.piece(&Map::from_iter([(name.to_owned(), value)]), None, out);
            }
            Delta::Arguments { choice: 0, ref json, .. } => {
                self.said_bytes += json.len() as u64;
                self.held.push(delta);
            }
            Delta::ToolCall { choice: 0, .. } => self.held.push(delta),
            Delta::Finish { choice: 0, .. } => {
                self.calls(out);
                self.held.push(delta);
            }
            Delta::Usage(tokens) => self.usage = Some(tokens),
            // Ollama's clients get one answer.
            _ => {}
        }
    }

    /// A line with some text: what nearly every line is.
    fn text(&mut self, name: &str, text: &str, out: &mut Vec<u8>) {
        self.said_bytes += text.len() as u64;
        let start = out.len();
        self.open(out);
        if name == self.text_name() {
            write_member(name, text, out);
        } else {
            write_member(self.text_name(), "", out);
            out.push(b',');
            write_member(name, text, out);
        }
        self.close(out);
        out.extend_from_slice(b",\"done\":false}\n");
        line::escape_line_ends(start, out);
    }

    /// A line with other members of a message.
    fn piece(&self, members: &Map<String, Value>, logprobs: Option<&[Value]>, out: &mut Vec<u8>) {
        let start = out.len();
        self.open(out);
        write_member(self.text_name(), "", out);
        write_members(members, out);
        self.close(out);
        if let Some(tokens) = logprobs {
            out.push(b',');
            write_member("logprobs", tokens, out);
        }
        out.extend_from_slice(b",\"done\":false}\n");
        line::escape_line_ends(start, out);
    }

    /// The calls that were held back, in one line.
    fn calls(&mut self, out: &mut Vec<u8>) {
        let answer = ChatAnswer::of(self.held.drain(..));
        let Some(choice) = answer.choices.first().filter(|choice| !choice.tool_calls.is_empty()) else {
            return;
        };
        let start = out.len();
        self.open(out);
        write_member(self.text_name(), "", out);
        out.push(b',');
        write_member("tool_calls", &written_calls(&choice.tool_calls), out);
        self.close(out);
        out.extend_from_slice(b",\"done\":false}\n");
        line::escape_line_ends(start, out);
    }

    /// The name of the answer's text.
    fn text_name(&self) -> &'static str {
        if self.format == ClientFormat::OllamaGenerate { "response" } else { "content" }
    }

    /// The head, and up to the message's first member: `/api/generate` has no message around them.
    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.push(b',');
        if self.format != ClientFormat::OllamaGenerate {
            out.extend_from_slice(b"\"message\":{\"role\":\"assistant\",");
        }
    }

    fn close(&self, out: &mut Vec<u8>) {
        if self.format != ClientFormat::OllamaGenerate {
            out.push(b'}');
        }
    }

    /// `,"done":true,…}`: how the answer ended, how long it took, what it cost.
    fn end(&self, choice: &Choice, usage: Option<Tokens>, said: u64, timing: Timing, out: &mut Vec<u8>) {
        let estimated = || Tokens::of(estimate_tokens(self.context.prompt_bytes), estimate_tokens(said));
        let tokens = usage.unwrap_or_else(estimated);
        let cached = tokens.prompt_tokens_details.cached_tokens;
        let end = End {
            done: true,
            done_reason: done_reason(choice),
            total_duration: nanoseconds(timing.total),
            load_duration: 0,
            prompt_eval_count: tokens.prompt_tokens,
            prompt_eval_cached_count: (cached > 0).then_some(cached),
            prompt_eval_duration: nanoseconds(timing.first_token),
            eval_count: tokens.completion_tokens,
            eval_duration: nanoseconds(eval_duration(timing)),
        };
        let start = out.len();
        line::write(&end, out);
        if let Some(brace) = out.get_mut(start) {
            *brace = b',';
        }
    }

    /// The whole message of an answer that is not streamed.
    fn message(&self, choice: &Choice, out: &mut Vec<u8>) {
        let text = [&choice.text, &choice.refusal].map(|text| text.as_deref().unwrap_or_default()).concat();
        self.open(out);
        write_member(self.text_name(), &text, out);
        if let Some(thinking) = &choice.reasoning {
            out.push(b',');
            write_member("thinking", thinking, out);
        }
        if !choice.tool_calls.is_empty() {
            out.push(b',');
            write_member("tool_calls", &written_calls(&choice.tool_calls), out);
        }
        let extras = choice.extra.iter().map(|(name, value)| {
            let (name, value) = extra(name, value);
            (name.to_owned(), value)
        });
        write_members(&extras.collect(), out);
        self.close(out);
        if !choice.logprobs.is_empty() {
            out.push(b',');
            write_member("logprobs", &choice.logprobs, out);
        }
    }
}

impl Render for Renderer {
    fn deltas(&mut self, deltas: &mut Vec<Delta>, out: &mut Vec<u8>) {
        for delta in deltas.drain(..) {
            self.delta(delta, out);
        }
    }

    fn complete(&mut self, timing: Timing, out: &mut Vec<u8>) {
        let finish = self.held.iter().position(|delta| matches!(delta, Delta::Finish { .. }));
        let finish = finish.map(|at| self.held.remove(at));
        self.calls(out);
        let choice = ChatAnswer::of(finish).choices.into_iter().next().unwrap_or_default();
        let start = out.len();
        self.open(out);
        write_member(self.text_name(), "", out);
        self.close(out);
        self.end(&choice, self.usage, self.said_bytes, timing, out);
        out.push(b'\n');
        line::escape_line_ends(start, out);
    }

    fn whole(&self, answer: &ChatAnswer, timing: Timing) -> Vec<u8> {
        let none = Choice::default();
        let choice = answer.choices.first().unwrap_or(&none);
        let mut out = Vec::new();
        self.message(choice, &mut out);
        self.end(choice, answer.usage, said_bytes(choice), timing, &mut out);
        line::escape_line_ends(0, &mut out);
        out
    }

    /// Ollama's vectors are always numbers.
    fn embeddings(&self, embeddings: &Embeddings, _: Encoding, timing: Timing) -> Vec<u8> {
        let mut out = Vec::new();
        if self.format == ClientFormat::OllamaEmbeddings {
            let vector = embeddings.vectors.first().map(Vec::as_slice).unwrap_or_default();
            line::write(&OneVector { embedding: vector }, &mut out);
            return out;
        }
        let reported = embeddings.usage.map(|usage| usage.prompt_tokens);
        let vectors = Vectors {
            model: &self.context.model,
            embeddings: &embeddings.vectors,
            total_duration: nanoseconds(timing.total),
            load_duration: 0,
            prompt_eval_count: reported.unwrap_or_else(|| estimate_tokens(self.context.prompt_bytes)),
        };
        line::write(&vectors, &mut out);
        out
    }
}

fn write_member<T: Serialize + ?Sized>(name: &str, value: &T, out: &mut Vec<u8>) {
    let _writing_to_memory_succeeds = serde_json::to_writer(&mut *out, name);
    out.push(b':');
    let _writing_to_memory_succeeds = serde_json::to_writer(&mut *out, value);
}

fn write_members(members: &Map<String, Value>, out: &mut Vec<u8>) {
    for (name, value) in members {
        out.push(b',');
        write_member(name, value, out);
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
