use super::*;
use crate::adapters::testing;
use crate::domain::endpoint::Provider;
use crate::error::Kind;
use rstest::rstest;

const TEXT: &str = r#"{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}]}"#;
const END: &str = r#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP","index":0}]}"#;
const END_OF_ANOTHER: &str = r#"{"candidates":[{"finishReason":"STOP","index":1}]}"#;
const BLOCKED: &str = r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#;
const ONLY_USAGE: &str = r#"{"usageMetadata":{"promptTokenCount":4}}"#;

fn read(events: &[&str]) -> (Vec<Delta>, Result<Flow>) {
    let expect = Expect { request_id: "r-1".to_owned(), json_tool: None };
    testing::read(Stream::new(&testing::endpoint(Provider::Gemini, "http://gemini"), &expect), events)
}

#[rstest]
#[case::nothing(&[], Flow::More)]
#[case::no_candidate(&[ONLY_USAGE], Flow::More)]
#[case::no_reason(&[TEXT], Flow::More)]
#[case::one_of_two(&[TEXT, END_OF_ANOTHER], Flow::More)]
#[case::a_reason(&[TEXT, END], Flow::Complete)]
#[case::two_of_two(&[TEXT, END_OF_ANOTHER, END], Flow::Complete)]
#[case::a_blocked_prompt(&[BLOCKED], Flow::Complete)]
fn a_stream_is_whole_when_every_candidate_has_ended(#[case] events: &[&str], #[case] expected: Flow) {
    assert_eq!(read(events).1, Ok(expected));
}

#[rstest]
#[case::an_object(r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#, Kind::UpstreamFailure)]
#[case::an_array(
    r#"[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]"#,
    Kind::RateLimited
)]
#[case::without_a_code(r#"{"error":{"message":"boom"}}"#, Kind::UpstreamFailure)]
#[case::another_form(r#"{"error":"boom"}"#, Kind::UpstreamFailure)]
#[case::no_json("{", Kind::MalformedAnswer)]
#[case::another_type(r#"{"candidates":7}"#, Kind::MalformedAnswer)]
fn a_broken_stream_is_an_error_and_keeps_what_came_before(#[case] event: &str, #[case] kind: Kind) {
    let (deltas, end) = read(&[TEXT, event]);
    assert_eq!(end.expect_err("broken").kind(), kind);
    assert_eq!(deltas.last(), Some(&Delta::Text { choice: 0, text: "a".to_owned() }));
}

#[test]
fn a_part_of_an_unknown_kind_is_kept_as_it_is() {
    let part = r#"{"executableCode":{"language":"PYTHON","code":"print(1)"},"thoughtSignature":"c2ln"}"#;
    let event = format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}}}}]}}"#);
    let kept: serde_json::Value = serde_json::from_str(&format!("[{part}]")).expect("JSON");
    let (deltas, _) = read(&[&event]);
    assert_eq!(deltas.last(), Some(&Delta::Extra { choice: 0, name: "parts", value: kept }));
}

#[test]
fn a_count_of_nothing_is_no_count() {
    let zeros = r#"{"usageMetadata":{"promptTokenCount":0,"candidatesTokenCount":0,"totalTokenCount":0}}"#;
    let (deltas, _) = read(&[TEXT, zeros]);
    assert!(!deltas.iter().any(|delta| matches!(delta, Delta::Usage(_))), "{deltas:?}");
}
