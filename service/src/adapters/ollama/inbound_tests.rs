use super::*;
use rstest::rstest;

const PNG: &str = "iVBORw0KGgo=";

fn read(format: ClientFormat, body: &Value) -> Inbound {
    parse(format, body.to_string().as_bytes()).expect("a request")
}

fn body(inbound: &Inbound) -> Value {
    serde_json::from_slice(&inbound.body).expect("JSON")
}

fn chat(members: &Value) -> Inbound {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let members = members.as_object().cloned().unwrap_or_default();
    request.as_object_mut().expect("an object").extend(members);
    read(ClientFormat::OllamaChat, &request)
}

#[rstest]
#[case::by_itself(json!({}), true)]
#[case::null(json!({"stream": null}), true)]
#[case::told_not_to(json!({"stream": false}), false)]
fn a_chat_is_streamed_unless_told_otherwise(#[case] members: Value, #[case] expected: bool) {
    let inbound = chat(&members);
    assert_eq!((inbound.stream, &body(&inbound)["stream"]), (expected, &json!(expected)));
}

#[rstest]
#[case::a_limit(json!({"options": {"num_predict": 7}}), json!({"max_tokens": 7}))]
#[case::a_limit_with_a_fraction(json!({"options": {"num_predict": 7.0}}), json!({"max_tokens": 7}))]
#[case::no_limit(json!({"options": {"num_predict": -1}}), json!({}))]
#[case::the_context_as_limit(json!({"options": {"num_predict": -2}}), json!({}))]
#[case::sampling(
    json!({"options": {"temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["a"], "presence_penalty": 1,
        "frequency_penalty": -1}}),
    json!({"temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["a"], "presence_penalty": 1,
        "frequency_penalty": -1})
)]
#[case::null_options(json!({"options": {"temperature": null}}), json!({}))]
#[case::json(json!({"format": "json"}), json!({"response_format": {"type": "json_object"}}))]
#[case::no_format(json!({"format": ""}), json!({}))]
#[case::a_schema(
    json!({"format": {"type": "object"}}),
    json!({"response_format": {"type": "json_schema",
        "json_schema": {"name": "response", "schema": {"type": "object"}}}})
)]
#[case::thinking(json!({"think": true}), json!({"reasoning_effort": "medium"}))]
#[case::no_thinking(json!({"think": false}), json!({"reasoning_effort": "none"}))]
#[case::a_level(json!({"think": "high"}), json!({"reasoning_effort": "high"}))]
#[case::the_highest_level(json!({"think": "max"}), json!({"reasoning_effort": "xhigh"}))]
#[case::probabilities(
    json!({"logprobs": true, "top_logprobs": 2}),
    json!({"logprobs": true, "top_logprobs": 2})
)]
#[case::no_tools(json!({"tools": []}), json!({}))]
#[case::a_tool_without_type(
    json!({"tools": [{"function": {"name": "f"}}]}),
    json!({"tools": [{"function": {"name": "f"}, "type": "function"}]})
)]
fn a_parameter_gets_openais_name(#[case] members: Value, #[case] expected: Value) {
    let inbound = chat(&members);
    let mut said = body(&inbound);
    let said = said.as_object_mut().expect("an object");
    for name in ["model", "messages", "stream"] {
        said.remove(name);
    }
    assert_eq!(Value::from(said.clone()), expected);
    assert_eq!(inbound.dropped, Vec::<String>::new());
}

#[test]
fn what_says_nothing_to_other_providers_is_named() {
    let inbound = chat(&json!({"keep_alive": "5m", "truncate": false, "shift": true, "future": 1,
        "options": {"top_k": 4, "num_ctx": 9, "seed": 1}}));
    assert_eq!(inbound.dropped, ["keep_alive", "shift", "future", "options.top_k", "options.num_ctx"]);
    assert_eq!(inbound.ollama_only, None);
}

