use super::*;
use rstest::rstest;
use serde_json::json;

fn parsed(request: &Value) -> Result<ChatRequest> {
    ChatRequest::parse(request.to_string().as_bytes())
}

#[test]
fn what_is_typed_is_read_and_everything_else_is_kept() {
    let request = parsed(&json!({
        "model": "m", "stream": true, "stop": "END", "temperature": null, "top_k": 4, "store": null,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            {"type": "video", "video": 1}], "weight": 1}],
    }));
    let request = request.expect("a request");
    assert_eq!((request.stop, request.temperature), (vec!["END".to_owned()], None));
    assert_eq!(Value::from(request.rest), json!({"top_k": 4}));
    let message = &request.messages[0];
    assert_eq!(message.text(), "a");
    assert_eq!(message.rest["weight"], 1);
    let Some(Content::Parts(parts)) = &message.content else { panic!("{message:?}") };
    let detail = Some("low".to_owned());
    let image = Part::Image { url: "https://x/y.png".to_owned(), detail, cache_control: None };
    assert_eq!(parts[1], image);
    assert!(matches!(&parts[2], Part::Other { kind, part } if kind == "video" && part["type"] == "video"));
}

#[rstest]
#[case::a_part_without_its_text(json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
    "messages[0].content[0]")]
#[case::content_a_number(json!({"messages": [{"role": "user", "content": 7}]}), "messages[0].content")]
#[case::a_call_without_an_id(json!({"messages": [{"role": "assistant",
    "tool_calls": [{"function": {"name": "f"}}]}]}), "messages[0].tool_calls[0]")]
#[case::a_tool_without_a_name(json!({"messages": [], "tools": [{"type": "function", "function": {}}]}),
    "tools[0]")]
#[case::a_choice(json!({"messages": [], "tool_choice": "maybe"}), "tool_choice")]
#[case::a_format(json!({"messages": [], "response_format": {"type": "xml"}}), "response_format")]
#[case::a_stop(json!({"messages": [], "stop": [1]}), "stop")]
#[case::a_seed(json!({"messages": [], "seed": "x"}), "seed")]
fn what_does_not_fit_is_named_by_its_path(#[case] request: Value, #[case] path: &str) {
    let error = parsed(&request).expect_err("it does not fit");
    assert!(error.param().is_some_and(|param| param.starts_with(path)), "{error} {:?}", error.param());
    assert_eq!(error.status(), 400);
}

#[rstest]
#[case::none(json!("none"), ToolChoice::None)]
#[case::required(json!("required"), ToolChoice::Required)]
#[case::a_function(json!({"type": "function", "function": {"name": "f"}}), ToolChoice::Function("f".to_owned()))]
#[case::allowed(json!({"type": "allowed_tools", "allowed_tools": {"mode": "required",
    "tools": [{"type": "function", "function": {"name": "f"}}]}}),
    ToolChoice::Allowed { required: true, names: vec!["f".to_owned()] })]
fn every_form_of_a_tool_choice_is_read(#[case] choice: Value, #[case] expected: ToolChoice) {
    let request = parsed(&json!({"messages": [], "tool_choice": choice})).expect("a request");
    assert_eq!(request.tool_choice, Some(expected));
}

#[rstest]
#[case::a_function(json!({"function": {"name": "f"}}), "function")]
#[case::another_type(json!({"type": "google_search"}), "google_search")]
#[case::no_type(json!({"googleSearch": {}}), "googleSearch")]
fn a_tool_without_a_type_is_what_its_only_member_says(#[case] tool: Value, #[case] expected: &str) {
    let request = parsed(&json!({"messages": [], "tools": [tool]})).expect("a request");
    let kind = match &request.tools[0] {
        Tool::Function { .. } => "function",
        Tool::Other { kind, .. } => kind,
    };
    assert_eq!(kind, expected);
}
