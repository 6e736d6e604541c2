//! The Ollama client format, from the fixtures in `tests/fixtures/ollama_client/<scenario>/`:
//!
//! | file | |
//! |---|---|
//! | `asked_chat.json`, `asked_generate.json`, `asked_embed.json`, `asked_embeddings.json` | what a client sends to that path |
//! | `upstream.sse` | a stream of an OpenAI-format server that answers it |
//!
//! And from every provider's streams: what is written for Ollama's clients says what the vendor said.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use llm_proxy::adapters::ollama::inbound::{self, Inbound};
use llm_proxy::adapters::{self, Ask, ClientFormat, Expect, Flow, MockTiming, RenderContext, Timing};
use llm_proxy::domain::call::Call;
use llm_proxy::domain::chat::ChatRequest;
use llm_proxy::domain::delta::{ChatAnswer, Choice, Delta, FinishReason};
use llm_proxy::domain::embedding::EmbeddingsRequest;
use llm_proxy::domain::endpoint::{Deadlines, Endpoint, Provider};
use llm_proxy::domain::envelope::{Envelope, Operation};
use llm_proxy::services::translate::Reader;
use rstest::rstest;
use serde_json::{Value, json};

use super::scenario::Scenario;

/// Where Python's `str.splitlines` ends a line.
const LINE_ENDS: [char; 10] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

#[rstest]
fn a_clients_request_is_openais(#[files("../tests/fixtures/ollama_client/*/asked_*.json")] asked: PathBuf) {
    let (format, body) = (format_of(&asked), fs::read(&asked).unwrap());
    let golden = match inbound::parse(format, &body) {
        Ok(inbound) => {
            assert_readable(&inbound);
            described(&inbound)
        }
        Err(error) => serde_json::to_string_pretty(&error).unwrap(),
    };
    assert_golden(&asked, asked.file_stem().unwrap().to_str().unwrap(), &golden);
}

#[rstest]
fn a_clients_request_goes_to_an_ollama_as_it_is(
    #[files("../tests/fixtures/ollama_client/*/asked_*.json")] asked: PathBuf,
) {
    let (format, body) = (format_of(&asked), Bytes::from(fs::read(&asked).unwrap()));
    let Ok(inbound) = inbound::parse(format, &body) else { return };
    if inbound.errand.is_some() {
        return;
    }
    let envelope = Envelope::parse(inbound.operation, &inbound.body).expect("an envelope");
    let ask = Ask {
        operation: inbound.operation,
        body: &inbound.body,
        envelope: &envelope,
        original: Some((format, &body)),
        model: "upstream-model",
        request_id: "req-1",
        headers: &[],
    };
    let timing = MockTiming { chunk_delay: Duration::ZERO };
    let prepared = adapters::prepare(&endpoint(Provider::Ollama), &ask, timing).expect("a call");
    let Call::Http(call) = prepared.call else { panic!("a call over the network") };
    let public = Value::from(inbound.model.expect("fixtures name a model")).to_string();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(call.body, body.replacen(&public, "\"upstream-model\"", 1));
}

#[rstest]
fn an_answer_is_ollamas(#[files("../tests/fixtures/ollama_client/*/upstream.sse")] upstream: PathBuf) {
    let deltas = read(Provider::Openai, &fs::read(&upstream).unwrap());
    for (name, format) in [("chat", ClientFormat::OllamaChat), ("generate", ClientFormat::OllamaGenerate)] {
        let whole = adapters::renderer(format, context()).whole(&ChatAnswer::of(deltas.clone()), timing());
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        let whole = serde_json::to_string_pretty(&whole).unwrap();
        let streamed = streamed(format, deltas.clone());
        assert_golden(&upstream, &format!("answer_{name}"), &format!("{streamed}\n{whole}"));
    }
}

#[rstest]
fn what_is_written_for_ollamas_clients_says_what_the_vendor_said(
    #[files("../tests/fixtures/*/*/stream.[sn][sd]*")] stream: PathBuf,
) {
    let scenario = Scenario::of(&stream);
    let (deltas, end) = scenario.read(&[&scenario.stream()]);
    if end.is_err() {
        return;
    }
    let expected = ChatAnswer::of(deltas.clone());
    let lines = streamed(ClientFormat::OllamaChat, deltas);
    assert_eq!(lines.split(LINE_ENDS).count(), lines.matches('\n').count() + 1, "a line ends in its middle");
    assert_same(&ChatAnswer::of(read(Provider::Ollama, lines.as_bytes())), &expected);
    let whole = adapters::renderer(ClientFormat::OllamaChat, context()).whole(&expected, timing());
    let read = adapters::answer(&endpoint(Provider::Ollama), &Expect::default(), &whole);
    assert_same(&ChatAnswer::of(read.expect("an answer")), &expected);
}

