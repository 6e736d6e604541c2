use super::*;
use crate::adapters::testing::endpoint;
use crate::domain::call::Call;
use crate::domain::endpoint::Provider;
use crate::domain::envelope::Envelope;
use crate::error::Error;
use rstest::rstest;

const QUESTION: &str = r#"{"messages":[{"role":"user","content":"x"}]}"#;

fn prepared(endpoint: &Endpoint, body: &str, original: Option<(ClientFormat, &str)>) -> Result<Prepared> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let envelope = Envelope::parse(Operation::Chat, &body).expect("valid");
    let original = original.map(|(format, body)| (format, Bytes::copy_from_slice(body.as_bytes())));
    let ask = Ask {
        operation: Operation::Chat,
        body: &body,
        envelope: &envelope,
        original: original.as_ref().map(|(format, body)| (*format, body)),
        model: "up\"stream",
        request_id: "r-1",
        headers: &[],
    };
    prepare(endpoint, &ask)
}

fn sent(body: &str, original: Option<(ClientFormat, &str)>) -> (String, String) {
    let prepared = prepared(&endpoint(Provider::Ollama, "http://ollama"), body, original);
    let Call::Http(call) = prepared.expect("a call").call else { panic!("a call over the network") };
    (call.uri.to_string(), String::from_utf8(call.body.to_vec()).expect("UTF-8"))
}

fn chat(body: &str) -> Value {
    serde_json::from_str(&sent(body, None).1).expect("JSON")
}

fn refused(member: &str) -> Error {
    let body = QUESTION.replacen('{', &format!("{{{member},"), 1);
    prepared(&endpoint(Provider::Ollama, "http://ollama"), &body, None).expect_err("refused")
}

#[rstest]
#[case::chat(
    ClientFormat::OllamaChat,
    r#"{"x":1.10, "model" : "alias","messages":[],"y":{}}"#,
    "/api/chat",
    r#"{"x":1.10, "model" : "up\"stream","messages":[],"y":{}}"#
)]
#[case::generate(
    ClientFormat::OllamaGenerate,
    r#"{"model":"alias","raw":true}"#,
    "/api/generate",
    r#"{"model":"up\"stream","raw":true}"#
)]
#[case::embed(
    ClientFormat::OllamaEmbed,
    r#"{"input":"x","model":null}"#,
    "/api/embed",
    r#"{"input":"x","model":"up\"stream"}"#
)]
#[case::no_model(
    ClientFormat::OllamaEmbeddings,
    r#" {"prompt":"x"}"#,
    "/api/embeddings",
    r#" {"model":"up\"stream","prompt":"x"}"#
)]
#[case::nothing_at_all(ClientFormat::OllamaChat, "{}", "/api/chat", r#"{"model":"up\"stream"}"#)]
fn an_ollama_clients_bytes_are_relayed_to_the_same_path(
    #[case] format: ClientFormat,
    #[case] body: &str,
    #[case] path: &str,
    #[case] expected: &str,
) {
    assert_eq!(sent(QUESTION, Some((format, body))), (path.to_owned(), expected.to_owned()));
}

#[rstest]
#[case::none("none", json!(false))]
#[case::minimal("minimal", json!("low"))]
#[case::low("low", json!("low"))]
#[case::medium("medium", json!("medium"))]
#[case::high("high", json!("high"))]
#[case::xhigh("xhigh", json!("high"))]
#[case::ollamas_own("max", json!("max"))]
fn effort_is_a_level_of_thinking(#[case] effort: &str, #[case] expected: Value) {
    let body = QUESTION.replacen('{', &format!("{{\"reasoning_effort\":\"{effort}\","), 1);
    assert_eq!(chat(&body)["think"], expected);
}

#[test]
fn vendor_options_find_their_place_and_take_no_members_place() {
    let body = r#"{"messages":[{"role":"user","content":"x"}],"top_k":4,"keep_alive":"5m","MODEL":"other",
        "options":{"num_ctx":9,"temperature":2},"temperature":0.5,"max_tokens":7,"think":true}"#;
    let sent = chat(body);
    let options = json!({"top_k": 4, "MODEL": "other", "num_ctx": 9, "temperature": 0.5, "num_predict": 7});
    assert_eq!((&sent["options"], &sent["keep_alive"]), (&options, &json!("5m")));
    assert_eq!((&sent["think"], &sent["model"]), (&json!(true), &json!("up\"stream")));
    assert_eq!(sent.get("MODEL"), None);
}

#[rstest]
#[case::several_answers(r#""n":2"#, "n")]
#[case::bias(r#""logit_bias":{"1":1}"#, "logit_bias")]
#[case::a_user(r#""user":"u""#, "user")]
#[case::a_forced_call(r#""tool_choice":"required""#, "tool_choice")]
#[case::a_named_call(r#""tool_choice":{"type":"function","function":{"name":"f"}}"#, "tool_choice")]
#[case::a_tool_of_openais(r#""tools":[{"type":"web_search"}]"#, "tools[0]")]
#[case::one_call_only(
    r#""parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f"}}]"#,
    "parallel_tool_calls"
)]
fn what_ollama_cannot_do_is_refused_by_name(#[case] member: &str, #[case] param: &str) {
    let error = refused(member);
    assert_eq!((error.param(), error.code()), (Some(param), "unsupported_parameter"));
}

#[rstest]
#[case::one_answer(r#""n":1"#)]
#[case::no_bias(r#""logit_bias":{}"#)]
#[case::no_probabilities(r#""logprobs":false"#)]
#[case::several_calls(r#""parallel_tool_calls":true"#)]
#[case::a_free_choice(r#""tool_choice":"auto""#)]
fn what_changes_nothing_is_accepted(#[case] member: &str) {
    let with = QUESTION.replacen('{', &format!("{{{member},"), 1);
    assert_eq!(chat(&with), chat(QUESTION));
}

#[rstest]
#[case::a_link(
    r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]"#,
    "messages[0].content[0].image_url"
)]
#[case::a_file(
    r#"[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]"#,
    "messages[0].content[0]"
)]
#[case::a_name(r#"[{"role":"user","content":"x","name":"Ann"}]"#, "messages[0].name")]
#[case::broken_arguments(
    r#"[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}]"#,
    "messages[1].tool_calls[0].function.arguments"
)]
#[case::arguments_that_are_no_object(
    r#"[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"[1]"}}]}]"#,
    "messages[0].tool_calls[0].function.arguments"
)]
fn a_part_that_ollama_does_not_take_is_named_by_its_path(#[case] messages: &str, #[case] param: &str) {
    let body = format!(r#"{{"messages":{messages}}}"#);
    let error = prepared(&endpoint(Provider::Ollama, "http://ollama"), &body, None).expect_err("refused");
    assert_eq!((error.param(), error.status()), (Some(param), 400));
}

#[test]
fn an_empty_text_is_a_call_without_arguments() {
    let sent =
        chat(r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]}]}"#);
    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"]["arguments"], json!({}));
}
