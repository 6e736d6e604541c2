use std::time::Duration;

use super::*;
use crate::adapters::testing::endpoint;
use crate::adapters::{Ask, MockTiming, prepare};
use crate::domain::call::{Call, Step};
use crate::domain::endpoint::UpstreamModel;
use crate::domain::envelope::{Envelope, Operation};
use crate::error::UNSUPPORTED_PARAMETER;
use rstest::rstest;

const SAID: &str = "The sky is";

fn named(provider: Provider, model: &str) -> Endpoint {
    let mut endpoint = endpoint(provider, "https://vendor.test/v1");
    endpoint.model = UpstreamModel::Named(model.to_owned());
    endpoint
}

/// An endpoint of a vendor with OpenAI's format.
fn compatible(vendor: &'static str) -> Endpoint {
    let mut endpoint = named(Provider::Openai, "m");
    endpoint.vendor = Some(vendor);
    endpoint
}

fn told(mut endpoint: Endpoint, continues: bool) -> Endpoint {
    endpoint.continues = Some(continues);
    endpoint
}

fn at(mut endpoint: Endpoint, url: &str) -> Endpoint {
    endpoint.url = url.parse().expect("a URL");
    endpoint
}

fn question() -> Value {
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Why?"}]})
}

fn with(name: &str, value: Value) -> Value {
    let mut question = question();
    question[name] = value;
    question
}

fn continued_from(endpoint: &Endpoint, body: &Value, text: &str) -> Result<Continued> {
    continued(endpoint, &Bytes::from(body.to_string()), text)
}

fn call(endpoint: &Endpoint, body: &Bytes) -> Call {
    let envelope = Envelope::parse(Operation::Chat, body).expect("an envelope");
    let UpstreamModel::Named(model) = &endpoint.model else { panic!("{endpoint:?}") };
    let ask = Ask {
        operation: Operation::Chat,
        body,
        envelope: &envelope,
        original: None,
        model,
        request_id: "r-1",
        headers: &[],
    };
    prepare(endpoint, &ask, MockTiming { chunk_delay: Duration::ZERO }).expect("a call").call
}

/// What goes over the network.
fn wire(endpoint: &Endpoint, text: &str) -> Value {
    let continued = continued_from(endpoint, &question(), text).expect("it goes on");
    let Call::Http(call) = call(endpoint, &continued.body) else { panic!("{endpoint:?}") };
    serde_json::from_slice(&call.body).expect("JSON")
}

#[rstest]
#[case::anthropic(named(Provider::Anthropic, "claude-sonnet-4-5"), "messages",
    json!({"role": "assistant", "content": [{"type": "text", "text": "The sky is"}]}))]
#[case::mistral(named(Provider::Mistral, "mistral-small-latest"), "messages",
    json!({"role": "assistant", "content": "The sky is", "prefix": true}))]
#[case::ollama(named(Provider::Ollama, "llama3.2"), "messages",
    json!({"role": "assistant", "content": "The sky is"}))]
#[case::deepseek(at(compatible("deepseek"), "https://api.deepseek.com/beta"), "messages",
    json!({"role": "assistant", "content": "The sky is", "prefix": true}))]
#[case::groq(compatible("groq"), "messages", json!({"role": "assistant", "content": "The sky is"}))]
#[case::moonshot(compatible("moonshot"), "messages",
    json!({"role": "assistant", "content": "The sky is", "partial": true}))]
#[case::alibaba(compatible("dashscope"), "messages",
    json!({"role": "assistant", "content": "The sky is", "partial": true}))]
#[case::vllm(compatible("hosted_vllm"), "messages", json!({"role": "assistant", "content": "The sky is"}))]
#[case::a_server_that_the_operator_knows(told(compatible("openai_like"), true), "messages",
    json!({"role": "assistant", "content": "The sky is"}))]
#[case::litellm_before_one_that_can(told(named(Provider::Litellm, "m"), true), "messages",
    json!({"role": "assistant", "content": "The sky is", "prefix": true}))]
#[case::an_older_gemini(told(named(Provider::Gemini, "gemini-2.5-flash"), true), "contents",
    json!({"role": "model", "parts": [{"text": "The sky is"}]}))]
#[case::cohere_by_the_operators_word(told(named(Provider::Cohere, "command-a"), true), "messages",
    json!({"role": "assistant", "content": "The sky is"}))]
fn the_beginning_goes_out_as_the_vendor_documents_it(
    #[case] endpoint: Endpoint,
    #[case] conversation: &str,
    #[case] expected: Value,
) {
    let body = wire(&endpoint, SAID);
    let turns = body[conversation].as_array().expect("a conversation");
    assert_eq!((turns.len(), &turns[1]), (2, &expected), "{body}");
}

#[test]
fn vllm_is_told_that_the_message_is_not_over() {
    let body = wire(&compatible("vllm"), SAID);
    assert_eq!(
        (&body["continue_final_message"], &body["add_generation_prompt"]),
        (&json!(true), &json!(false))
    );
    let others = wire(&compatible("groq"), SAID);
    assert_eq!((others.get("continue_final_message"), others.get("add_generation_prompt")), (None, None));
}

