//! The mock: the same request gets the same answer, and each documented name does what it says.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use llm_proxy::adapters::mock::MODELS;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Event, OpenAiError, TestService, Variables, chat, post, streamed, text_of,
};

const EMBEDDINGS: &str = "/v1/embeddings";

/// Short of patience, so that a mock that stalls is noticed.
fn hurried() -> TestService {
    TestService::start(|vars| {
        let vars = vars.mock().set("FIRST_BYTE_TIMEOUT_S", 0.3);
        vars.set("IDLE_TIMEOUT_S", 0.3)
    })
}

async fn asked(path: &str, body: &Value) -> Answer {
    hurried().ask(&post(path, body)).await
}

fn saying(text: &str, stream: bool) -> Value {
    json!({"model": "mock", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

fn content(answer: &Answer) -> String {
    let content = answer.json()["choices"][0]["message"]["content"].clone();
    content.as_str().unwrap().to_owned()
}

#[rstest]
#[case::whole(CHAT, saying("hello there", false))]
#[case::streamed(CHAT, saying("hello there", true))]
#[case::tools(CHAT, with_tools(json!("required"), false))]
#[case::streamed_tools(CHAT, with_tools(json!("required"), true))]
#[case::a_completion("/v1/completions", json!({"prompt": "hello there"}))]
#[case::embeddings(EMBEDDINGS, json!({"input": ["hello", "there"]}))]
#[case::a_refusal(CHAT, chat("mock-error-400"))]
#[case::a_broken_stream(CHAT, streamed("mock-truncate"))]
#[actix_web::test]
async fn the_same_request_gets_the_same_bytes(#[case] path: &str, #[case] body: Value) {
    let first = asked(path, &body).await;
    let second = asked(path, &body).await;
    assert_eq!(first.text(), second.text());
    assert!(!first.body.is_empty());
}

#[actix_web::test]
async fn another_request_gets_another_answer() {
    let one = asked(CHAT, &saying("one", false)).await.json();
    let two = asked(CHAT, &saying("two", false)).await.json();
    assert_ne!(one["id"], two["id"]);
    assert_ne!(one["choices"], two["choices"]);
}

#[rstest]
#[case::a_sentence("hello there")]
#[case::nothing("")]
#[case::white_space("  a \n\n b\tc  ")]
#[case::unicode("日本語 👋🏽 é \u{200d}")]
#[case::json("{\"a\": [1, \"b\\\\\"]}")]
#[case::sse("data: [DONE]\n\nevent: error\n\n")]
#[case::a_thousand_words(&"word ".repeat(1000))]
#[actix_web::test]
async fn a_stream_says_what_the_whole_answer_says(#[case] text: &str) {
    let service = TestService::mock();
    let whole = service.ask(&post(CHAT, saying(text, false))).await;
    let mut body = saying(text, true);
    body["stream_options"] = json!({"include_usage": true});
    let events = service.ask(&post(CHAT, &body)).await.events();
    assert_eq!(content(&whole), format!("You said: {text}"));
    assert_eq!(text_of(&events), content(&whole));
    assert!(events.last().unwrap().is_done());
    let usage = &events[events.len() - 2].json()["usage"];
    assert_eq!(usage, &whole.json()["usage"]);
    let total = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], total);
    let finish = &events[events.len() - 3].json()["choices"][0]["finish_reason"];
    assert_eq!(finish, &whole.json()["choices"][0]["finish_reason"]);
}

#[actix_web::test]
async fn an_answer_has_openais_form() {
    let answer = asked(CHAT, &saying("hello", false)).await.json();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "mock");
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(answer["created"].is_u64());
    let choice = &answer["choices"][0];
    assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &json!("stop")));
    assert_eq!(choice["message"]["role"], "assistant");
}

#[actix_web::test]
async fn a_chunk_has_openais_form() {
    let events = asked(CHAT, &saying("hello", true)).await.events();
    assert_eq!(events[0].json()["choices"][0]["delta"]["role"], "assistant");
    for event in &events[..events.len() - 1] {
        let chunk = event.json();
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], events[0].json()["id"]);
        assert_eq!(chunk["model"], "mock");
        assert_eq!(chunk["choices"].as_array().unwrap().len(), 1);
    }
}

