//! Without faults it is an OpenAI-compatible server.

mod common;

use std::io::Write;

use common::*;
use llm_proxy_test_support::{Behaviour, FaultUpstream, UsageReport};
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
#[case::whole(chat_request(false))]
#[case::stream(chat_request(true))]
fn a_chat_echoes_the_last_user_message(#[case] request: Vec<u8>) {
    let upstream = FaultUpstream::start();
    let seen = exchange(&upstream, &request);
    let is_stream = request.windows(4).any(|four| four == b"true");
    let text = if is_stream {
        let data = seen.data();
        assert_eq!(data.last().unwrap(), "[DONE]");
        said(&data[..data.len() - 1])
    } else {
        seen.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(text, "echo: say it");
}

#[test]
fn a_stream_says_role_then_text_then_finish() {
    let seen = stream(Behaviour::chat("Hello there"));
    assert!(seen.head().contains("content-type: text/event-stream; charset=utf-8"));
    let data = seen.data();
    let delta = |n: usize| serde_json::from_str::<Value>(&data[n]).unwrap()["choices"][0].clone();
    assert_eq!(data.len(), 5);
    assert_eq!(delta(0)["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(delta(1)["delta"], json!({"content": "Hello "}));
    assert_eq!(delta(2)["delta"], json!({"content": "there"}));
    assert_eq!(delta(3)["delta"], json!({}));
    assert_eq!(delta(3)["finish_reason"], "stop");
    assert!(delta(2)["finish_reason"].is_null());
}

#[rstest]
#[case::when_asked_and_asked(UsageReport::WhenAsked, true, true, true)]
#[case::when_asked_and_not_asked(UsageReport::WhenAsked, false, false, false)]
#[case::never_though_asked(UsageReport::Never, true, false, false)]
#[case::always_though_not_asked(UsageReport::Always, false, true, false)]
fn a_stream_reports_usage(
    #[case] report: UsageReport,
    #[case] asked: bool,
    #[case] comes: bool,
    #[case] others_say_null: bool,
) {
    let upstream = upstream(Behaviour::chat_stream(["Hel", "lo"]).usage(report));
    let mut body = chat_json(true);
    body["stream_options"] = json!({"include_usage": asked});
    let data = exchange(&upstream, &post("/v1/chat/completions", &body)).data();
    let chunks: Vec<Value> =
        data[..data.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"] == json!([]), comes);
    if comes {
        let usage = json!({"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4});
        assert_eq!(last["usage"], usage);
    }
    assert_eq!(data[0].contains(r#""usage":null"#), others_say_null);
}

#[test]
fn a_streamed_tool_call_is_the_whole_one_in_fragments() {
    let arguments = r#"{"city":"Zürich"}"#;
    let upstream = upstream(Behaviour::tool_call("weather", arguments));
    let whole = exchange(&upstream, &chat_request(false)).json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], arguments);
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");

    let data = exchange(&upstream, &chat_request(true)).data();
    let chunks = data[..data.len() - 1].iter();
    let chunks: Vec<Value> = chunks.map(|data| serde_json::from_str(data).unwrap()).collect();
    let calls = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
    let calls: Vec<_> = calls.filter(|call| !call.is_null()).collect();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[0]["id"], "call_0");
    assert_eq!(calls[0]["function"]["name"], "weather");
    let fragments = calls.iter().map(|call| call["function"]["arguments"].as_str().unwrap());
    assert_eq!(fragments.collect::<String>(), arguments);
}

#[test]
fn n_choices_come_interleaved() {
    let upstream = FaultUpstream::start();
    let mut body = chat_json(true);
    body["n"] = 2.into();
    let data = exchange(&upstream, &post("/v1/chat/completions", &body)).data();
    let index =
        |data: &String| serde_json::from_str::<Value>(data).unwrap()["choices"][0]["index"].as_u64().unwrap();
    let indices: Vec<_> = data[..4].iter().map(index).collect();
    assert_eq!(indices, [0, 1, 0, 1]);
}

#[rstest]
#[case::models("/v1/models", "data", json!([{"id": "gpt-a", "object": "model", "created": 1_700_000_000, "owned_by": "fault-upstream"}]))]
#[case::readiness("/health/readiness", "status", json!("healthy"))]
fn probes_are_answered_even_if_the_default_fails(
    #[case] path: &str,
    #[case] field: &str,
    #[case] value: Value,
) {
    let upstream = upstream(Behaviour::status(500));
    upstream.on("gpt-a", Behaviour::default());
    assert_eq!(get(&upstream, path).json()[field], value);
    assert!(get(&upstream, "/health/liveliness").head().starts_with("HTTP/1.1 200 OK"));
    upstream.on(path, Behaviour::status(503));
    assert!(get(&upstream, path).head().starts_with("HTTP/1.1 503"));
}

#[test]
fn embeddings_are_the_same_for_the_same_input_in_both_encodings() {
    let upstream = FaultUpstream::start();
    let ask = |input: Value, format: &str| {
        let body = json!({"model": "e", "input": input, "encoding_format": format});
        exchange(&upstream, &post("/v1/embeddings", &body)).json()
    };
    let two = ask(json!(["a", "b"]), "float");
    let vector = |answer: &Value, n: usize| answer["data"][n]["embedding"].clone();
    assert_eq!(vector(&two, 0).as_array().unwrap().len(), 8);
    assert_ne!(vector(&two, 0), vector(&two, 1));
    assert_eq!(vector(&two, 1), vector(&ask(json!("b"), "float"), 0));
    assert_eq!(vector(&ask(json!("b"), "base64"), 0).as_str().unwrap().len(), 44);
    assert_eq!(ask(json!([1, 2, 3]), "float")["usage"]["prompt_tokens"], 3);
    assert_eq!(ask(json!([[1], [2]]), "float")["data"].as_array().unwrap().len(), 2);
}

#[test]
fn text_completions_are_answered_and_streamed() {
    let upstream = FaultUpstream::start();
    let ask = |stream: bool| {
        let body = json!({"model": "m", "prompt": "one two", "stream": stream});
        exchange(&upstream, &post("/v1/completions", &body))
    };
    assert_eq!(ask(false).json()["choices"][0]["text"], "echo: one two");
    let data = ask(true).data();
    assert_eq!(data.len(), 5);
    assert_eq!(data[4], "[DONE]");
    assert!(data[1].contains(r#""text":"one ""#));
}

#[test]
fn an_unknown_path_is_404_in_openais_form() {
    let seen = get(&FaultUpstream::start(), "/nowhere");
    assert!(seen.head().starts_with("HTTP/1.1 404 Not Found"));
    assert_eq!(seen.json()["error"]["type"], "invalid_request_error");
}

#[test]
fn a_kept_connection_serves_pipelined_requests_in_order() {
    let upstream = FaultUpstream::start();
    upstream.sequence("m", [Behaviour::chat("first"), Behaviour::chat("second")]);
    let mut stream = connect(&upstream);
    stream.write_all(&[chat_request(false), chat_request(true)].concat()).unwrap();
    let text = read_until(&mut stream, "[DONE]\n\n\r\n0\r\n\r\n");
    assert!(text.find("first").unwrap() < text.find("second").unwrap());
    let requests = upstream.requests();
    let numbers = requests.iter().map(|request| (request.connection_id, request.number_on_connection));
    assert_eq!(numbers.collect::<Vec<_>>(), [(1, 1), (1, 2)]);
}

#[rstest]
#[case::http_1_0("HTTP/1.0", "")]
#[case::connection_close("HTTP/1.1", "Connection: close\r\n")]
fn a_connection_is_closed_when_http_says_so(#[case] version: &str, #[case] header: &str) {
    let upstream = FaultUpstream::start();
    let mut stream = connect(&upstream);
    let request = format!("GET /v1/models {version}\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let seen = read_to_the_end(stream);
    assert_eq!(seen.ending, Ending::Fin);
    assert!(seen.head().contains("connection: close"));
}

#[test]
fn a_head_request_gets_the_head_alone() {
    let upstream = FaultUpstream::start();
    let seen = exchange(&upstream, b"HEAD /v1/models HTTP/1.1\r\n\r\n");
    assert_eq!(seen.head(), get(&upstream, "/v1/models").head());
    assert_eq!(seen.body(), b"");
}