#[rstest]
#[case::mistral(named(Provider::Mistral, "m"), Echo::Beginning)]
#[case::anthropic(named(Provider::Anthropic, "claude-haiku-4-5"), Echo::Nothing)]
#[case::ollama(named(Provider::Ollama, "m"), Echo::Nothing)]
#[case::vllm(compatible("vllm"), Echo::Nothing)]
#[case::groq(compatible("groq"), Echo::Beginning)]
#[case::nobody_says(told(compatible("openai"), true), Echo::Beginning)]
fn a_vendor_says_whether_it_repeats_the_beginning(#[case] endpoint: Endpoint, #[case] echo: Echo) {
    let continued = continued_from(&endpoint, &question(), SAID).expect("it goes on");
    assert_eq!(continued.echo, echo);
}

#[rstest]
#[case::anthropic_before_4_6(named(Provider::Anthropic, "claude-opus-4-5-20251101"), true)]
#[case::anthropic_since_4_6(named(Provider::Anthropic, "claude-sonnet-4-6"), false)]
#[case::anthropics_newest(named(Provider::Anthropic, "claude-opus-latest"), false)]
#[case::anthropic_by_the_operators_word(told(named(Provider::Anthropic, "claude-opus-latest"), true), true)]
#[case::mistral(named(Provider::Mistral, "m"), true)]
#[case::ollama(named(Provider::Ollama, "m"), true)]
#[case::ollama_by_the_operators_word(told(named(Provider::Ollama, "m"), false), false)]
#[case::the_mock(named(Provider::Mock, "mock"), true)]
#[case::openai(compatible("openai"), false)]
#[case::nobody_in_particular(named(Provider::Openai, "m"), false)]
#[case::azure(named(Provider::Azure, "m"), false)]
#[case::gemini(named(Provider::Gemini, "gemini-2.5-flash"), false)]
#[case::cohere(named(Provider::Cohere, "m"), false)]
#[case::litellm(named(Provider::Litellm, "m"), false)]
#[case::openrouter(compatible("openrouter"), false)]
#[case::vllm(compatible("hosted_vllm"), true)]
#[case::deepseeks_beta(at(compatible("deepseek"), "https://api.deepseek.com/beta"), true)]
#[case::deepseeks_stable_api(at(compatible("deepseek"), "https://api.deepseek.com/v1"), false)]
fn an_endpoint_goes_on_where_that_is_documented_or_told(#[case] endpoint: Endpoint, #[case] can: bool) {
    assert_eq!(can_continue(&endpoint), can);
    let continued = continued_from(&endpoint, &question(), SAID);
    assert_eq!(
        continued.map_err(|error| error.code().to_owned()).err(),
        (!can).then(|| UNSUPPORTED_PARAMETER.to_owned())
    );
}

#[test]
fn a_model_that_is_not_known_before_it_is_asked_for_is_taken_for_the_newest() {
    let mut endpoint = named(Provider::Anthropic, "");
    endpoint.model = UpstreamModel::AsAsked;
    assert!(!can_continue(&endpoint));
    endpoint.model = UpstreamModel::Pattern("claude-3-5-*".to_owned());
    assert!(can_continue(&endpoint));
}

#[test]
fn white_space_at_the_end_is_not_sent() {
    let anthropic = named(Provider::Anthropic, "claude-sonnet-4-5");
    let continued = continued_from(&anthropic, &question(), " The sky is \n").expect("it goes on");
    assert_eq!(continued.sent, " The sky is");
    let sent = &wire(&anthropic, " The sky is \n")["messages"][1]["content"][0]["text"];
    assert_eq!(sent, " The sky is");
}

#[rstest]
#[case::nothing("")]
#[case::white_space("\n ")]
fn where_nothing_was_said_the_request_is_asked_as_it_was(#[case] text: &str) {
    let continued = continued_from(&compatible("vllm"), &question(), text).expect("it goes on");
    assert_eq!((continued.body, continued.sent), (Bytes::from(question().to_string()), String::new()));
}

