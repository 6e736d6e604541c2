use std::time::Duration;

use super::*;
use crate::domain::delta::FinishReason;

fn renderer() -> Renderer {
    Renderer::new(RenderContext {
        request_id: "r-1".to_owned(),
        model: "public".to_owned(),
        received: Duration::from_secs(1_700_000_000),
        include_usage: true,
        prompt_bytes: 8,
    })
}

fn said() -> Vec<Delta> {
    let extra = json!({"extra_content": {"a": 1}}).as_object().cloned().unwrap_or_default();
    vec![
        Delta::Start { id: Some("x-1".to_owned()), model: None },
        Delta::Reasoning { choice: 0, text: "hm".to_owned() },
        Delta::Text { choice: 0, text: "a \"b\"\n".to_owned() },
        Delta::ToolCall { choice: 0, index: 0, id: "c".to_owned(), name: "f".to_owned(), extra },
        Delta::Arguments { choice: 0, index: 0, json: "{\"a\":".to_owned() },
        Delta::Arguments { choice: 0, index: 0, json: "1}".to_owned() },
        Delta::Extra { choice: 0, name: "citations", value: json!([1]) },
        Delta::Extra { choice: 0, name: "citations", value: json!([2]) },
        Delta::Finish { choice: 0, reason: FinishReason::ToolCalls, native: Some("pause".to_owned()) },
        Delta::Finish { choice: 1, reason: FinishReason::Stop, native: None },
        Delta::Usage(Tokens::of(3, 4)),
    ]
}

#[test]
fn a_stream_is_openais() {
    let (mut renderer, mut out) = (renderer(), Vec::new());
    renderer.deltas(&mut said(), &mut out);
    renderer.complete(Timing::default(), &mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    let head = r#"data: {"id":"x-1","object":"chat.completion.chunk","created":1700000000,"model":"public","choices":["#;
    let chunks: Vec<&str> = text.split_terminator("\n\n").collect();
    let chunks: Vec<&str> = chunks.iter().map(|chunk| chunk.strip_prefix(head).unwrap_or(chunk)).collect();
    let open = r#"},"logprobs":null,"finish_reason":null}]}"#;
    assert_eq!(
        chunks[0],
        format!(r#"{{"index":0,"delta":{{"role":"assistant","reasoning_content":"hm"{open}"#)
    );
    assert_eq!(chunks[1], format!(r#"{{"index":0,"delta":{{"content":"a \"b\"\n"{open}"#));
    assert_eq!(
        chunks[2],
        format!(
            r#"{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"c","type":"function","function":{{"name":"f","arguments":""}},"extra_content":{{"a":1}}}}]{open}"#
        )
    );
    assert_eq!(
        chunks[3],
        format!(
            r#"{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{{\"a\":"}}}}]{open}"#
        )
    );
    assert_eq!(
        chunks[7],
        r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls","native_finish_reason":"pause"}]}"#
    );
    assert_eq!(
        chunks[8],
        r#"{"index":1,"delta":{"role":"assistant"},"logprobs":null,"finish_reason":"stop"}]}"#
    );
    assert!(chunks[9].starts_with(r#"],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7"#));
    assert_eq!(chunks[10], "data: [DONE]");
}

#[test]
fn a_whole_answer_is_openais() {
    let whole = renderer().whole(&ChatAnswer::of(said()), Timing::default());
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");
    assert_eq!(
        whole["choices"][0]["message"],
        json!({"role": "assistant", "content": "a \"b\"\n",
        "refusal": null, "reasoning_content": "hm", "citations": [1, 2], "tool_calls": [{"id": "c",
        "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}, "extra_content": {"a": 1}}]})
    );
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(whole["choices"][1]["message"]["content"], "");
    assert_eq!(whole["usage"]["total_tokens"], 7);
}

#[test]
fn vectors_are_written_as_the_caller_asks() {
    let vectors = vec![vec![0.5, -1.0], vec![0.05]];
    let embeddings = Embeddings { model: None, vectors, usage: None };
    let written = |encoding| {
        let body = renderer().embeddings(&embeddings, encoding, Timing::default());
        serde_json::from_slice::<Value>(&body).expect("JSON")
    };
    assert_eq!(written(Encoding::Float)["data"][0]["embedding"], json!([0.5, -1.0]));
    assert_eq!(written(Encoding::Float)["data"][1]["embedding"].to_string(), "[0.05]");
    assert_eq!(written(Encoding::Base64)["data"][0]["embedding"], "AAAAPwAAgL8=");
    assert_eq!(written(Encoding::Float)["usage"], json!({"prompt_tokens": 2, "total_tokens": 2}));
}