#[rstest]
#[case::openai("gpt-4o")]
#[case::a_path("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0")]
#[case::spaces("a model of mine")]
#[case::unicode("模型")]
#[case::nearly_a_fault("mock-error-")]
#[case::a_fault_out_of_range("mock-error-200")]
#[case::another_fault("mock-explode")]
#[actix_web::test]
async fn any_name_is_served(#[case] model: &str) {
    let answer = asked(CHAT, &chat(model)).await;
    assert_eq!((answer.status, &answer.json()["model"]), (200, &json!(model)));
    assert_eq!(content(&answer), "You said: say it");
}

#[actix_web::test]
async fn a_request_without_a_model_gets_the_default() {
    let service = TestService::start(|vars| vars.mock().set("DEFAULT_MODEL", "fallback"));
    let body = json!({"messages": [{"role": "user", "content": "x"}]});
    assert_eq!(service.ask(&post(CHAT, body)).await.json()["model"], "fallback");
    let fault = TestService::start(|vars| vars.mock().set("DEFAULT_MODEL", "mock-error-503"));
    let body = json!({"messages": [{"role": "user", "content": "x"}]});
    assert_eq!(fault.ask(&post(CHAT, body)).await.status, 503);
}

/// What a name does: the code of its error, or nothing where it answers.
type Does = (u16, &'static str);

const ANSWERS: Does = (200, "");

#[rstest]
#[case::mock("mock", ANSWERS, "")]
#[case::stall("mock-stall", (504, "first_byte_timeout"), "idle_timeout")]
#[case::truncate("mock-truncate", (502, "stream_truncated"), "stream_truncated")]
#[case::no_done("mock-no-done", ANSWERS, "stream_truncated")]
#[case::malformed("mock-malformed", (502, "malformed_answer"), "malformed_answer")]
#[case::error_in_stream("mock-error-in-stream", (502, "mock_failure"), "mock_failure")]
#[case::empty("mock-empty", ANSWERS, "")]
#[case::length("mock-length", ANSWERS, "")]
#[case::content_filter("mock-content-filter", ANSWERS, "")]
#[case::no_usage("mock-no-usage", ANSWERS, "")]
#[actix_web::test]
async fn a_name_does_what_it_says(#[case] model: &str, #[case] whole: Does, #[case] in_stream: &str) {
    let service = hurried();
    let answer = service.ask(&post(CHAT, chat(model))).await;
    assert_eq!(answer.status, whole.0);
    if whole != ANSWERS {
        assert_eq!(answer.assert_refused(whole.0).code, whole.1);
    }
    let answer = service.ask(&post(CHAT, streamed(model))).await;
    assert_eq!((answer.status, answer.complete), (200, true));
    let events = answer.events();
    let done = events.iter().filter(|event| event.is_done()).count();
    if in_stream.is_empty() {
        assert_eq!(done, 1);
        return;
    }
    assert_eq!(done, 0, "{events:?}");
    assert!(events.len() > 2, "{events:?}");
    assert_eq!(OpenAiError::read(&events.last().unwrap().json()).code, in_stream);
    // What came before is a part of what would have come.
    let said = text_of(&events[..events.len() - 1]);
    assert!("You said: say it".starts_with(&said), "{said}");
}

#[rstest]
#[case::bad_request("mock-error-400", 400, "mock_refusal")]
#[case::our_key("mock-error-401", 502, "backend_authentication")]
#[case::not_found("mock-error-404", 404, "mock_refusal")]
#[case::teapot("mock-error-418", 418, "mock_refusal")]
#[case::context_length("mock-error-context-length", 400, "context_length_exceeded")]
#[case::quota("mock-error-quota", 429, "insufficient_quota")]
#[case::limit("mock-error-429", 429, "rate_limit_exceeded")]
#[case::failure("mock-error-500", 502, "upstream_failure")]
#[case::overload("mock-error-503", 503, "upstream_failure")]
#[case::timeout("mock-error-504", 504, "upstream_timeout")]
#[case::the_last("mock-error-599", 502, "upstream_failure")]
#[actix_web::test]
async fn a_name_with_an_error_has_it(
    #[case] model: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[values((CHAT, chat("")), (CHAT, streamed("")), ("/v1/completions", json!({"prompt": "x"})), (EMBEDDINGS, json!({"input": "x"})))]
    request: (&str, Value),
) {
    let (path, mut body) = request;
    body["model"] = json!(model);
    let answer = asked(path, &body).await;
    assert_eq!(answer.assert_refused(status).code, code);
    let wait = (model == "mock-error-429").then_some("1");
    if model != "mock-error-quota" {
        assert_eq!(answer.header("retry-after"), wait);
    }
}

#[rstest]
#[case::empty("mock-empty", "", "stop")]
#[case::length("mock-length", "You said: say it", "length")]
#[case::content_filter("mock-content-filter", "You said: say it", "content_filter")]
#[actix_web::test]
async fn a_name_with_another_end_has_it(#[case] model: &str, #[case] text: &str, #[case] reason: &str) {
    let service = TestService::mock();
    let answer = service.ask(&post(CHAT, chat(model))).await;
    assert_eq!(content(&answer), text);
    assert_eq!(answer.json()["choices"][0]["finish_reason"], reason);
    let streamed = service.ask(&post(CHAT, streamed(model))).await;
    assert_eq!(text_of(&streamed.events()), text);
    assert_eq!(service.usage(streamed.id()).await["finish_reason"], reason);
}

#[actix_web::test]
async fn a_name_without_usage_reports_none() {
    let service = TestService::mock();
    let answer = service.ask(&post(CHAT, chat("mock-no-usage"))).await;
    assert!(answer.json()["usage"].is_null());
    assert_eq!(service.usage(answer.id()).await["provenance"], "estimated");
}

#[actix_web::test]
async fn a_slow_name_is_slow() {
    let service = TestService::start(|vars| vars.mock().set("MOCK_DELAY_MS", 5));
    let answer = service.ask(&post(CHAT, streamed("mock-slow"))).await;
    assert!(answer.took > Duration::from_secs(2), "{:?}", answer.took);
    assert!(answer.events().last().unwrap().is_done());
    let answer = service.ask(&post(CHAT, chat("mock-slow"))).await;
    assert!(answer.took > Duration::from_secs(2), "{:?}", answer.took);
}

/// A new name needs a test: this is the list of those that have one.
#[test]
fn every_documented_name_is_tested() {
    let tested = [
        "mock",
        "mock-slow",
        "mock-stall",
        "mock-truncate",
        "mock-no-done",
        "mock-malformed",
        "mock-error-in-stream",
        "mock-empty",
        "mock-length",
        "mock-content-filter",
        "mock-no-usage",
        "mock-error-400",
        "mock-error-context-length",
        "mock-error-quota",
        "mock-error-429",
        "mock-error-500",
        "mock-error-503",
    ];
    let documented: BTreeSet<_> = MODELS.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented, tested.into_iter().collect());
}