/// What Ollama's form can say of an answer: its first choice, refusals as text, an end without calls and
/// filters.
fn assert_same(read: &ChatAnswer, expected: &ChatAnswer) {
    let none = Choice::default();
    let read_choice = read.choices.first().unwrap_or(&none);
    let choice = expected.choices.first().unwrap_or(&none);
    let text = [&choice.text, &choice.refusal].map(|text| text.as_deref().unwrap_or_default()).concat();
    assert_eq!(read_choice.text.as_deref().unwrap_or_default(), text);
    assert_eq!(read_choice.reasoning, choice.reasoning);
    assert_eq!(calls(read_choice), calls(choice));
    assert_eq!(read_choice.logprobs, choice.logprobs);
    let finish = match choice.finish {
        Some(FinishReason::Length) => FinishReason::Length,
        _ if !choice.tool_calls.is_empty() => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    };
    assert_eq!(read_choice.finish, Some(finish));
    if let Some(usage) = expected.usage {
        let read = read.usage.expect("usage");
        let cached = |tokens: llm_proxy::domain::usage::Tokens| tokens.prompt_tokens_details.cached_tokens;
        assert_eq!(
            (read.prompt_tokens, read.completion_tokens, cached(read)),
            (usage.prompt_tokens, usage.completion_tokens, cached(usage))
        );
    }
}

/// Id, name and arguments of each call; arguments that are no object as they are wrapped.
fn calls(choice: &Choice) -> Vec<(String, String, Value)> {
    let arguments = |text: &str| match serde_json::from_str(text) {
        _ if text.trim().is_empty() => json!({}),
        Ok(Value::Object(arguments)) => Value::Object(arguments),
        _ => json!({"_raw_arguments": text}),
    };
    let calls = choice.tool_calls.iter();
    calls.map(|call| (call.id.clone(), call.name.clone(), arguments(&call.arguments))).collect()
}

/// The body is what the engine and the adapters take.
fn assert_readable(inbound: &Inbound) {
    if inbound.errand.is_some() {
        return;
    }
    let envelope = Envelope::parse(inbound.operation, &inbound.body).expect("an envelope");
    assert_eq!((&envelope.model, envelope.stream), (&inbound.model, inbound.stream));
    match inbound.operation {
        Operation::Embeddings => drop(EmbeddingsRequest::parse(&inbound.body).expect("a request")),
        _ => drop(ChatRequest::parse(&inbound.body).expect("a request")),
    }
}

fn described(inbound: &Inbound) -> String {
    let body: Value = serde_json::from_slice(&inbound.body).unwrap_or_default();
    format!(
        "model: {:?}\noperation: {:?}\nstream: {}\nerrand: {:?}\ndropped: {:?}\nollama only: {:?}\n\n{}",
        inbound.model,
        inbound.operation,
        inbound.stream,
        inbound.errand,
        inbound.dropped,
        inbound.ollama_only.as_ref().map(llm_proxy::error::Error::message),
        serde_json::to_string_pretty(&body).unwrap(),
    )
}

fn streamed(format: ClientFormat, mut deltas: Vec<Delta>) -> String {
    let (mut renderer, mut out) = (adapters::renderer(format, context()), Vec::new());
    renderer.deltas(&mut deltas, &mut out);
    renderer.complete(timing(), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn read(provider: Provider, stream: &[u8]) -> Vec<Delta> {
    let mut reader = Reader::new(&endpoint(provider), &Expect::default());
    let mut deltas = Vec::new();
    let flow = reader.push(Bytes::copy_from_slice(stream), &mut deltas);
    assert_eq!(flow, Ok(Flow::Complete));
    deltas
}

fn format_of(asked: &Path) -> ClientFormat {
    match asked.file_stem().and_then(|stem| stem.to_str()) {
        Some("asked_chat") => ClientFormat::OllamaChat,
        Some("asked_generate") => ClientFormat::OllamaGenerate,
        Some("asked_embed") => ClientFormat::OllamaEmbed,
        Some("asked_embeddings") => ClientFormat::OllamaEmbeddings,
        other => panic!("no path of Ollama's: {other:?}"),
    }
}

fn endpoint(provider: Provider) -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    Endpoint::new(provider.name(), provider, "http://vendor.test".parse().unwrap(), deadlines)
}

fn context() -> RenderContext {
    RenderContext {
        request_id: "req-1".to_owned(),
        model: "public-model".to_owned(),
        received: Duration::new(1_700_000_000, 123_456_789),
        include_usage: false,
        prompt_bytes: 40,
    }
}

fn timing() -> Timing {
    Timing { first_token: Duration::from_millis(200), total: Duration::from_millis(700) }
}

/// Compares with the golden in the scenario's folder.
fn assert_golden(file: &Path, name: &str, text: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(file.parent().unwrap());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