#[test]
fn everything_else_in_the_body_stays_as_it_was() {
    let body = Bytes::from_static(
        b" { \"x\" : 1.10, \"messages\":[ {\"role\":\"user\",\"content\":\"\\u0041\"} ] ,\"y\":\"]\"}",
    );
    let message = r#",{"role":"assistant","content":"say \"hi\"\n]","prefix":true}"#;
    let continued = continued(&named(Provider::Mistral, "m"), &body, "say \"hi\"\n]").expect("it goes on");
    let expected =
        format!(r#" {{ "x" : 1.10, "messages":[ {{"role":"user","content":"\u0041"}} {message}] ,"y":"]"}}"#);
    assert_eq!(continued.body, expected);
}

#[test]
fn a_member_that_the_caller_has_already_is_set_and_not_doubled() {
    let body = with("add_generation_prompt", json!(true));
    let continued = continued_from(&compatible("vllm"), &body, SAID).expect("it goes on");
    let members = members(&continued.body).expect("no key twice");
    let said = |name: &str| members.iter().find(|member| member.name == name).map(|member| member.value);
    assert_eq!(
        (said("add_generation_prompt"), said("continue_final_message")),
        (Some("false"), Some("true"))
    );
}

#[rstest]
#[case::a_plain_question(question())]
#[case::text_as_its_form(with("response_format", json!({"type": "text"})))]
#[case::no_logprobs(with("logprobs", json!(false)))]
#[case::one_answer(with("n", json!(1)))]
#[case::a_tool_on_offer(with("tool_choice", json!("auto")))]
#[case::a_stop(with("stop", json!("sky")))]
#[case::words_alone(with("modalities", json!(["text"])))]
#[case::null(with("prediction", Value::Null))]
#[case::no_echo(with("echo", json!(false)))]
#[case::an_effort(with("reasoning_effort", json!("low")))]
fn a_plain_text_may_be_continued(#[case] body: Value) {
    assert!(may_be_continued(body.to_string().as_bytes()));
    assert!(continued_from(&named(Provider::Mock, "mock"), &body, SAID).is_ok());
}

#[rstest]
#[case::some_json("response_format", json!({"type": "json_object"}))]
#[case::a_schema("response_format", json!({"type": "json_schema", "json_schema": {"name": "s"}}))]
#[case::logprobs("logprobs", json!(true))]
#[case::several_answers("n", json!(2))]
#[case::any_tool("tool_choice", json!("required"))]
#[case::one_tool("tool_choice", json!({"type": "function", "function": {"name": "f"}}))]
#[case::one_function("function_call", json!({"name": "f"}))]
#[case::speech("modalities", json!(["text", "audio"]))]
#[case::a_voice("audio", json!({"voice": "alloy", "format": "wav"}))]
#[case::a_prediction("prediction", json!({"type": "content", "content": "x"}))]
#[case::vllms_form("guided_json", json!({"type": "object"}))]
#[case::ollamas_form("format", json!("json"))]
#[case::anthropics_form("output_config", json!({"format": {"type": "json_schema", "schema": {}}}))]
#[case::llama_cpps_form("grammar", json!("root ::= \"a\""))]
#[case::an_echo("echo", json!(true))]
#[case::a_beginning_of_the_callers_own("messages", json!([{"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "Because"}]))]
fn nothing_but_a_plain_text_is_continued(#[case] member: &str, #[case] value: Value) {
    let body = with(member, value);
    assert!(!may_be_continued(body.to_string().as_bytes()));
    let error = continued_from(&named(Provider::Mock, "mock"), &body, SAID).expect_err("refused");
    assert_eq!((error.param(), error.code()), (Some(member), UNSUPPORTED_PARAMETER));
}

#[test]
fn what_is_no_chat_request_is_not_continued() {
    assert!(!may_be_continued(b"{\"messages\": 1}"));
    assert!(!may_be_continued(b"{\"messages\": []}"));
}

#[rstest]
#[case::an_effort("reasoning_effort", json!("low"), Some("reasoning_effort"))]
#[case::no_effort("reasoning_effort", json!("none"), None)]
#[case::thinking("thinking", json!({"type": "enabled", "budget_tokens": 1024}), Some("thinking"))]
#[case::no_thinking("thinking", json!({"type": "disabled"}), None)]
fn anthropic_goes_on_only_where_it_does_not_think(
    #[case] member: &str,
    #[case] value: Value,
    #[case] expected: Option<&str>,
) {
    let continued =
        continued_from(&named(Provider::Anthropic, "claude-sonnet-4-5"), &with(member, value), SAID);
    assert_eq!(continued.err().as_ref().and_then(Error::param), expected);
}

#[test]
fn what_the_operator_adds_and_drops_counts() {
    let mut endpoint = named(Provider::Mistral, "m");
    endpoint.params.defaults.insert("n".to_owned(), json!(2));
    let error = continued_from(&endpoint, &question(), SAID).expect_err("two answers");
    assert_eq!(error.param(), Some("n"));
    endpoint.params.dropped = vec!["logprobs".to_owned()];
    let body = json!({"n": 1, "logprobs": true, "messages": [{"role": "user", "content": "Why?"}]});
    assert!(continued_from(&endpoint, &body, SAID).is_ok());
}

#[test]
fn the_mock_says_the_rest_of_its_reply() {
    let endpoint = named(Provider::Mock, "mock");
    let text = "You said: ";
    let continued = continued_from(&endpoint, &question(), text).expect("it goes on");
    let Call::Script(script) = call(&endpoint, &continued.body) else { panic!("a script") };
    let chunks = script.steps.iter().filter_map(|step| match step {
        Step::Send(bytes) => serde_json::from_slice::<Value>(bytes.strip_prefix(b"data: ")?).ok(),
        _ => None,
    });
    let (mut seam, mut whole) = (Seam::new(text, &continued), text.to_owned());
    for chunk in chunks {
        let mut piece = chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned();
        seam.join(&mut piece);
        whole.push_str(&piece);
    }
    assert_eq!(whole, "You said: Why?");
}
