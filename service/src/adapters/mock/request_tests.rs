use super::*;
use crate::adapters::testing::endpoint;
use crate::domain::endpoint::Provider;
use crate::domain::envelope::Envelope;
use rstest::rstest;

fn script_for(operation: Operation, body: &Value) -> Script {
    let body = Bytes::from(body.to_string());
    let envelope = Envelope::parse(operation, &body).expect("an envelope");
    let ask = Ask {
        operation,
        body: &body,
        envelope: &envelope,
        original: None,
        model: "mock",
        request_id: "r-1",
        headers: &[],
    };
    let timing = MockTiming { chunk_delay: Duration::ZERO };
    let prepared = prepare(&endpoint(Provider::Mock, "http://mock"), &ask, timing).expect("a script");
    let Call::Script(script) = prepared.call else { panic!("{prepared:?}") };
    script
}

fn chat(mock_response: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": "hi"}], "mock_response": mock_response})
}

fn sent(script: &Script) -> Vec<Value> {
    let steps = script.steps.iter().filter_map(|step| match step {
        Step::Send(bytes) => {
            let bytes = bytes.strip_prefix(b"data: ").unwrap_or(bytes);
            serde_json::from_slice(bytes).ok()
        }
        _ => None,
    });
    steps.collect()
}

#[rstest]
#[case::a_text(json!("This is a mock."), "This is a mock.")]
#[case::an_empty_text(json!(""), "")]
#[case::no_text(json!({"choices": []}), "You said: hi")]
#[case::null(Value::Null, "You said: hi")]
fn a_mock_response_is_said_in_place_of_the_echo(#[case] response: Value, #[case] expected: &str) {
    let sent = sent(&script_for(Operation::Chat, &chat(&response)));
    assert_eq!(sent[0]["choices"][0]["message"]["content"], expected);
}

#[test]
fn a_mock_response_is_said_whatever_tools_are_demanded() {
    let mut request = chat(&json!("no"));
    request["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
    request["tool_choice"] = json!("required");
    let sent = sent(&script_for(Operation::Chat, &request));
    assert_eq!(sent[0]["choices"][0]["message"]["content"], "no");
}

#[test]
fn a_mock_response_is_streamed_in_words() {
    let mut request = chat(&json!("one two"));
    request["stream"] = json!(true);
    let sent = sent(&script_for(Operation::Chat, &request));
    let texts: Vec<_> =
        sent.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(texts, ["", "one", " two"]);
}

#[test]
fn a_text_completion_says_the_mock_response_too() {
    let sent = sent(&script_for(Operation::Completions, &json!({"prompt": "a", "mock_response": "b"})));
    assert_eq!(sent[0]["choices"][0]["text"], "b");
}

#[rstest]
#[case::rate("litellm.RateLimitError", 429, "rate_limit_exceeded")]
#[case::context("litellm.ContextWindowExceededError", 400, "context_length_exceeded")]
#[case::server("litellm.InternalServerError", 500, "mock_failure")]
fn the_name_of_an_exception_is_raised(#[case] name: &str, #[case] status: u16, #[case] code: &str) {
    let script = script_for(Operation::Chat, &chat(&json!(name)));
    assert_eq!((script.status, &sent(&script)[0]["error"]["code"]), (status, &json!(code)));
}
