use std::time::Duration;

use super::*;
use crate::adapters::ollama::errand::Errand;
use crate::domain::delta::FinishReason;
use crate::error::{Error, Kind};
use rstest::rstest;

fn renderer(format: ClientFormat) -> Renderer {
    let context = RenderContext {
        request_id: "r-1".to_owned(),
        model: "public".to_owned(),
        received: Duration::new(1_700_000_000, 5),
        include_usage: false,
        prompt_bytes: 9,
    };
    Renderer::new(format, context)
}

fn timing() -> Timing {
    Timing { first_token: Duration::from_millis(20), total: Duration::from_millis(50) }
}

fn call(index: u32, pieces: &[&str]) -> Vec<Delta> {
    let (id, name) = (format!("c{index}"), format!("f{index}"));
    let mut deltas = vec![Delta::ToolCall { choice: 0, index, id, name, extra: Map::new() }];
    deltas.extend(pieces.iter().map(|json| Delta::Arguments { choice: 0, index, json: (*json).to_owned() }));
    deltas
}

fn text(text: &str) -> Delta {
    Delta::Text { choice: 0, text: text.to_owned() }
}

fn finish(reason: FinishReason) -> Delta {
    Delta::Finish { choice: 0, reason, native: None }
}

fn streamed(format: ClientFormat, deltas: Vec<Delta>) -> Vec<Value> {
    let (mut renderer, mut out) = (renderer(format), Vec::new());
    for delta in deltas {
        renderer.deltas(&mut vec![delta], &mut out);
    }
    renderer.complete(timing(), &mut out);
    let out = String::from_utf8(out).expect("UTF-8");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn whole(format: ClientFormat, deltas: Vec<Delta>) -> Value {
    let whole = renderer(format).whole(&ChatAnswer::of(deltas), timing());
    serde_json::from_slice(&whole).expect("JSON")
}

#[test]
fn a_stream_is_ollamas() {
    let thought = Delta::Reasoning { choice: 0, text: "hm".to_owned() };
    let mut deltas =
        vec![thought, text("a \"b\"\n"), finish(FinishReason::Stop), Delta::Usage(Tokens::of(3, 4))];
    let (mut renderer, mut out) = (renderer(ClientFormat::OllamaChat), Vec::new());
    renderer.deltas(&mut deltas, &mut out);
    renderer.complete(timing(), &mut out);
    let head = r#"{"model":"public","created_at":"2023-11-14T22:13:20.000000005Z","message":{"role":"assistant","content":"#;
    let expected = [
        r#""","thinking":"hm"},"done":false}"#,
        r#""a \"b\"\n"},"done":false}"#,
        r#"""},"done":true,"done_reason":"stop","total_duration":50000000,"load_duration":0,"prompt_eval_count":3,"prompt_eval_duration":20000000,"eval_count":4,"eval_duration":30000000}"#,
    ];
    let expected: String = expected.iter().map(|rest| format!("{head}{rest}\n")).collect();
    assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
}

#[test]
fn generate_has_no_message_around_its_text() {
    let lines = streamed(ClientFormat::OllamaGenerate, vec![text("a"), finish(FinishReason::Length)]);
    assert_eq!((&lines[0]["response"], lines[0].get("message")), (&json!("a"), None));
    assert_eq!((&lines[1]["response"], &lines[1]["done_reason"]), (&json!(""), &json!("length")));
}

#[test]
fn calls_come_whole_and_in_order_however_their_pieces_come() {
    let mut deltas = call(0, &["{\"a\": ", "1.10}"]);
    deltas.extend(call(1, &[]));
    deltas.push(Delta::Arguments { choice: 0, index: 0, json: " ".to_owned() });
    deltas.push(finish(FinishReason::ToolCalls));
    let lines = streamed(ClientFormat::OllamaChat, deltas);
    let expected = json!([
        {"id": "c0", "function": {"index": 0, "name": "f0", "arguments": {"a": 1.10}}},
        {"id": "c1", "function": {"index": 1, "name": "f1", "arguments": {}}},
    ]);
    assert_eq!(lines[0]["message"]["tool_calls"], expected);
    assert_eq!((lines.len(), &lines[1]["done_reason"]), (2, &json!("stop")));
}

#[test]
fn calls_of_an_answer_without_a_finish_are_not_lost() {
    let lines = streamed(ClientFormat::OllamaChat, call(0, &["{}"]));
    assert_eq!(lines[0]["message"]["tool_calls"][0]["id"], "c0");
    assert_eq!(lines[1]["done"], true);
}

#[rstest]
#[case::cut("{\"a\":", json!({"_raw_arguments": "{\"a\":"}))]
#[case::a_list("[1]", json!({"_raw_arguments": "[1]"}))]
#[case::nothing("", json!({}))]
fn arguments_that_are_no_object_are_not_lost(#[case] text: &str, #[case] expected: Value) {
    let lines = streamed(ClientFormat::OllamaChat, call(0, &[text]));
    assert_eq!(lines[0]["message"]["tool_calls"][0]["function"]["arguments"], expected);
}

#[test]
fn arguments_keep_their_digits_and_stay_on_one_line() {
    let (mut renderer, mut out) = (renderer(ClientFormat::OllamaChat), Vec::new());
    renderer.deltas(&mut call(0, &["{\n  \"a\": 1.10,\n  \"b\": 12345678901234567890123\n}"]), &mut out);
    renderer.complete(timing(), &mut out);
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(out.contains(r#""arguments":{"a":1.10,"b":12345678901234567890123}"#), "{out}");
    assert_eq!(out.lines().count(), 2);
}

#[test]
fn a_failure_is_a_line_of_its_own() {
    let error = Error::new(Kind::Truncated, "cut\u{2028}off");
    let line = crate::adapters::error_event(ClientFormat::OllamaChat, &error);
    assert_eq!(line, b"{\"error\":\"cut\\u2028off\"}\n");
}

#[test]
fn a_whole_answer_says_what_the_stream_says() {
    let mut deltas = vec![
        Delta::Reasoning { choice: 0, text: "hm".to_owned() },
        text("a"),
        Delta::Logprobs { choice: 0, tokens: vec![json!({"token": "a", "logprob": -0.5})] },
        Delta::Extra { choice: 0, name: "thinking_blocks", value: json!([{"signature": "s"}]) },
    ];
    deltas.extend(call(0, &["{}"]));
    deltas.push(finish(FinishReason::ToolCalls));
    let whole = whole(ClientFormat::OllamaChat, deltas.clone());
    let lines = streamed(ClientFormat::OllamaChat, deltas);
    for member in ["thinking", "tool_calls", "thinking_blocks"] {
        let told: Vec<&Value> = lines.iter().filter_map(|line| line["message"].get(member)).collect();
        assert_eq!(told, [&whole["message"][member]], "{member}");
    }
    assert_eq!(whole["message"]["content"], "a");
    assert_eq!(lines[2]["logprobs"], whole["logprobs"]);
    for member in ["done", "done_reason", "total_duration", "prompt_eval_count", "eval_count"] {
        assert_eq!(lines[5][member], whole[member], "{member}");
    }
}

#[test]
fn what_is_not_reported_is_estimated() {
    let whole = whole(ClientFormat::OllamaChat, vec![text("12345")]);
    assert_eq!((&whole["prompt_eval_count"], &whole["eval_count"]), (&json!(3), &json!(2)));
}

#[test]
fn cached_tokens_are_told_where_there_are_any() {
    let mut tokens = Tokens::of(9, 1);
    tokens.prompt_tokens_details.cached_tokens = 4;
    let whole = whole(ClientFormat::OllamaChat, vec![Delta::Usage(tokens)]);
    assert_eq!((&whole["prompt_eval_count"], &whole["prompt_eval_cached_count"]), (&json!(9), &json!(4)));
}

#[rstest]
#[case::stop(FinishReason::Stop, "stop")]
#[case::calls(FinishReason::ToolCalls, "stop")]
#[case::length(FinishReason::Length, "length")]
#[case::a_filter(FinishReason::ContentFilter, "content_filter")]
fn an_end_has_a_reason(#[case] reason: FinishReason, #[case] expected: &str) {
    assert_eq!(whole(ClientFormat::OllamaChat, vec![finish(reason)])["done_reason"], expected);
}

#[rstest]
#[case::at_once(0, 0, 1)]
#[case::in_one_piece(7, 7, 7)]
#[case::in_pieces(3, 7, 4)]
fn clients_can_divide_by_the_time_that_an_answer_took(
    #[case] first: u64,
    #[case] total: u64,
    #[case] expected: u64,
) {
    let timing = Timing { first_token: Duration::from_nanos(first), total: Duration::from_nanos(total) };
    assert_eq!(nanoseconds(eval_duration(timing)), expected);
}

#[test]
fn images_are_bare_base64() {
    let url = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]);
    let deltas = vec![Delta::Extra { choice: 0, name: "images", value: url }];
    assert_eq!(whole(ClientFormat::OllamaChat, deltas)["message"]["images"], json!(["iVBORw0KGgo="]));
}

#[test]
fn a_second_answer_is_not_mixed_into_the_first() {
    let lines =
        streamed(ClientFormat::OllamaChat, vec![text("a"), Delta::Text { choice: 1, text: "b".to_owned() }]);
    assert_eq!((lines.len(), &lines[0]["message"]["content"]), (2, &json!("a")));
}

#[test]
fn vectors_are_ollamas_in_either_form() {
    let vectors = vec![vec![0.1, -1.0], vec![2.0, 3.0]];
    let embeddings = Embeddings { model: None, vectors, usage: Some(Tokens::of(5, 0)) };
    let body = renderer(ClientFormat::OllamaEmbed).embeddings(&embeddings, Encoding::Base64, timing());
    assert_eq!(
        String::from_utf8(body).expect("UTF-8"),
        r#"{"model":"public","embeddings":[[0.1,-1.0],[2.0,3.0]],"total_duration":50000000,"load_duration":0,"prompt_eval_count":5}"#
    );
    let body = renderer(ClientFormat::OllamaEmbeddings).embeddings(&embeddings, Encoding::Float, timing());
    assert_eq!(body, br#"{"embedding":[0.1,-1.0]}"#);
}

#[rstest]
#[case::chat(
    ClientFormat::OllamaChat,
    r#"{"model":"m","created_at":"1970-01-01T00:00:00.000000000Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#
)]
#[case::generate(
    ClientFormat::OllamaGenerate,
    r#"{"model":"m","created_at":"1970-01-01T00:00:00.000000000Z","response":"","done":true,"done_reason":"load"}"#
)]
#[case::embed(ClientFormat::OllamaEmbed, r#"{"model":"m","embeddings":[]}"#)]
#[case::embeddings(ClientFormat::OllamaEmbeddings, r#"{"embedding":[]}"#)]
fn an_errand_is_answered_without_a_model(#[case] format: ClientFormat, #[case] expected: &str) {
    let body = Errand::Load.answer(format, "m", Duration::ZERO);
    assert_eq!(String::from_utf8(body).expect("UTF-8"), expected);
}
