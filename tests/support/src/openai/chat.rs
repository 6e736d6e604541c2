//! Chat completions, whole and streamed:
//! <https://platform.openai.com/docs/api-reference/chat>. Typed so that the fields come in
//! OpenAI's order.

use serde::Serialize;

use super::reply::{Usage, choices, finish_reason, fragments, model, pieces, usage};
use super::{Asked, CREATED};
use crate::behaviour::{Reply, ToolCall, UsageReport};

const ID: &str = "chatcmpl-fault";

#[derive(Serialize)]
struct Answer<'a, C> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    choices: Vec<C>,
    /// In a stream: absent, null, or there.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
    system_fingerprint: &'a str,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'a str,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u64,
    delta: Message<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize, Clone, Default)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    /// Null beside tool calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize, Clone)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    function: Function<'a>,
}

#[derive(Serialize, Clone)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

/// The answer in one piece.
pub(crate) fn completion(reply: &Reply, asked: &Asked) -> String {
    let text = pieces(reply, asked).concat();
    let content = (!text.is_empty() || reply.tool_calls.is_empty()).then_some(text.as_str());
    let tool_calls = reply.tool_calls.iter().enumerate();
    let message = Message {
        role: Some("assistant"),
        content: Some(content),
        tool_calls: tool_calls.map(|(index, call)| whole_call(index, call)).collect(),
    };
    let choice = |index| Choice {
        index,
        message: message.clone(),
        logprobs: None,
        finish_reason: finish_reason(reply),
    };
    let reported = reply.usage != UsageReport::Never;
    json(&Answer {
        id: ID,
        object: "chat.completion",
        created: CREATED,
        model: model(reply, asked),
        choices: (0..choices(reply, asked)).map(choice).collect(),
        usage: reported.then(|| Some(usage(reply, asked))),
        system_fingerprint: "fp_fault",
    })
}

/// The data of the stream's events, without `[DONE]`: for each choice the role, the pieces of the
/// text, the fragments of the tool calls and the finish; then usage, if it is reported.
pub(crate) fn stream(reply: &Reply, asked: &Asked) -> Vec<String> {
    let model = model(reply, asked);
    let asked_for = reply.usage != UsageReport::Never && asked.include_usage();
    let text = pieces(reply, asked);
    let mut events = Vec::new();
    for (delta, finish_reason) in deltas(reply, &text) {
        for index in 0..choices(reply, asked) {
            let delta = delta.clone();
            let choice = ChunkChoice { index, delta, logprobs: None, finish_reason };
            events.push(chunk(model, vec![choice], asked_for.then_some(None)));
        }
    }
    if asked_for || reply.usage == UsageReport::Always {
        events.push(chunk(model, Vec::new(), Some(Some(usage(reply, asked)))));
    }
    events
}

/// Each delta and, with the last one, the finish reason.
fn deltas<'a>(reply: &'a Reply, text: &'a [String]) -> Vec<(Message<'a>, Option<&'a str>)> {
    let has_text = reply.tool_calls.is_empty() || !text.is_empty();
    let content = Some(has_text.then_some(""));
    let role = Message { role: Some("assistant"), content, ..Message::default() };
    let text = text.iter().map(|piece| of_text(piece));
    let calls = reply.tool_calls.iter().enumerate();
    let calls = calls.flat_map(|(index, call)| streamed_call(index, call));
    let calls = calls.map(|call| Message { tool_calls: vec![call], ..Message::default() });
    let said = [role].into_iter().chain(text).chain(calls).map(|delta| (delta, None));
    said.chain([(Message::default(), Some(finish_reason(reply)))]).collect()
}

/// One chunk of a stream with this text.
pub(crate) fn chunk_of_text(text: &str, model: &str) -> String {
    let delta = of_text(text);
    let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason: None };
    chunk(model, vec![choice], None)
}

fn of_text(text: &str) -> Message<'_> {
    Message { content: Some(Some(text)), ..Message::default() }
}

fn chunk(model: &str, choices: Vec<ChunkChoice>, usage: Option<Option<Usage>>) -> String {
    json(&Answer {
        id: ID,
        object: "chat.completion.chunk",
        created: CREATED,
        model,
        choices,
        usage,
        system_fingerprint: "fp_fault",
    })
}

fn whole_call(index: usize, call: &ToolCall) -> Call<'_> {
    Call {
        index: None,
        id: Some(format!("call_{index}")),
        r#type: Some("function"),
        function: Function { name: Some(&call.name), arguments: &call.arguments },
    }
}

/// The name first, then the arguments bit by bit.
fn streamed_call(index: usize, call: &ToolCall) -> Vec<Call<'_>> {
    let function = |name, arguments| Function { name, arguments };
    let mut calls = vec![Call {
        index: Some(index),
        function: function(Some(&call.name), ""),
        ..whole_call(index, call)
    }];
    calls.extend(fragments(call).into_iter().map(|arguments| Call {
        index: Some(index),
        id: None,
        r#type: None,
        function: function(None, arguments),
    }));
    calls
}

/// Nothing here can fail to be JSON.
fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}
