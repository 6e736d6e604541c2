use super::*;
use crate::adapters::testing::endpoint;
use crate::domain::delta::ChatAnswer;
use crate::domain::endpoint::Provider;
use rstest::rstest;
use serde_json::json;

fn read(events: &[&str]) -> (Vec<Delta>, Result<Flow>) {
    let mut stream = Stream::new(&endpoint(Provider::Openai, "http://openai"));
    let mut deltas = Vec::new();
    for event in events {
        match stream.on_event(Event::Data { name: None, data: event.as_bytes() }, &mut deltas) {
            Ok(Flow::More) => {}
            end => return (deltas, end),
        }
    }
    let end = stream.on_event(Event::Eof, &mut deltas);
    (deltas, end)
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

#[rstest]
#[case::an_error(r#"{"error":{"message":"boom"}}"#, Kind::UpstreamFailure)]
#[case::no_json("{", Kind::MalformedAnswer)]
fn a_broken_stream_is_an_error(#[case] event: &str, #[case] kind: Kind) {
    assert_eq!(read(&[event]).1.expect_err("broken").kind(), kind);
}
