//! The configuration file: read at the start or not at all, and read again while requests are served.

use std::process::Output;

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::Value;

use crate::harness::{
    CHAT, ConfigFile, Program, Variables, chat, fill, get, post, streamed, text_of, wait_for,
};

const READ_AGAIN: &str = "the configuration was read again";
const STAYS: &str = "the configuration stays as it was";

/// A configuration of one model.
fn of(model: &str, upstream: &FaultUpstream) -> String {
    let text = format!(
        "
model_list:
- {{model_name: {model}, litellm_params: {{model: openai/upstream-{model}, api_base: UPSTREAM/v1, api_key: k}}}}
litellm_settings: {{num_retries: 0}}
"
    );
    fill(&text, upstream)
}

/// A running program that serves the model `before`.
struct Scene {
    upstream: FaultUpstream,
    program: Program,
}

impl Scene {
    async fn start() -> Self {
        let upstream = FaultUpstream::start();
        let file = ConfigFile::yaml(of("before", &upstream));
        let program = Program::start(|vars| vars.native(file));
        let scene = Self { upstream, program };
        assert_eq!(scene.names().await, ["before"]);
        scene
    }

    async fn names(&self) -> Vec<String> {
        let list = self.program.ask(&get("/v1/models")).await.json();
        let models = list["data"].as_array().unwrap().iter();
        models.map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn status(&self, model: &str) -> u16 {
        self.program.ask(&post(CHAT, chat(model))).await.status
    }

    /// The message with these words, once it is there.
    async fn message(&self, words: &str) -> String {
        let find = || self.program.messages().into_iter().find(|message| message.contains(words));
        wait_for(words, find).await
    }
}

#[rstest]
#[case::it_is_noticed(false)]
#[case::it_is_told(true)]
#[actix_web::test]
async fn a_changed_file_is_read_again(#[case] is_told: bool) {
    let scene = Scene::start().await;
    scene.program.config().write(of("after", &scene.upstream));
    if is_told {
        scene.program.signal("HUP");
    }
    scene.message(READ_AGAIN).await;
    assert_eq!(scene.names().await, ["after"]);
    assert_eq!((scene.status("after").await, scene.status("before").await), (200, 404));
    assert_eq!(scene.upstream.requests()[0].json()["model"], "upstream-after");
}

/// A signal that nobody listens for would end it.
#[rstest]
#[case::hup(1)]
#[case::int(2)]
#[case::term(15)]
#[actix_web::test]
async fn a_service_that_says_that_it_listens_is_ready_for_signals(#[case] signal: u32) {
    let program = Program::start(|vars| vars.set("LLM_MODE", "mock"));
    assert!(program.catches(signal));
}

/// The file is what it was, but a variable's file or a link may not be.
#[actix_web::test]
async fn a_signal_has_an_unchanged_file_read_again() {
    let scene = Scene::start().await;
    scene.program.signal("HUP");
    scene.message(READ_AGAIN).await;
    assert_eq!(scene.names().await, ["before"]);
}

#[rstest]
#[case::no_yaml("model_list: [", "litellm_config.yaml:1:")]
#[case::a_wrong_value(
    "model_list:\n- {model_name: x, litellm_params: {model: openai/x, api_key: k, timeout: never}}",
    "timeout"
)]
#[case::no_endpoint("model_list: []", "no endpoint is left")]
#[case::no_secret(
    "model_list:\n- {model_name: x, litellm_params: {model: openai/x, api_key: os.environ/NOBODYS_KEY}}",
    "NOBODYS_KEY"
)]
#[actix_web::test]
async fn a_bad_file_changes_nothing(#[case] text: &str, #[case] named: &str) {
    let scene = Scene::start().await;
    scene.program.config().write(text);
    scene.program.signal("HUP");
    let message = scene.message(STAYS).await;
    assert!(message.contains(named), "{message}");
    assert_eq!((scene.names().await, scene.status("before").await), (vec!["before".to_owned()], 200));
    scene.program.config().write(of("after", &scene.upstream));
    scene.message(READ_AGAIN).await;
    assert_eq!(scene.names().await, ["after"]);
}

#[actix_web::test]
async fn a_file_that_is_gone_changes_nothing() {
    let scene = Scene::start().await;
    std::fs::remove_file(scene.program.config().path()).unwrap();
    scene.program.signal("HUP");
    assert!(scene.message(STAYS).await.contains("cannot be read"));
    assert_eq!(scene.status("before").await, 200);
}

