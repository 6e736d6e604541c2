use super::*;
use rstest::rstest;

fn chat(body: &str) -> Result<Envelope> {
    Envelope::parse(Operation::Chat, body.as_bytes())
}

fn at(body: &str, range: Option<Range<usize>>) -> Option<&str> {
    range.map(|range| &body[range])
}

#[test]
fn the_envelope_says_where_its_fields_stand() {
    let body = r#" {"temperature": 1.10, "messages":[{"role":"user","content":"hé"}],
        "stream_options" : {"x":1,"include_usage":false}, "stream":true, "model":"gpt-4"}"#;
    let envelope = chat(body).expect("a valid body");
    assert_eq!(envelope.model.as_deref(), Some("gpt-4"));
    assert!(envelope.stream && !envelope.include_usage);
    assert_eq!(at(body, envelope.model_at), Some("\"gpt-4\""));
    assert_eq!(at(body, envelope.include_usage_at), Some("false"));
    assert_eq!(at(body, envelope.stream_options_at), Some("{\"x\":1,\"include_usage\":false}"));
    assert_eq!(envelope.first_member_at, 2);
    assert_eq!(envelope.prompt_bytes, 3);
}

#[test]
fn images_are_not_counted_as_text() {
    let image = "A".repeat(10_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"text","text":"what is it"}},
            {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}]}}"#
    );
    assert_eq!(chat(&body).map(|envelope| envelope.prompt_bytes), Ok(10));
}

#[rstest]
#[case::absent(r#"{"messages":[{"role":"user","content":"x"}]}"#)]
#[case::null(r#"{"model":null,"messages":[{"role":"user","content":"x"}]}"#)]
#[case::empty(r#"{"model":"","messages":[{"role":"user","content":"x"}]}"#)]
fn a_model_may_be_left_to_the_default(#[case] body: &str) {
    assert_eq!(chat(body).map(|envelope| envelope.model), Ok(None));
}

#[test]
fn a_key_written_with_escapes_is_the_same_key() {
    let body = r#"{"mod\u0065l":"a","messages":[{"role":"us\u0065r","content":"x"}]}"#;
    assert_eq!(chat(body).map(|envelope| envelope.model), Ok(Some("a".to_owned())));
}

#[rstest]
#[case::not_json("hello", "", "invalid_json")]
#[case::cut_json(r#"{"messages": ["#, "", "invalid_json")]
#[case::trailing_text(r#"{"messages":[{"role":"user"}]} x"#, "", "invalid_json")]
#[case::an_array("[1]", "", "not_an_object")]
#[case::a_string("\"x\"", "", "not_an_object")]
#[case::no_messages(r#"{"model":"x"}"#, "messages", "missing_required_parameter")]
#[case::empty_messages(r#"{"messages":[]}"#, "messages", "empty")]
#[case::messages_a_string(r#"{"messages":"hi"}"#, "messages", "wrong_type")]
#[case::messages_null(r#"{"messages":null}"#, "messages", "wrong_type")]
#[case::messages_an_object(r#"{"messages":{"a":[1]}}"#, "messages", "wrong_type")]
#[case::a_message_a_string(r#"{"messages":["hi"]}"#, "messages[0]", "wrong_type")]
#[case::no_role(r#"{"messages":[{"content":"x"}]}"#, "messages[0].role", "missing_required_parameter")]
#[case::unknown_role(
    r#"{"messages":[{"role":"user"},{"role":"robot"}]}"#,
    "messages[1].role",
    "invalid_value"
)]
#[case::role_a_number(r#"{"messages":[{"role":7}]}"#, "messages[0].role", "wrong_type")]
#[case::content_a_number(
    r#"{"messages":[{"role":"user","content":7}]}"#,
    "messages[0].content",
    "wrong_type"
)]
#[case::stream_a_string(r#"{"stream":"yes","messages":[{"role":"user"}]}"#, "stream", "wrong_type")]
#[case::temperature_a_string(
    r#"{"temperature":"hot","messages":[{"role":"user"}]}"#,
    "temperature",
    "wrong_type"
)]
#[case::model_a_number(r#"{"model":4,"messages":[{"role":"user"}]}"#, "model", "wrong_type")]
#[case::tools_an_object(r#"{"tools":{},"messages":[{"role":"user"}]}"#, "tools", "wrong_type")]
#[case::include_usage_a_string(
    r#"{"stream_options":{"include_usage":"y"},"messages":[{"role":"user"}]}"#,
    "stream_options.include_usage",
    "wrong_type"
)]
#[case::two_models(r#"{"model":"a","model":"b","messages":[{"role":"user"}]}"#, "model", "duplicate_key")]
#[case::two_models_one_escaped(
    r#"{"model":"a","mod\u0065l":"b","messages":[{"role":"user"}]}"#,
    "model",
    "duplicate_key"
)]
#[case::two_unknown_keys(r#"{"x":1,"x":2,"messages":[{"role":"user"}]}"#, "x", "duplicate_key")]
#[case::two_roles(r#"{"messages":[{"role":"user","role":"system"}]}"#, "role", "duplicate_key")]
fn a_wrong_body_is_refused_by_name(#[case] body: &str, #[case] param: &str, #[case] code: &str) {
    let error = chat(body).expect_err("the body is wrong");
    assert_eq!(error.param().unwrap_or_default(), param, "{error}");
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.status(), 400);
}

#[rstest]
#[case::arrays("[", "]")]
#[case::objects("{\"a\":", "}")]
fn deep_nesting_is_refused_and_moderate_nesting_is_not(#[case] open: &str, #[case] close: &str) {
    let body = |depth: usize| {
        let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        format!(r#"{{"messages":[{{"role":"user"}}],"x":{value}}}"#)
    };
    let error = chat(&body(10_000)).expect_err("too deep");
    assert_eq!(error.code(), "nested_too_deeply");
    assert!(chat(&body(100)).is_ok());
}

#[test]
fn brackets_in_text_do_not_nest() {
    let text = "[{\\\"".repeat(1_000);
    let body = format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#);
    assert!(chat(&body).is_ok());
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_place() {
    let error = Envelope::parse(Operation::Chat, b"{\"messages\":\"\xff\"}").expect_err("not UTF-8");
    assert_eq!(error.code(), "invalid_utf8");
    assert!(error.message().contains("offset 13"), "{error}");
}

#[rstest]
#[case::a_string(Operation::Embeddings, r#"{"input":"abc"}"#, Ok(3))]
#[case::strings(Operation::Embeddings, r#"{"input":["abc","d"]}"#, Ok(9))]
#[case::nothing(Operation::Embeddings, r#"{"input":[]}"#, Err("empty"))]
#[case::no_input(Operation::Embeddings, r#"{"model":"e"}"#, Err("missing_required_parameter"))]
#[case::a_prompt(Operation::Completions, r#"{"prompt":"abc"}"#, Ok(3))]
#[case::a_prompt_object(Operation::Completions, r#"{"prompt":{}}"#, Err("wrong_type"))]
fn embeddings_and_completions_need_their_text(
    #[case] operation: Operation,
    #[case] body: &str,
    #[case] expected: Result<u64, &str>,
) {
    let parsed = Envelope::parse(operation, body.as_bytes());
    let found = parsed.as_ref().map(|envelope| envelope.prompt_bytes).map_err(Error::code);
    assert_eq!(found, expected);
}
