//! A reply as a stream: a role, a chunk a token, the finish, usage, `[DONE]`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::faults::Fault;
use super::reply::{Reply, Said};
use super::request::Form;
use crate::domain::call::Step;
use crate::wire::sse;

/// The steps of a streamed reply, faults included.
pub fn steps(form: &Form<'_>, reply: &Reply, fault: Fault, pause: Duration) -> Vec<Step> {
    let mut events: Vec<Bytes> = chunks(form, reply).iter().map(event).collect();
    let broken = matches!(fault, Fault::Stall | Fault::Truncate | Fault::Malformed | Fault::ErrorInStream);
    if broken {
        events.truncate(events.len().div_ceil(2));
    }
    match fault {
        Fault::Malformed => events.push(Bytes::from_static(b"data: {\"choices\": [{\"delta\": {\"cont\n\n")),
        Fault::ErrorInStream => {
            let error =
                json!({"message": "the mock breaks off", "type": "server_error", "code": "mock_failure"});
            events.push(event(&json!({"error": error})));
        }
        _ => {}
    }
    if !broken {
        if fault != Fault::NoUsage {
            events.push(event(&form.chunk(&json!([]), Some(reply.usage()))));
        }
        if fault != Fault::NoDone {
            events.push(Bytes::from_static(sse::DONE));
        }
    }
    let mut steps: Vec<Step> = Vec::with_capacity(events.len() * 2 + 1);
    for event in events {
        if !steps.is_empty() && !pause.is_zero() {
            steps.push(Step::Wait(pause));
        }
        steps.push(Step::Send(event));
    }
    match fault {
        Fault::Stall => steps.push(Step::Wait(super::request::FOREVER)),
        Fault::Truncate => steps.push(Step::Cut),
        _ => {}
    }
    steps
}

fn event(json: &Value) -> Bytes {
    sse::data_event(&json.to_string())
}

/// The chunks that carry choices.
fn chunks(form: &Form<'_>, reply: &Reply) -> Vec<Value> {
    let mut chunks = Vec::new();
    for index in 0..reply.choices {
        let mut push = |delta: Value, finish: Option<&str>| {
            chunks.push(form.chunk(&json!([form.delta(index, delta, finish)]), None));
        };
        push(json!({"role": "assistant", "content": ""}), None);
        match &reply.said {
            Said::Text(words) => words.iter().for_each(|word| push(json!({"content": word}), None)),
            Said::Tools(calls) => calls.iter().enumerate().for_each(|(at, (name, arguments))| {
                let id = form.call_id(at);
                let call = json!({"index": at, "id": id, "type": "function",
                    "function": {"name": name, "arguments": ""}});
                push(json!({"tool_calls": [call]}), None);
                for piece in pieces(arguments) {
                    push(json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]}), None);
                }
            }),
        }
        push(json!({}), Some(reply.finish_reason));
    }
    chunks
}

/// Arguments arrive in pieces that are no JSON by themselves, as they do from real models.
fn pieces(arguments: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = arguments.chars().collect();
    let pieces: Vec<String> = characters.chunks(7).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}