#[actix_web::test]
async fn a_stream_takes_the_time_it_is_told_to() {
    let service = TestService::start(|vars| vars.mock().set("MOCK_DELAY_MS", 40));
    let mut client = service.connect().await;
    client.begin(&post(CHAT, streamed("mock"))).await;
    let started = std::time::Instant::now();
    let (events, _) = client.all_events().await;
    // Between all its events, the one with the usage that is kept here included.
    let pauses = u32::try_from(events.len()).unwrap();
    assert!(started.elapsed() > Duration::from_millis(35) * (pauses - 1), "{:?}", started.elapsed());
}

fn with_tools(choice: Value, stream: bool) -> Value {
    let parameters = json!({"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]}}});
    json!({"model": "mock", "stream": stream, "tool_choice": choice,
    "messages": [{"role": "user", "content": "the weather, please"}],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": parameters}},
        {"type": "function", "function": {"name": "now"}},
    ]})
}

fn named(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

#[rstest]
#[case::required(json!("required"), "weather")]
#[case::named(named("now"), "now")]
#[actix_web::test]
async fn a_tool_is_called_where_it_is_demanded(#[case] choice: Value, #[case] name: &str) {
    let answer = asked(CHAT, &with_tools(choice, false)).await.json();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert!(choice["message"]["content"].is_null());
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!(name)));
    assert!(call["id"].as_str().unwrap().starts_with("call_"));
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    if name == "weather" {
        assert!(arguments["city"].is_string() && arguments["days"].is_u64());
        assert_eq!(arguments["unit"], "c");
    }
}