#[test]
fn a_conversation_is_openais_message_for_message() {
    let inbound = chat(&json!({"messages": [
        {"role": "System", "content": "s"},
        {"role": "user", "content": "u", "images": [PNG]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
            {"function": {"name": "f", "arguments": {"a": 1}}},
            {"id": "given", "function": {"name": "g", "arguments": "{\"b\":2}"}},
            {"function": {"name": "f"}}]},
        {"role": "tool", "tool_name": "f", "content": "1"},
        {"role": "tool", "tool_call_id": "given", "content": "2"},
        {"role": "tool", "tool_name": "f", "content": "3"},
    ]}));
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let calls =
        [call("call_0", "f", "{\"a\":1}"), call("given", "g", "{\"b\":2}"), call("call_1", "f", "{}")];
    let image = json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}")}});
    let expected = json!([
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}, image]},
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": calls},
        {"role": "tool", "content": "1", "tool_call_id": "call_0"},
        {"role": "tool", "content": "2", "tool_call_id": "given"},
        {"role": "tool", "content": "3", "tool_call_id": "call_1"},
    ]);
    assert_eq!(body(&inbound)["messages"], expected);
}

#[test]
fn a_result_answers_the_last_turn_with_calls() {
    let turn = json!({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]});
    let inbound = chat(&json!({"messages": [turn, turn, {"role": "tool", "content": "r"}]}));
    assert_eq!(body(&inbound)["messages"][2]["tool_call_id"], "call_1");
}

#[test]
fn a_prompt_is_a_conversation() {
    let request = json!({"model": "m", "system": "s", "prompt": "p", "images": [PNG], "suffix": "",
        "template": "", "context": [], "stream": false});
    let inbound = read(ClientFormat::OllamaGenerate, &request);
    let messages = &body(&inbound)["messages"];
    assert_eq!(messages[0], json!({"role": "system", "content": "s"}));
    assert_eq!(messages[1]["content"][0], json!({"type": "text", "text": "p"}));
    assert_eq!((inbound.ollama_only, inbound.dropped), (None, Vec::new()));
}

#[rstest]
#[case::fill_in_the_middle(json!({"suffix": "s"}), "suffix")]
#[case::no_template(json!({"raw": true}), "raw")]
#[case::another_template(json!({"template": "{{ .Prompt }}"}), "template")]
#[case::tokens_of_before(json!({"context": [1]}), "context")]
#[case::an_image(json!({"width": 512}), "width")]
fn what_only_an_ollama_can_do_is_refused_unless_relayed(#[case] members: Value, #[case] param: &str) {
    let mut request = json!({"model": "m", "prompt": "p"});
    request.as_object_mut().expect("an object").extend(members.as_object().cloned().expect("an object"));
    let error = read(ClientFormat::OllamaGenerate, &request).ollama_only.expect("refused");
    assert_eq!((error.param(), error.code()), (Some(param), "unsupported_parameter"));
}

#[rstest]
#[case::no_messages(ClientFormat::OllamaChat, json!({}), Errand::Load)]
#[case::empty_messages(ClientFormat::OllamaChat, json!({"messages": []}), Errand::Load)]
#[case::unload(ClientFormat::OllamaChat, json!({"messages": [], "keep_alive": 0}), Errand::Unload)]
#[case::unload_by_text(ClientFormat::OllamaGenerate, json!({"keep_alive": "0s"}), Errand::Unload)]
#[case::load_for_a_while(ClientFormat::OllamaGenerate, json!({"keep_alive": "10m"}), Errand::Load)]
#[case::an_empty_prompt(ClientFormat::OllamaGenerate, json!({"prompt": ""}), Errand::Load)]
#[case::no_input(ClientFormat::OllamaEmbed, json!({}), Errand::Load)]
#[case::empty_input(ClientFormat::OllamaEmbed, json!({"input": []}), Errand::Load)]
#[case::no_prompt(ClientFormat::OllamaEmbeddings, json!({}), Errand::Load)]
fn an_empty_request_is_an_errand(
    #[case] format: ClientFormat,
    #[case] mut request: Value,
    #[case] expected: Errand,
) {
    request["model"] = json!("m");
    let inbound = read(format, &request);
    assert_eq!((inbound.errand, inbound.body.len()), (Some(expected), 0));
    assert_eq!(inbound.model.as_deref(), Some("m"));
}

