use super::*;
use crate::adapters::testing;
use crate::domain::delta::{ChatAnswer, FinishReason};
use crate::domain::endpoint::Provider;
use rstest::rstest;
use serde_json::json;

fn read(events: &[&str], json_tool: Option<&'static str>) -> (Vec<Delta>, Result<Flow>) {
    let endpoint = testing::endpoint(Provider::Anthropic, "https://api.anthropic.com");
    let mut stream = Stream::new(&endpoint, &Expect { json_tool, ..Expect::default() });
    let mut deltas = Vec::new();
    let mut flow = Ok(Flow::More);
    for data in events {
        flow = stream.on_event(Event::Data { name: None, data: data.as_bytes() }, &mut deltas);
    }
    (deltas, flow)
}

const STOPPED: &str = r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#;

#[rstest]
#[case::not_json("{")]
#[case::no_type("{}")]
#[case::a_list("[]")]
#[case::a_block_without_a_type(r#"{"type":"content_block_start","index":0,"content_block":{}}"#)]
#[case::a_call_without_a_name(
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x"}}"#
)]
#[case::arguments_of_nothing(
    r#"{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{"}}"#
)]
#[case::an_end_without_a_reason(r#"{"type":"message_stop"}"#)]
fn what_is_no_stream_of_anthropics_is_malformed(#[case] data: &str) {
    let (_, flow) = read(&[data], None);
    assert_eq!(flow.expect_err("malformed").kind(), Kind::MalformedAnswer);
}

#[test]
fn events_that_are_still_to_be_invented_are_let_pass() {
    let (deltas, flow) = read(&[r#"{"type":"ping"}"#, r#"{"type":"weather_report","index":0}"#], None);
    assert_eq!((deltas, flow), (vec![], Ok(Flow::More)));
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"now","input":{}}}"#;
    let empty =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#;
    let (deltas, _) = read(&[start, empty, STOPPED], None);
    let answer = ChatAnswer::of(deltas);
    assert_eq!(answer.choices[0].tool_calls[0].arguments, "{}");
}

#[test]
fn arguments_of_the_answers_own_tool_are_its_text() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"answer","input":{}}}"#;
    let piece = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#;
    let (deltas, _) = read(&[start, piece, STOPPED], Some("answer"));
    let answer = ChatAnswer::of(deltas);
    assert_eq!(answer.choices[0].text.as_deref(), Some("{\"a\":1}"));
    assert!(answer.choices[0].tool_calls.is_empty());
    assert_eq!(answer.choices[0].finish, Some(FinishReason::Stop));
}

#[test]
fn a_kind_of_block_that_is_not_known_comes_out_whole() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"poem","words":"Ro"}}"#;
    let piece =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"poem_delta","words":"ses","metre":5}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let (deltas, _) = read(&[start, piece, stop], None);
    let value = json!([{"type": "poem", "words": "Roses", "metre": 5}]);
    assert_eq!(deltas, [Delta::Extra { choice: 0, name: "content_blocks", value }]);
}

#[test]
fn what_a_server_called_keeps_its_input() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#;
    let piece = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"x\"}"}}"#;
    let (deltas, _) = read(&[start, piece, r#"{"type":"content_block_stop","index":0}"#], None);
    let value = json!([{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
        "input": {"query": "x"}}]);
    assert_eq!(deltas, [Delta::Extra { choice: 0, name: "content_blocks", value }]);
}
