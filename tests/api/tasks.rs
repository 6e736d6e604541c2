//! The service's own jobs: summaries, titles, and the models that do them.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{CHAT, ConfigFile, Request, TestService, chat, fill, get, post, streamed};

const SUMMARIZE: &str = "/v1/llm/summarize";
const TITLE: &str = "/v1/llm/title";

/// A model for callers, and one for each job.
const ROLES: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: k}}
- {model_name: short, litellm_params: {model: openai/upstream-short, api_base: UPSTREAM/v1, api_key: k}}
- {model_name: titles, litellm_params: {model: openai/upstream-titles, api_base: UPSTREAM/v1, api_key: k}}
litellm_settings: {num_retries: 0}
llm_proxy: {roles: {summarizer: short, title-generator: titles}}
";

const NO_ROLES: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: k}}
litellm_settings: {num_retries: 0}
";

/// The jobs' sections, one of which says only what is its own.
const INI: &str = "
[LLM:m]
url = UPSTREAM/v1
apikey = k
model = upstream-m

[SummarizerLLM]
model = upstream-short

[TitleGeneratorLLM]
";

/// A conversation without a model.
fn conversation() -> Value {
    json!({"messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "What is a crab?"},
        {"role": "assistant", "content": "A crustacean."},
    ]})
}

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn new(behaviour: Behaviour) -> Self {
        let upstream = FaultUpstream::start();
        upstream.default_behaviour(behaviour);
        let service = TestService::native(&upstream, ROLES);
        Self { upstream, service }
    }
}

#[rstest]
#[case::a_summary(SUMMARIZE, "summary", "upstream-short", "summarizer")]
#[case::a_title(TITLE, "title", "upstream-titles", "title-generator")]
#[actix_web::test]
async fn a_conversation_is_summarized_and_titled(
    #[case] path: &str,
    #[case] member: &str,
    #[case] upstream_model: &str,
    #[case] role: &str,
) {
    let scene = Scene::new(Behaviour::chat(" Crabs in short\n"));
    let answer = scene.service.ask(&post(path, conversation())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let done = answer.json();
    let members: Vec<_> = done.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 3, "{done}");
    assert_eq!((&done[member], &done["model"]), (&json!("Crabs in short"), &json!(upstream_model)));
    let usage = &done["usage"];
    let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], sum);
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some(&*format!("openai/{upstream_model}")));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("1"));
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["model"], &record["end"]), (&json!(role), &json!("complete")));
    assert_eq!((&record["operation"], &record["total_tokens"]), (&json!("chat.completions"), &json!(sum)));
}

#[rstest]
#[actix_web::test]
async fn the_model_gets_an_instruction_and_the_whole_conversation(#[values(SUMMARIZE, TITLE)] path: &str) {
    let scene = Scene::new(Behaviour::chat("x"));
    let mut body = conversation();
    body["temperature"] = json!(0.5);
    assert_eq!(scene.service.ask(&post(path, body)).await.status, 200);
    let sent = scene.upstream.requests()[0].json();
    let messages = sent["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user"]);
    for said in ["be brief", "What is a crab?", "A crustacean."] {
        assert!(messages[1]["content"].as_str().unwrap().contains(said), "{sent}");
    }
    assert_eq!(sent["temperature"], 0.5);
}

#[actix_web::test]
async fn a_title_is_given_without_quotes() {
    let scene = Scene::new(Behaviour::chat("\"Crabs.\"\n\nHope it helps!"));
    let answer = scene.service.ask(&post(TITLE, conversation())).await;
    assert_eq!(answer.json()["title"], "Crabs");
}

#[actix_web::test]
async fn a_caller_may_choose_the_model() {
    let scene = Scene::new(Behaviour::chat("x"));
    let mut body = conversation();
    body["model"] = json!("m");
    assert_eq!(scene.service.ask(&post(SUMMARIZE, body)).await.status, 200);
    assert_eq!(scene.upstream.requests()[0].json()["model"], "upstream-m");
}

