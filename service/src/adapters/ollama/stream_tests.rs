use super::*;
use crate::adapters::testing;
use crate::domain::delta::ChatAnswer;
use crate::domain::endpoint::Provider;
use crate::error::Kind;
use rstest::rstest;

fn read(lines: &[&str]) -> (ChatAnswer, Result<Flow>) {
    let endpoint = testing::endpoint(Provider::Ollama, "http://ollama");
    let expect = Expect { request_id: "r-1".to_owned(), json_tool: None };
    let (deltas, end) = testing::read(Stream::new(&endpoint, &expect), lines);
    (ChatAnswer::of(deltas), end)
}

fn call(id: &str, arguments: &str) -> String {
    format!(
        r#"{{"message":{{"tool_calls":[{{{id}"function":{{"index":0,"name":"f","arguments":{arguments}}}}}]}}}}"#
    )
}

#[test]
fn calls_in_several_lines_are_several_calls_although_all_are_numbered_0() {
    let (first, second) = (call("", "{}"), call("\"id\":\"call_x\",", "{\"a\":1}"));
    let (answer, end) = read(&[&first, &second, r#"{"done":true,"done_reason":"stop"}"#]);
    assert_eq!(end, Ok(Flow::Complete));
    let ids: Vec<&str> = answer.choices[0].tool_calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["call_r-1_0", "call_x"]);
    assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolCalls));
}

#[rstest]
#[case::an_object(r#"{"a":1.10,"b":12345678901234567890123}"#, r#"{"a":1.10,"b":12345678901234567890123}"#)]
#[case::a_text(r#""{\"a\":1}""#, r#"{"a":1}"#)]
#[case::nothing("null", "{}")]
#[case::an_empty_text("\"\"", "{}")]
fn arguments_keep_every_digit(#[case] sent: &str, #[case] expected: &str) {
    let (answer, _) = read(&[&call("", sent)]);
    assert_eq!(answer.choices[0].tool_calls[0].arguments, expected);
}

#[rstest]
#[case::stop("stop", FinishReason::Stop, None)]
#[case::length("length", FinishReason::Length, None)]
#[case::load("load", FinishReason::Stop, Some("load"))]
#[case::unload("unload", FinishReason::Stop, Some("unload"))]
fn a_reason_is_mapped(#[case] reason: &str, #[case] expected: FinishReason, #[case] native: Option<&str>) {
    let (answer, end) = read(&[&format!(r#"{{"done":true,"done_reason":"{reason}"}}"#)]);
    assert_eq!(end, Ok(Flow::Complete));
    let choice = &answer.choices[0];
    assert_eq!((choice.finish, choice.native_finish.as_deref()), (Some(expected), native));
}

#[test]
fn an_answer_that_is_full_says_so_although_it_calls_something() {
    let (answer, _) = read(&[&call("", "{}"), r#"{"done":true,"done_reason":"length"}"#]);
    assert_eq!(answer.choices[0].finish, Some(FinishReason::Length));
}

#[rstest]
#[case::all(r#""prompt_eval_count":9,"prompt_eval_cached_count":4,"eval_count":2"#, Some((9, 4, 2)))]
#[case::cached_by_an_older_server(r#""eval_count":2"#, Some((0, 0, 2)))]
#[case::more_cached_than_there_is(r#""prompt_eval_count":9,"prompt_eval_cached_count":99"#, Some((9, 9, 0)))]
#[case::nothing(r#""total_duration":1"#, None)]
fn usage_is_in_the_last_line(#[case] counts: &str, #[case] expected: Option<(u64, u64, u64)>) {
    let (answer, _) = read(&[&format!(r#"{{"done":true,{counts}}}"#)]);
    let counted = |usage: Tokens| {
        (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens)
    };
    assert_eq!(answer.usage.map(counted), expected);
}

#[rstest]
#[case::an_error(r#"{"error":"boom"}"#, Kind::UpstreamFailure)]
#[case::no_json("{", Kind::MalformedAnswer)]
#[case::no_object("[1]", Kind::MalformedAnswer)]
#[case::another_type(r#"{"message":{"content":1}}"#, Kind::MalformedAnswer)]
fn a_broken_stream_is_an_error(#[case] line: &str, #[case] kind: Kind) {
    assert_eq!(read(&[line]).1.expect_err("broken").kind(), kind);
}

#[test]
fn without_done_an_answer_is_not_whole() {
    assert_eq!(read(&[r#"{"message":{"content":"a"},"done":false}"#]).1, Ok(Flow::More));
}

#[test]
fn images_keep_their_bytes() {
    let (answer, _) = read(&[r#"{"message":{"images":["iVBORw0KGgo="]}}"#]);
    let url = &answer.choices[0].extra["images"][0]["image_url"]["url"];
    assert_eq!(url, "data:image/png;base64,iVBORw0KGgo=");
}
