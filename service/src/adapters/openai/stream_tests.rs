use super::*;
use crate::adapters::testing;
use crate::domain::delta::ChatAnswer;
use crate::domain::endpoint::Provider;
use rstest::rstest;
use serde_json::{Value, json};

fn read(events: &[&str]) -> (Vec<Delta>, Result<Flow>) {
    let expect = Expect { request_id: "r-1".to_owned(), json_tool: None };
    testing::read(Stream::new(&testing::endpoint(Provider::Openai, "http://openai"), &expect), events)
}

fn calls(pieces: &[Value]) -> Vec<(String, String, String)> {
    let events: Vec<String> = pieces
        .iter()
        .map(|call| json!({"choices": [{"delta": {"tool_calls": [call]}}]}).to_string())
        .collect();
    let (deltas, _) = read(&events.iter().map(String::as_str).collect::<Vec<_>>());
    let answer = ChatAnswer::of(deltas);
    let calls = answer.choices.into_iter().flat_map(|choice| choice.tool_calls);
    calls.map(|call| (call.id, call.name, call.arguments)).collect()
}

fn piece(index: Option<u32>, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[rstest]
#[case::as_openai_does(&[piece(Some(0), Some("a"), Some("f"), ""), piece(Some(0), None, None, "{\"x\":"),
    piece(Some(1), Some("b"), Some("g"), "{}"), piece(Some(0), None, None, "1}")])]
#[case::id_and_name_with_every_piece(&[piece(Some(0), Some("a"), Some("f"), "{\"x\":"),
    piece(Some(0), Some("a"), Some("f"), "1}"), piece(Some(1), Some("b"), Some("g"), "{}")])]
#[case::every_call_numbered_0(&[piece(Some(0), Some("a"), Some("f"), "{\"x\":1}"),
    piece(Some(0), Some("b"), Some("g"), "{}")])]
#[case::no_index(&[piece(None, Some("a"), Some("f"), "{\"x\":"), piece(None, None, None, "1}"),
    piece(None, Some("b"), Some("g"), "{}")])]
fn the_pieces_of_calls_find_together(#[case] pieces: &[Value]) {
    let expected = [("a", "f", "{\"x\":1}"), ("b", "g", "{}")];
    let expected = expected.map(|(id, name, json)| (id.to_owned(), name.to_owned(), json.to_owned()));
    assert_eq!(calls(pieces), expected);
}

#[test]
fn only_done_makes_a_stream_complete() {
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(read(&[chunk]).1, Ok(Flow::More));
    assert_eq!(read(&[chunk, "[DONE]"]).1, Ok(Flow::Complete));
}

fn said(deltas: &[Value]) -> ChatAnswer {
    let chunk = |delta: &Value| json!({"choices": [{"index": 0, "delta": delta}]}).to_string();
    let events: Vec<String> = deltas.iter().map(chunk).collect();
    ChatAnswer::of(read(&events.iter().map(String::as_str).collect::<Vec<_>>()).0)
}

#[test]
fn a_call_without_an_id_gets_one_that_lasts() {
    let pieces = [piece(Some(0), None, Some("f"), "{"), piece(Some(0), None, None, "}")];
    assert_eq!(calls(&pieces), [("call_r-1_0_0".to_owned(), "f".to_owned(), "{}".to_owned())]);
}

#[test]
fn a_function_call_is_a_call() {
    let answer = said(&[
        json!({"function_call": {"name": "f", "arguments": "{"}}),
        json!({"function_call": {"arguments": "}"}}),
    ]);
    let call = &answer.choices[0].tool_calls[0];
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("f", "{}"));
}

#[rstest]
#[case::under_one_name(&[json!({"reasoning": "a"}), json!({"reasoning": "a"})])]
#[case::under_both(&[json!({"reasoning": "a", "reasoning_content": "a"}), json!({"reasoning": "a"})])]
#[case::in_details(&[json!({"reasoning_details": [{"type": "reasoning.text", "text": "a"}]}),
    json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "a"}]})])]
fn a_thought_is_told_once_and_a_repeated_one_twice(#[case] deltas: &[Value]) {
    assert_eq!(said(deltas).choices[0].reasoning.as_deref(), Some("aa"));
}

#[rstest]
#[case::parts(json!({"content": [{"type": "text", "text": "a"}]}))]
#[case::aloud(json!({"audio": {"id": "x", "data": "UklG", "transcript": "a"}}))]
fn text_is_read_in_every_form(#[case] delta: Value) {
    assert_eq!(said(&[delta]).choices[0].text.as_deref(), Some("a"));
}

#[test]
fn all_that_was_said_so_far_is_not_said_again() {
    let (deltas, _) = read(&[r#"{"choices":[{"delta":{"content":"b"},"message":{"content":"ab"}}]}"#]);
    assert_eq!(ChatAnswer::of(deltas).choices[0].text.as_deref(), Some("b"));
}

#[test]
fn an_answer_is_named_by_the_first_chunk_that_has_a_name() {
    let (deltas, _) = read(&[
        r#"{"id":"","model":"","choices":[],"prompt_filter_results":[]}"#,
        r#"{"id":"a","model":"m","choices":[]}"#,
        r#"{"id":"b","model":"m","choices":[]}"#,
    ]);
    assert_eq!(deltas, [Delta::Start { id: Some("a".to_owned()), model: Some("m".to_owned()) }]);
}

#[test]
fn the_last_count_holds_and_zeros_are_none() {
    let counted = |prompt: u64, completion: u64| {
        json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})
            .to_string()
    };
    let (deltas, _) = read(&[&counted(3, 1), &counted(3, 2), &counted(0, 0)]);
    let usage = ChatAnswer::of(deltas).usage;
    assert_eq!(usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens)), Some((3, 2)));
}

#[rstest]
#[case::an_end_that_is_a_failure(r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"error"}]}"#)]
#[case::an_error_in_a_choice(
    r#"{"choices":[{"delta":{"content":"a"},"error":{"code":502,"message":"gone"}}]}"#
)]
fn what_a_failing_chunk_says_counts(#[case] chunk: &str) {
    let (deltas, end) = read(&[chunk]);
    assert_eq!(ChatAnswer::of(deltas).choices[0].text.as_deref(), Some("a"));
    assert_eq!(end.expect_err("a failure").kind(), Kind::UpstreamFailure);
}

#[rstest]
#[case::known("eos", None)]
#[case::unknown("repetition", Some("repetition"))]
fn a_reason_that_openai_does_not_have_is_kept(#[case] reason: &str, #[case] native: Option<&str>) {
    let chunk = json!({"choices": [{"delta": {}, "finish_reason": reason}]}).to_string();
    assert_eq!(ChatAnswer::of(read(&[&chunk]).0).choices[0].native_finish.as_deref(), native);
}

#[rstest]
#[case::an_error(r#"{"error":{"message":"boom"}}"#, Kind::UpstreamFailure)]
#[case::no_json("{", Kind::MalformedAnswer)]
fn a_broken_stream_is_an_error(#[case] event: &str, #[case] kind: Kind) {
    assert_eq!(read(&[event]).1.expect_err("broken").kind(), kind);
}