#[rstest]
#[case::no_messages(json!({}), "messages")]
#[case::empty_messages(json!({"messages": []}), "messages")]
#[case::messages_that_are_none(json!({"messages": "x"}), "messages")]
#[case::a_stream(json!({"messages": [{"role": "user", "content": "x"}], "stream": true}), "stream")]
#[actix_web::test]
async fn what_is_no_conversation_is_refused(
    #[case] body: Value,
    #[case] param: &str,
    #[values(SUMMARIZE, TITLE)] path: &str,
) {
    let scene = Scene::new(Behaviour::chat("x"));
    let error = scene.service.ask(&post(path, body)).await.assert_refused(400);
    assert!(error.param.as_deref().unwrap().starts_with(param), "{error:?}");
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::not_json(post(SUMMARIZE, "{"), 400)]
#[case::no_key(post(SUMMARIZE, conversation()).without_key(), 401)]
#[case::a_wrong_method(get(TITLE), 405)]
#[case::an_unknown_model(post(TITLE, json!({"model": "zzz", "messages": [{"role": "user", "content": "x"}]})), 404)]
#[actix_web::test]
async fn a_wrong_request_is_refused(#[case] request: Request, #[case] status: u16) {
    let scene = Scene::new(Behaviour::chat("x"));
    scene.service.ask(&request).await.assert_refused(status);
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::nothing(Behaviour::chat(""), 502, "malformed_answer")]
#[case::white_space(Behaviour::chat(" \n "), 502, "malformed_answer")]
#[case::a_call(Behaviour::tool_call("f", "{}"), 502, "malformed_answer")]
#[case::a_limit(Behaviour::status(429), 429, "rate_limit_exceeded")]
#[case::a_failure(Behaviour::status(500), 502, "upstream_failure")]
#[actix_web::test]
async fn an_answer_without_a_text_is_an_error(
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[case] code: &str,
    #[values(SUMMARIZE, TITLE)] path: &str,
) {
    let scene = Scene::new(behaviour);
    let answer = scene.service.ask(&post(path, conversation())).await;
    assert_eq!(answer.assert_refused(status).code, code);
    assert!(answer.header("x-llm-proxy-endpoint").unwrap().starts_with("openai/upstream-"));
}

#[rstest]
#[case::summarizer("summarizer", "upstream-short")]
#[case::title_generator("title-generator", "upstream-titles")]
#[actix_web::test]
async fn a_role_can_be_asked_like_a_model(#[case] role: &str, #[case] upstream_model: &str) {
    let scene = Scene::new(Behaviour::chat("x"));
    for body in [chat(role), streamed(role)] {
        assert_eq!(scene.service.ask(&post(CHAT, body)).await.status, 200);
    }
    for request in scene.upstream.requests() {
        assert_eq!(request.json()["model"], upstream_model);
        assert_eq!(request.json()["messages"], chat(role)["messages"]);
    }
}

#[rstest]
#[actix_web::test]
async fn the_default_model_does_a_job_that_nobody_has(#[values("summarizer", "title-generator")] role: &str) {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, NO_ROLES);
    assert_eq!(service.ask(&post(CHAT, chat(role))).await.status, 200);
    assert_eq!(upstream.requests()[0].json()["model"], "upstream-m");
}

#[rstest]
#[case::with_a_model_of_its_own(SUMMARIZE, "upstream-short")]
#[case::with_nothing_of_its_own(TITLE, "upstream-m")]
#[actix_web::test]
async fn an_ini_section_does_a_job(#[case] path: &str, #[case] upstream_model: &str) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::chat("x"));
    let service = TestService::native_ini(&upstream, INI);
    let answer = service.ask(&post(path, conversation())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upstream.requests()[0].json()["model"], upstream_model);
    let list = service.ask(&get("/v1/models")).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
}

#[rstest]
#[actix_web::test]
async fn the_mock_does_both_jobs(#[values((SUMMARIZE, "summary"), (TITLE, "title"))] job: (&str, &str)) {
    let service = TestService::mock();
    let answer = service.ask(&post(job.0, conversation())).await;
    assert!(!answer.json()[job.1].as_str().unwrap().is_empty());
}

/// LiteLLM is asked for the model that has the role.
#[actix_web::test]
async fn a_role_is_known_with_litellm_in_front() {
    let (litellm, provider) = (FaultUpstream::start(), FaultUpstream::start());
    litellm.default_behaviour(Behaviour::chat("x"));
    let file = ConfigFile::yaml(fill(ROLES, &provider));
    let service = TestService::start(|vars| vars.before(&litellm).config(file).set("NATIVE_FALLBACK", false));
    assert_eq!(service.ask(&post(SUMMARIZE, conversation())).await.status, 200);
    assert_eq!(litellm.requests()[0].json()["model"], "short");
}