#[rstest]
#[case::a_text(
    ClientFormat::OllamaEmbed,
    json!({"input": "a", "truncate": true, "dimensions": 3}),
    json!({"input": "a", "dimensions": 3})
)]
#[case::texts(ClientFormat::OllamaEmbed, json!({"input": ["a", "b"]}), json!({"input": ["a", "b"]}))]
#[case::the_older_form(ClientFormat::OllamaEmbeddings, json!({"prompt": "a"}), json!({"input": "a"}))]
fn vectors_are_asked_for_by_openais_names(
    #[case] format: ClientFormat,
    #[case] request: Value,
    #[case] expected: Value,
) {
    let inbound = read(format, &request);
    assert_eq!((body(&inbound), inbound.operation), (expected, Operation::Embeddings));
    assert_eq!((inbound.model, inbound.stream), (None, false));
}

#[rstest]
#[case::a_key_twice(r#"{"model":"a","mod\u0065l":"b"}"#, "model", "duplicate_key")]
#[case::a_key_in_another_case(r#"{"model":"a","MODEL":"b"}"#, "MODEL", "invalid_value")]
#[case::a_number_as_model(r#"{"model":1}"#, "model", "wrong_type")]
#[case::a_text_as_messages(r#"{"messages":"x"}"#, "messages", "wrong_type")]
#[case::a_text_as_stream(r#"{"stream":"yes"}"#, "stream", "wrong_type")]
#[case::a_text_as_temperature(
    r#"{"messages":[{"role":"user"}],"options":{"temperature":"x"}}"#,
    "options.temperature",
    "wrong_type"
)]
#[case::half_a_token(
    r#"{"messages":[{"role":"user"}],"options":{"num_predict":1.5}}"#,
    "options.num_predict",
    "wrong_type"
)]
#[case::an_unknown_format(r#"{"messages":[{"role":"user"}],"format":"xml"}"#, "format", "wrong_type")]
#[case::a_number_as_think(r#"{"messages":[{"role":"user"}],"think":1}"#, "think", "wrong_type")]
#[case::no_image(
    r#"{"messages":[{"role":"user","images":["QUJD"]}]}"#,
    "messages[0].images[0]",
    "invalid_value"
)]
#[case::parts_as_content(
    r#"{"messages":[{"role":"user","content":[]}]}"#,
    "messages[0].content",
    "wrong_type"
)]
#[case::arguments_that_are_a_list(
    r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":[]}}]}]}"#,
    "messages[0].tool_calls[0].function.arguments",
    "wrong_type"
)]
#[case::a_result_without_a_call(
    r#"{"messages":[{"role":"tool","tool_name":"f","content":"x"}]}"#,
    "messages[0].tool_name",
    "invalid_value"
)]
fn a_fault_is_named_by_its_path(#[case] body: &str, #[case] param: &str, #[case] code: &str) {
    let error = parse(ClientFormat::OllamaChat, body.as_bytes()).expect_err("refused");
    assert_eq!((error.param(), error.code()), (Some(param), code));
}

#[rstest]
#[case::a_number("1")]
#[case::numbers("[1]")]
#[case::an_object("{}")]
fn an_input_is_texts(#[case] input: &str) {
    let body = format!("{{\"input\":{input}}}");
    let error = parse(ClientFormat::OllamaEmbed, body.as_bytes()).expect_err("refused");
    assert_eq!((error.param(), error.code()), (Some("input"), "wrong_type"));
}