#[actix_web::test]
async fn a_streamed_tool_call_adds_up_to_the_whole_one() {
    let whole = asked(CHAT, &with_tools(json!("required"), false)).await.json();
    let events = asked(CHAT, &with_tools(json!("required"), true)).await.events();
    let deltas: Vec<Value> = events.iter().filter(|event| !event.is_done()).map(Event::json).collect();
    let calls = deltas.iter().flat_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());
    let calls: Vec<&Value> = calls.flatten().collect();
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    let expected = &whole["choices"][0]["message"]["tool_calls"][0]["function"];
    assert!(calls.len() > 2);
    assert_eq!(calls[0]["function"]["name"], expected["name"]);
    assert_eq!(arguments, expected["arguments"].as_str().unwrap());
}

#[rstest]
#[case::auto(json!("auto"))]
#[case::none(json!("none"))]
#[case::null(Value::Null)]
#[actix_web::test]
async fn a_tool_that_is_only_offered_is_not_called(#[case] choice: Value) {
    let answer = asked(CHAT, &with_tools(choice, false)).await;
    assert_eq!(content(&answer), "You said: the weather, please");
}

#[actix_web::test]
async fn a_tool_that_is_not_offered_cannot_be_demanded() {
    let answer = asked(CHAT, &with_tools(named("other"), false)).await;
    assert_eq!(answer.assert_refused(400).param.as_deref(), Some("tool_choice"));
}

#[rstest]
#[case::one_left(json!({"max_tokens": 1}), "You", "length")]
#[case::by_its_newer_name(json!({"max_completion_tokens": 2}), "You said:", "length")]
#[case::enough(json!({"max_tokens": 1000}), "You said: a b c", "stop")]
#[actix_web::test]
async fn max_tokens_is_a_limit(#[case] limit: Value, #[case] text: &str, #[case] reason: &str) {
    for stream in [false, true] {
        let mut body = saying("a b c", stream);
        body.as_object_mut().unwrap().extend(limit.as_object().unwrap().clone());
        let answer = asked(CHAT, &body).await;
        let said = if stream { text_of(&answer.events()) } else { content(&answer) };
        assert_eq!(said, text);
        assert!(answer.text().contains(&format!("\"finish_reason\":\"{reason}\"")));
    }
}

#[actix_web::test]
async fn n_choices_are_n_choices() {
    let mut body = saying("hello", false);
    body["n"] = json!(3);
    let choices = asked(CHAT, &body).await.json()["choices"].clone();
    let indices: Vec<_> = choices.as_array().unwrap().iter().map(|choice| &choice["index"]).collect();
    assert_eq!(indices, [0, 1, 2]);
    body["stream"] = json!(true);
    let events = asked(CHAT, &body).await.events();
    let chunks = events.iter().filter(|event| !event.is_done()).map(Event::json);
    let finished = chunks.filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop");
    let indices: BTreeSet<_> = finished.map(|chunk| chunk["choices"][0]["index"].as_u64()).collect();
    assert_eq!(indices, [Some(0), Some(1), Some(2)].into());
}

