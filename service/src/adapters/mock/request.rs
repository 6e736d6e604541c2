//! From a request to the script of its answer.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::faults::Fault;
use super::reply::{Reply, Said};
use super::{embeddings, stream};
use crate::adapters::{Ask, Expect, MockTiming, Prepared};
use crate::domain::call::{Call, Script, Step};
use crate::domain::chat::{ChatRequest, parse_json};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

/// Longer than any deadline.
pub const FOREVER: Duration = Duration::from_secs(100_000);

const SLOW_HEAD: Duration = Duration::from_secs(2);

/// `created` of every answer: the mock has no clock.
const CREATED: u64 = 1_700_000_000;

/// The script that answers.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`]: a member has a form that OpenAI does not document.
pub fn prepare(_: &Endpoint, ask: &Ask<'_>, timing: MockTiming) -> Result<Prepared> {
    let call = Call::Script(script(ask, timing)?);
    Ok(Prepared { call, expect: Expect::of(ask), dropped: Vec::new() })
}

fn script(ask: &Ask<'_>, timing: MockTiming) -> Result<Script> {
    let given = given(ask.body)?;
    let fault = given.as_deref().and_then(Fault::of_response).unwrap_or_else(|| Fault::of(ask.model));
    if let Some((status, body)) = fault.refusal() {
        return Ok(refused(status, body));
    }
    let form = Form::new(ask);
    let pause = timing.chunk_delay * if fault == Fault::Slow { 10 } else { 1 };
    let reply = match ask.operation {
        Operation::Embeddings => return Ok(whole(embeddings::answer(ask.body, ask.model)?, fault)),
        Operation::Chat => Reply::to_chat(&ChatRequest::parse(ask.body)?, given, fault)?,
        Operation::Completions => {
            let request: CompletionRequest = parse_json(ask.body)?;
            Reply::to_prompt(&request.text(), given, request.max_tokens, request.n, fault)
        }
    };
    if !ask.envelope.stream {
        return Ok(whole(form.whole(&reply, fault).to_string(), fault));
    }
    Ok(Script {
        head_after: (fault == Fault::Slow).then_some(SLOW_HEAD),
        status: 200,
        headers: vec![("content-type", "text/event-stream; charset=utf-8".to_owned())],
        steps: stream::steps(&form, &reply, fault, pause),
    })
}

/// What the answer says in any case: the member `mock_response`, which a LiteLLM configuration gives to a
/// model. Its other forms, objects and the like, are not known here and have no effect.
/// Source: <https://docs.litellm.ai/docs/completion/mock_requests>
fn given(body: &[u8]) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Given {
        #[serde(default)]
        mock_response: Value,
    }
    let given: Given = parse_json(body)?;
    Ok(given.mock_response.as_str().map(str::to_owned))
}

/// Source: <https://platform.openai.com/docs/api-reference/completions/create>
#[derive(Deserialize)]
struct CompletionRequest {
    prompt: Value,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u32>,
}

impl CompletionRequest {
    fn text(&self) -> String {
        match &self.prompt {
            Value::String(text) => text.clone(),
            Value::Array(texts) => texts.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }
}

fn refused(status: u16, body: String) -> Script {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if status == 429 {
        headers.push(("retry-after", "1".to_owned()));
    }
    Script { head_after: None, status, headers, steps: vec![Step::Send(body.into())] }
}

/// An answer that is not streamed, faults included.
fn whole(body: String, fault: Fault) -> Script {
    let body = Bytes::from(body);
    let half = body.slice(..body.len() / 2);
    let (head_after, steps) = match fault {
        Fault::Slow => (Some(SLOW_HEAD), vec![Step::Send(body)]),
        Fault::Stall => (Some(FOREVER), Vec::new()),
        Fault::Truncate => (None, vec![Step::Send(half), Step::Cut]),
        Fault::Malformed => (None, vec![Step::Send(half)]),
        Fault::ErrorInStream => {
            let error =
                r#"{"error":{"message":"the mock breaks off","type":"server_error","code":"mock_failure"}}"#;
            (None, vec![Step::Send(Bytes::from_static(error.as_bytes()))])
        }
        _ => (None, vec![Step::Send(body)]),
    };
    Script { head_after, status: 200, headers: vec![("content-type", "application/json".to_owned())], steps }
}

/// The members that every chunk and the whole answer share.
pub struct Form<'a> {
    chat: bool,
    model: &'a str,
    digest: String,
}

impl<'a> Form<'a> {
    fn new(ask: &Ask<'a>) -> Self {
        let digest = Sha256::digest(ask.body);
        let digest = digest.iter().take(8).fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        });
        Self { chat: ask.operation == Operation::Chat, model: ask.model, digest }
    }

    /// The id of the call at that place.
    pub fn call_id(&self, at: usize) -> String {
        format!("call_mock_{}_{at}", self.digest)
    }

    fn id(&self) -> String {
        let kind = if self.chat { "chatcmpl" } else { "cmpl" };
        format!("{kind}-mock-{}", self.digest)
    }

    /// One choice of a chunk.
    pub fn delta(&self, index: u32, delta: Value, finish: Option<&str>) -> Value {
        if self.chat {
            return json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
        }
        let text = delta.get("content").cloned().unwrap_or_else(|| json!(""));
        json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish})
    }

    /// One chunk of a stream.
    pub fn chunk(&self, choices: &Value, usage: Option<Value>) -> Value {
        let object = if self.chat { "chat.completion.chunk" } else { "text_completion" };
        let mut chunk = json!({"id": self.id(), "object": object, "created": CREATED,
            "model": self.model, "choices": choices});
        if let (Some(usage), Some(members)) = (usage, chunk.as_object_mut()) {
            members.insert("usage".to_owned(), usage);
        }
        chunk
    }

    fn whole(&self, reply: &Reply, fault: Fault) -> Value {
        let object = if self.chat { "chat.completion" } else { "text_completion" };
        let choices: Vec<Value> = (0..reply.choices).map(|index| self.choice(index, reply)).collect();
        let mut answer = json!({"id": self.id(), "object": object, "created": CREATED,
            "model": self.model, "choices": choices});
        if let (true, Some(members)) = (fault != Fault::NoUsage, answer.as_object_mut()) {
            members.insert("usage".to_owned(), reply.usage());
        }
        answer
    }

    fn choice(&self, index: u32, reply: &Reply) -> Value {
        if !self.chat {
            return json!({"index": index, "text": reply.text(), "logprobs": null,
                "finish_reason": reply.finish_reason});
        }
        let mut message = json!({"role": "assistant", "content": reply.text(), "refusal": null});
        if let (Said::Tools(calls), Some(members)) = (&reply.said, message.as_object_mut()) {
            let calls = calls.iter().enumerate().map(|(at, (name, arguments))| {
                json!({"id": self.call_id(at), "type": "function",
                    "function": {"name": name, "arguments": arguments}})
            });
            members.insert("tool_calls".to_owned(), calls.collect());
        }
        json!({"index": index, "message": message, "logprobs": null, "finish_reason": reply.finish_reason})
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