#[actix_web::test]
async fn a_request_under_way_keeps_its_endpoint() {
    let scene = Scene::start().await;
    scene.upstream.on("upstream-before", Behaviour::long_stream(40, 4).gap_ms(50));
    let mut client = scene.program.connect().await;
    client.begin(&post(CHAT, streamed("before"))).await;
    let mut events = client.events(2).await;
    scene.program.config().write(of("after", &scene.upstream));
    scene.program.signal("HUP");
    scene.message(READ_AGAIN).await;
    assert_eq!(scene.status("before").await, 404);
    let (rest, complete) = client.all_events().await;
    events.extend(rest);
    assert!(complete && events.last().unwrap().is_done());
    assert_eq!(text_of(&events).len(), 160);
}

/// What the program said about why it does not go on: one line.
#[track_caller]
fn only_line(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    lines[0].strip_prefix("llm-proxy: ").expect("the program's name").to_owned()
}

#[rstest]
#[case::a_file_that_is_not_there(
    |vars: Variables| vars.set("CONFIG", "/nowhere/config.yaml"),
    &["LLM_PROXY__CONFIG", "/nowhere/config.yaml"]
)]
#[case::no_file_in_native_mode(
    |vars: Variables| vars.set("LLM_MODE", "native"),
    &["LLM_PROXY__LLM_MODE", "no endpoint is configured", "LLM_PROXY__CONFIG"]
)]
#[case::wrong_yaml(
    |vars: Variables| vars.native(ConfigFile::yaml("model_list:\n- model_name: m\n  litellm_params: [\n")),
    &["litellm_config.yaml:"]
)]
#[case::a_missing_key(
    |vars: Variables| vars.native(ConfigFile::yaml("\nmodel_list:\n- model_name: m\n")),
    &["litellm_config.yaml:3:", "litellm_params"]
)]
#[case::a_wrong_value_with_litellm_in_front(
    |vars: Variables| vars.config(ConfigFile::yaml("model_list: 5")),
    &["litellm_config.yaml:1:", "model_list"]
)]
#[case::no_models(|vars: Variables| vars.native(ConfigFile::yaml("model_list: []")), &["no endpoint is left"])]
#[case::no_secrets(
    |vars: Variables| vars.native(ConfigFile::yaml(
        "model_list:\n- {model_name: a, litellm_params: {model: groq/x}}\n- {model_name: b, litellm_params: {model: anthropic/x, api_key: os.environ/MY_KEY}}\n"
    )),
    &["no endpoint is left", "GROQ_API_KEY", "MY_KEY"]
)]
#[case::a_wrong_ini(
    |vars: Variables| vars.native(ConfigFile::ini("[LLM:m]\nurl = http://x\nenabled = perhaps\n")),
    &["config.ini:3:", "enabled"]
)]
#[actix_web::test]
async fn a_service_without_a_configuration_does_not_start(
    #[case] change: fn(Variables) -> Variables,
    #[case] named: &[&str],
    #[values("serve", "check")] command: &str,
) {
    let line = only_line(&Program::run(&[command], change).await);
    for words in named {
        assert!(line.contains(words), "{words}: {line}");
    }
}

/// Two models, of which one has no key.
const HALF: &str = "
model_list:
- model_name: whole
  litellm_params: {model: groq/some-model, api_key: sk-secret-of-groq}
- model_name: half
  litellm_params: {model: anthropic/other-model, api_key: os.environ/MY_KEY}
";

#[actix_web::test]
async fn a_check_fails_for_an_endpoint_that_is_left_out_and_says_why() {
    let output = Program::run(&["check"], |vars| vars.native(ConfigFile::yaml(HALF))).await;
    assert_eq!(only_line(&output), "one endpoint is left out, see above");
    let said = String::from_utf8(output.stdout).unwrap();
    for words in ["whole", "groq/some-model", "litellm_config.yaml:6:", "MY_KEY is not set"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("sk-secret-of-groq"), "{said}");
}

#[actix_web::test]
async fn a_check_of_a_whole_configuration_succeeds() {
    let output = Program::run(&["check"], |vars| {
        vars.native(ConfigFile::yaml(HALF)).variable("MY_KEY", "sk-secret-of-anthropic")
    })
    .await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(output.stderr.is_empty());
    assert!(said.contains("groq/some-model") && said.contains("anthropic/other-model"), "{said}");
    assert!(!said.contains("sk-secret-"), "{said}");
}

#[actix_web::test]
async fn an_endpoint_that_is_left_out_is_told_and_the_others_serve() {
    let program = Program::start(|vars| vars.native(ConfigFile::yaml(HALF)));
    let list = program.ask(&get("/v1/models")).await.json();
    let models: &Vec<Value> = list["data"].as_array().unwrap();
    assert_eq!(models.iter().map(|model| &model["id"]).collect::<Vec<_>>(), ["whole"]);
    let warned = program.messages().into_iter().find(|message| message.contains("MY_KEY"));
    assert!(warned.unwrap().contains("litellm_config.yaml:6:"));
    assert_eq!(program.ask(&post(CHAT, chat("half"))).await.status, 404);
}