#[actix_web::test]
async fn an_old_completion_echoes_too() {
    let service = TestService::mock();
    let whole = service.ask(&post("/v1/completions", json!({"prompt": "hello"}))).await.json();
    assert_eq!(
        (&whole["object"], &whole["choices"][0]["text"]),
        (&json!("text_completion"), &json!("You said: hello"))
    );
    let body = json!({"prompt": "hello", "stream": true});
    let events = service.ask(&post("/v1/completions", body)).await.events();
    let chunks = events.iter().filter(|event| !event.is_done());
    let text: String =
        chunks.map(|e| e.json()["choices"][0]["text"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(text, "You said: hello");
    assert!(events.last().unwrap().is_done());
}

fn floats(embedding: &Value) -> Vec<f64> {
    embedding.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[rstest]
#[case::a_text(json!("hello"), 1)]
#[case::texts(json!(["hello", "there", "hello"]), 3)]
#[case::tokens(json!([1, 2, 3]), 1)]
#[case::lists_of_tokens(json!([[1, 2], [3]]), 2)]
#[actix_web::test]
async fn every_input_gets_its_vector(#[case] input: Value, #[case] count: usize) {
    let answer = asked(EMBEDDINGS, &json!({"model": "e", "input": input})).await.json();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("e")));
    let data = answer["data"].as_array().unwrap();
    assert_eq!(data.len(), count);
    for (index, item) in data.iter().enumerate() {
        assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(index)));
        let length: f64 = floats(&item["embedding"]).iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    if count == 3 {
        assert_eq!(data[0]["embedding"], data[2]["embedding"]);
        assert_ne!(data[0]["embedding"], data[1]["embedding"]);
    }
}

#[rstest]
#[case::few(1)]
#[case::some(40)]
#[case::many(3072)]
#[actix_web::test]
async fn a_vector_is_as_long_as_it_is_asked_to_be(#[case] dimensions: usize) {
    let body = json!({"input": "hello", "dimensions": dimensions});
    let answer = asked(EMBEDDINGS, &body).await.json();
    assert_eq!(floats(&answer["data"][0]["embedding"]).len(), dimensions);
}

#[actix_web::test]
async fn base64_holds_the_same_vector() {
    let service = TestService::mock();
    let ask = |format: &str| {
        post(EMBEDDINGS, json!({"input": "hello", "dimensions": 16, "encoding_format": format}))
    };
    let plain = service.ask(&ask("float")).await.json();
    let packed = service.ask(&ask("base64")).await.json();
    let packed = packed["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
    let unpacked = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let expected = floats(&plain["data"][0]["embedding"]);
    let near = unpacked.zip(&expected).filter(|(a, b)| (f64::from(*a) - **b).abs() < 1e-6);
    assert_eq!(near.count(), 16);
}

#[rstest]
#[case::nothing(json!({"input": {}}), "input")]
#[case::mixed(json!({"input": ["a", 5]}), "input")]
#[case::dimensions_in_words(json!({"input": "a", "dimensions": "many"}), "dimensions")]
#[case::negative_dimensions(json!({"input": "a", "dimensions": -1}), "dimensions")]
#[actix_web::test]
async fn embeddings_of_what_has_none_are_400(#[case] body: Value, #[case] param: &str) {
    let error = asked(EMBEDDINGS, &body).await.assert_refused(400);
    assert_eq!(error.param.as_deref(), Some(param), "{}", error.message);
}

/// The envelope lets numbers through that are none of a token's.
#[rstest]
#[case::a_negative_n(json!({"n": -1}))]
#[case::a_fraction_of_n(json!({"n": 1.5}))]
#[case::negative_tokens(json!({"max_tokens": -5}))]
#[case::a_tool_without_a_name(json!({"tools": [{"type": "function", "function": {}}]}))]
#[case::a_tool_a_text(json!({"tools": ["weather"]}))]
#[actix_web::test]
async fn members_that_make_no_sense_are_400(#[case] members: Value) {
    let mut body = saying("x", false);
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let answer = asked(CHAT, &body).await;
    let error = answer.assert_refused(400);
    let member = members.as_object().unwrap().keys().next().unwrap();
    assert!(error.message.contains(member.as_str()) || error.param.as_deref() == Some(member), "{error:?}");
}

#[actix_web::test]
async fn the_mock_is_ready_without_any_network() {
    let service = TestService::start(|vars: Variables| {
        vars.mock().set("LITELLM_PROXY_URL", "http://no-such-host.invalid")
    });
    let plain = service.plain();
    assert_eq!(plain.get("/health/ready").await.status, 200);
    let answer = plain.post(CHAT, &chat("m")).await;
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("mock"));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("1"));
}
