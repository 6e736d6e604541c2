//! The configuration file: read at the start, explained by `check`, read again when it changes.

use rstest::rstest;
use serde_json::json;

use crate::harness::{CHAT, ConfigFile, Program, TestService, chat, get, post, wait_for};

fn answering(model: &str) -> String {
    format!(
        "model_list:\n- model_name: {model}\n  litellm_params: {{model: openai/x, mock_response: \"from {model}\"}}\n"
    )
}

async fn is_served(program: &Program, model: &str) -> bool {
    program.ask(&post(CHAT, chat(model))).await.status == 200
}

/// Waits until the program has said this.
async fn said(program: &Program, words: &str) {
    wait_for(words, || program.messages().iter().any(|message| message.contains(words)).then_some(())).await;
}

#[rstest]
#[case::by_watching(false)]
#[case::by_sighup(true)]
#[actix_web::test]
async fn a_changed_file_is_served_without_a_restart(#[case] told: bool) {
    let program = Program::start(|vars| vars.native(ConfigFile::yaml(answering("before"))));
    assert!(is_served(&program, "before").await);
    program.config().write(answering("behind"));
    if told {
        program.signal("HUP");
    }
    said(&program, "the configuration was read again").await;
    assert!(is_served(&program, "behind").await);
    assert_eq!(program.ask(&post(CHAT, chat("before"))).await.assert_refused(404).code, "model_not_found");
}

#[actix_web::test]
async fn a_bad_file_changes_nothing_and_says_so() {
    let program = Program::start(|vars| vars.native(ConfigFile::yaml(answering("before"))));
    program.config().write("model_list: [");
    program.signal("HUP");
    said(&program, "the configuration stays as it was").await;
    assert!(is_served(&program, "before").await);
    program.config().write(answering("mended"));
    program.signal("HUP");
    said(&program, "the configuration was read again").await;
    assert!(is_served(&program, "mended").await);
}

const WITHOUT_SECRET: &str = "
model_list:
- model_name: open
  litellm_params: {model: openai/x, mock_response: hello}
- model_name: closed
  litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/NO_SUCH_KEY}
";

#[actix_web::test]
async fn check_explains_the_models_and_fails_for_what_is_missing() {
    let checked = Program::run(&["check"], |vars| vars.native(ConfigFile::yaml(WITHOUT_SECRET))).await;
    let out = String::from_utf8(checked.stdout).unwrap();
    assert!(!checked.status.success(), "{out}");
    assert!(out.contains("\n  open\n"), "{out}");
    assert!(out.contains("litellm_config.yaml:6: ") && out.contains("NO_SUCH_KEY is not set"), "{out}");
    let checked = Program::run(&["check"], |vars| vars.native(ConfigFile::yaml(answering("m")))).await;
    assert!(checked.status.success());
}

#[actix_web::test]
async fn an_endpoint_without_its_secret_is_left_out_and_named() {
    let program = Program::start(|vars| vars.native(ConfigFile::yaml(WITHOUT_SECRET)));
    said(&program, "NO_SUCH_KEY is not set").await;
    let list = program.ask(&get("/v1/models")).await.json();
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(names, [&json!("open")]);
}

#[rstest]
#[case::broken_yaml("model_list: [", "litellm_config.yaml:")]
#[case::nobody_left(
    "model_list:\n- model_name: m\n  litellm_params: {model: groq/x, api_key: os.environ/NO_SUCH_KEY}\n",
    "NO_SUCH_KEY"
)]
#[actix_web::test]
async fn a_wrong_file_stops_the_start_in_one_line(#[case] yaml: &str, #[case] named: &str) {
    let started = Program::run(&["serve"], |vars| vars.native(ConfigFile::yaml(yaml))).await;
    let said = String::from_utf8(started.stderr).unwrap();
    assert!(!started.status.success() && said.contains(named), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

#[actix_web::test]
async fn native_mode_without_endpoints_does_not_start() {
    let started = Program::run(&["serve"], |vars| vars.set("LLM_MODE", "native")).await;
    let said = String::from_utf8(started.stderr).unwrap();
    assert!(!started.status.success() && said.contains("no endpoint is configured"), "{said}");
}

#[rstest]
#[case::a_summary("/v1/llm/summarize", "summary")]
#[case::a_title("/v1/llm/title", "title")]
#[actix_web::test]
async fn the_roles_do_their_jobs(#[case] path: &str, #[case] member: &str) {
    let yaml = format!("{}llm_proxy: {{roles: {{summarizer: m, title-generator: m}}}}\n", answering("m"));
    let service = TestService::start(|vars| vars.native(ConfigFile::yaml(&yaml)));
    let answer = service.ask(&post(path, json!({"messages": [{"role": "user", "content": "hi"}]}))).await;
    assert_eq!(answer.json()[member], "from m", "{}", answer.text());
    assert!(answer.json()["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(
        service.usage(answer.id()).await["model"],
        if member == "title" { "title-generator" } else { "summarizer" }
    );
    let streamed = json!({"stream": true, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(service.ask(&post(path, streamed)).await.assert_refused(400).param.as_deref(), Some("stream"));
    let empty = service.ask(&post(path, json!({"messages": []}))).await.assert_refused(400);
    assert_eq!(empty.param.as_deref(), Some("messages"));
}
