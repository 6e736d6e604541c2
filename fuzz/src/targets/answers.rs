//! One provider's answers: whole, streamed, or event by event.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use llm_proxy::adapters::{self, Ask, ClientFormat, Event, Expect, Flow, MockTiming, RenderContext, Timing};
use llm_proxy::domain::delta::{ChatAnswer, Delta};
use llm_proxy::domain::embedding::Encoding;
use llm_proxy::domain::endpoint::{Endpoint, Provider};
use llm_proxy::domain::envelope::{Envelope, Operation};
use llm_proxy::error::Result;
use llm_proxy::services::translate::Reader;

const JSON_REQUEST: &[u8] = br#"{"messages":[{"role":"user","content":"a"}],"response_format":
    {"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}}"#;

/// What chat answers are written in.
const FORMATS: [ClientFormat; 3] =
    [ClientFormat::Openai, ClientFormat::OllamaChat, ClientFormat::OllamaGenerate];

/// The input is: how to read, how to cut, the answer.
pub fn read(provider: Provider, input: &[u8]) {
    let [how, cuts, answer @ ..] = input else { return };
    let endpoint = super::endpoint(provider);
    let expect = if how & 4 == 0 { Expect::default() } else { expect_json(&endpoint) };
    match how & 3 {
        0 => stream(&endpoint, &expect, *cuts, answer),
        1 => events(&endpoint, &expect, answer),
        2 => whole(&endpoint, &expect, answer),
        _ => embeddings(&endpoint, answer),
    }
}

/// What an answer is to be read by whose request demanded a JSON schema.
fn expect_json(endpoint: &Endpoint) -> Expect {
    let body = Bytes::from_static(JSON_REQUEST);
    let Ok(envelope) = Envelope::parse(Operation::Chat, &body) else { return Expect::default() };
    let ask = Ask {
        operation: Operation::Chat,
        body: &body,
        envelope: &envelope,
        original: None,
        model: "model",
        request_id: "req-1",
        headers: &[],
    };
    let prepared = adapters::prepare(endpoint, &ask, MockTiming { chunk_delay: Duration::ZERO });
    prepared.map(|prepared| prepared.expect).unwrap_or_default()
}

/// However the bytes are cut, a stream says the same.
fn stream(endpoint: &Endpoint, expect: &Expect, cuts: u8, answer: &[u8]) {
    let at_once = pushed(endpoint, expect, &[answer]);
    let in_parts = pushed(endpoint, expect, &super::parts(answer, cuts));
    assert_eq!(at_once, in_parts, "cut differently");
    let (deltas, end) = at_once;
    check(&deltas, answer);
    let can_say_that_it_is_over = answer.iter().any(u8::is_ascii_alphanumeric);
    assert!(can_say_that_it_is_over || end != Ok(Flow::Complete), "complete without a word");
    render(deltas, &end);
}

/// Each part's deltas are taken away before the next one comes, as they are when an answer is passed on.
fn pushed(endpoint: &Endpoint, expect: &Expect, parts: &[&[u8]]) -> (Vec<Delta>, Result<Flow>) {
    let mut reader = Reader::new(endpoint, expect);
    let (mut deltas, mut new) = (Vec::new(), Vec::new());
    for part in parts {
        let end = reader.push(Bytes::copy_from_slice(part), &mut new);
        deltas.append(&mut new);
        if end != Ok(Flow::More) {
            return (deltas, end);
        }
    }
    let end = reader.end(&mut new);
    deltas.append(&mut new);
    (deltas, end)
}

/// Each line is an event: its name, a tab, its data.
fn events(endpoint: &Endpoint, expect: &Expect, lines: &[u8]) {
    let mut machine = adapters::machine(endpoint, expect);
    let mut deltas = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let (name, data) = match line.iter().position(|byte| *byte == b'\t') {
            Some(at) => (Some(&line[..at]), &line[at + 1..]),
            None => (None, line),
        };
        match machine.on_event(Event::Data { name, data }, &mut deltas) {
            Ok(Flow::More) => {}
            _ => return check(&deltas, lines),
        }
    }
    let _end = machine.on_event(Event::Eof, &mut deltas);
    check(&deltas, lines);
}

fn whole(endpoint: &Endpoint, expect: &Expect, answer: &[u8]) {
    let Ok(deltas) = adapters::answer(endpoint, expect, answer) else { return };
    check(&deltas, answer);
    render(deltas, &Ok(Flow::Complete));
}

fn embeddings(endpoint: &Endpoint, answer: &[u8]) {
    let Ok(embeddings) = adapters::embeddings(endpoint, answer) else { return };
    for encoding in [Encoding::Float, Encoding::Base64] {
        let body = renderer(ClientFormat::Openai).embeddings(&embeddings, encoding, Timing::default());
        assert_json(&body);
    }
}

/// Calls are numbered in the order in which they begin, arguments belong to one that has begun, and
/// text comes from texts.
fn check(deltas: &[Delta], answer: &[u8]) {
    let mut calls: HashMap<u32, u32> = HashMap::new();
    for delta in deltas {
        match delta {
            Delta::ToolCall { choice, index, .. } => {
                let begun = calls.entry(*choice).or_default();
                assert_eq!(index, begun, "a call out of order");
                *begun += 1;
            }
            Delta::Arguments { choice, index, .. } => {
                let begun = calls.get(choice).copied().unwrap_or_default();
                assert!(*index < begun, "arguments of a call that has not begun");
            }
            Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => {
                assert!(text.is_empty() || answer.contains(&b'"'), "text from nowhere: {text}");
            }
            _ => {}
        }
    }
}

/// Whatever was read can be written, in every format.
fn render(deltas: Vec<Delta>, end: &Result<Flow>) {
    for format in FORMATS {
        let (mut renderer, mut out) = (renderer(format), Vec::new());
        renderer.deltas(&mut deltas.clone(), &mut out);
        match end {
            Ok(_) => renderer.complete(Timing::default(), &mut out),
            Err(error) => out.extend(adapters::error_event(format, error)),
        }
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let json = line.strip_prefix(b"data: ").unwrap_or(line);
            if json != b"[DONE]" {
                assert_json(json);
            }
        }
    }
    let answer = ChatAnswer::of(deltas);
    for format in FORMATS {
        assert_json(&renderer(format).whole(&answer, Timing::default()));
    }
}

fn renderer(format: ClientFormat) -> Box<dyn adapters::Render> {
    let context = RenderContext {
        request_id: "req-1".to_owned(),
        model: "public-model".to_owned(),
        received: Duration::from_secs(1_700_000_000),
        include_usage: true,
        prompt_bytes: 40,
    };
    adapters::renderer(format, context)
}

fn assert_json(bytes: &[u8]) {
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(bytes);
    assert!(read.is_ok(), "no JSON: {}", String::from_utf8_lossy(bytes));
}
