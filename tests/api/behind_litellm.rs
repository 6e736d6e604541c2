//! LiteLLM in front, and the configuration's own endpoints behind it.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, ConfigFile, LITELLM_KEY, Program, TestService, Variables, chat, fill, get, post, streamed,
    text_of,
};

/// What LiteLLM was started with.
const CONFIG: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: sk-native-key}}
- {model_name: other, litellm_params: {model: openai/upstream-other, api_base: UPSTREAM/v1, api_key: k}}
";

/// LiteLLM, the provider behind it, and the service that knows both.
struct Scene {
    litellm: FaultUpstream,
    provider: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn set(litellm: Behaviour, change: impl FnOnce(Variables) -> Variables) -> Self {
        let (front, provider) = (FaultUpstream::start(), FaultUpstream::start());
        front.default_behaviour(litellm);
        provider.default_behaviour(Behaviour::chat("by the provider"));
        let file = ConfigFile::yaml(fill(CONFIG, &provider));
        let service = TestService::start(|vars| change(vars.before(&front).config(file)));
        Self { litellm: front, provider, service }
    }

    fn new(litellm: Behaviour) -> Self {
        Self::set(litellm, |vars| vars)
    }

    /// Nobody listens where LiteLLM should.
    fn without_litellm(change: impl FnOnce(Variables) -> Variables) -> Self {
        Self::set(Behaviour::default(), |vars| change(vars.set("LITELLM_PROXY_URL", "http://127.0.0.1:1")))
    }

    async fn ask(&self, body: Value) -> Answer {
        self.service.ask(&post(CHAT, body)).await
    }
}

#[track_caller]
fn assert_served_by(answer: &Answer, endpoint: &str, attempts: &str) {
    let by = (answer.header("x-llm-proxy-endpoint"), answer.header("x-llm-proxy-attempts"));
    assert_eq!(by, (Some(endpoint), Some(attempts)), "{}", answer.raw);
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn the_models_own_endpoint_serves_where_litellm_is_dead(#[case] body: Value) {
    let scene = Scene::without_litellm(|vars| vars);
    let answer = scene.ask(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("provider"), "{}", answer.text());
    assert_served_by(&answer, "openai/upstream-m", "2");
    assert_eq!(scene.provider.requests()[0].json()["model"], "upstream-m");
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["endpoint"], &record["attempts"]), (&json!("openai/upstream-m"), &json!(2)));
    let page = scene.service.metrics().await;
    let labels = [("endpoint", "litellm"), ("kind", "backend_unavailable")];
    assert_eq!(page.sum("llm_proxy_upstream_errors_total", &labels), 1.0);
}

#[rstest]
#[case::it_fails(Behaviour::status(500))]
#[case::it_is_overloaded(Behaviour::status(503))]
#[case::it_refuses_our_key(Behaviour::status(401))]
#[case::it_hangs_up(Behaviour::reset_before_head())]
#[actix_web::test]
async fn the_models_own_endpoint_serves_where_litellm_fails(#[case] litellm: Behaviour) {
    let scene = Scene::new(litellm);
    let answer = scene.ask(streamed("m")).await;
    assert_eq!(text_of(&answer.events()), "by the provider");
    assert_served_by(&answer, "openai/upstream-m", "2");
}

#[actix_web::test]
async fn litellm_serves_where_it_can() {
    let scene = Scene::new(Behaviour::chat("by LiteLLM"));
    let answer = scene.ask(chat("m")).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "by LiteLLM");
    assert_served_by(&answer, "litellm", "1");
    assert_eq!(scene.provider.requests(), []);
}

#[actix_web::test]
async fn what_litellm_refuses_is_not_asked_again() {
    let scene = Scene::new(Behaviour::status(400));
    let answer = scene.ask(chat("m")).await;
    answer.assert_refused(400);
    assert_served_by(&answer, "litellm", "1");
    assert_eq!(scene.provider.requests(), []);
}

/// LiteLLM reads them; a provider has no business with them.
#[actix_web::test]
async fn the_callers_headers_go_to_litellm_and_not_to_a_provider() {
    let scene = Scene::new(Behaviour::status(500));
    let request =
        post(CHAT, chat("m")).header("baggage", "b=callers-1").header("x-litellm-tags", "callers-2");
    assert_eq!(scene.service.ask(&request).await.status, 200);
    let (to_litellm, to_provider) = (&scene.litellm.requests()[0], &scene.provider.requests()[0]);
    assert_eq!(to_litellm.header("baggage"), Some("b=callers-1"));
    assert_eq!(to_litellm.header("x-litellm-tags"), Some("callers-2"));
    assert_eq!(to_litellm.header("authorization"), Some(&*format!("Bearer {LITELLM_KEY}")));
    assert!(!format!("{:?}", to_provider.headers).contains("callers-"));
    assert_eq!(to_provider.header("authorization"), Some("Bearer sk-native-key"));
}

#[rstest]
#[case::the_operator_does_not_want_it("m", Some("false"))]
#[case::only_litellm_knows_the_model("only-litellms", None)]
#[actix_web::test]
async fn nobody_serves_behind_a_dead_litellm(#[case] model: &str, #[case] native_fallback: Option<&str>) {
    let scene = Scene::without_litellm(|vars| {
        native_fallback.map_or(vars.clone(), |value| vars.set("NATIVE_FALLBACK", value))
    });
    for body in [chat(model), streamed(model)] {
        let answer = scene.ask(body).await;
        assert_eq!(answer.assert_refused(503).code, "backend_unavailable");
        assert_served_by(&answer, "litellm", "1");
    }
    assert_eq!(scene.provider.requests(), []);
}

const ROLES: &str = "
[LLM:Big]
url = UPSTREAM/v1
apikey = k
model = upstream-big

[SummarizerLLM]
model = upstream-small
";

/// LiteLLM would answer that there is no such model.
#[rstest]
#[case::by_its_own_endpoint(None, "SummarizerLLM", &["upstream-small"], &[])]
#[case::by_the_default_model(Some("false"), "litellm", &[], &["gpt-3.5-turbo"])]
#[actix_web::test]
async fn a_role_that_litellm_does_not_know_is_done(
    #[case] native_fallback: Option<&str>,
    #[case] endpoint: &str,
    #[case] asked_of_provider: &[&str],
    #[case] asked_of_litellm: &[&str],
) {
    let (litellm, provider) = (FaultUpstream::start(), FaultUpstream::start());
    let file = ConfigFile::ini(fill(ROLES, &provider));
    let service = TestService::start(|vars| {
        let vars = vars.before(&litellm).config(file);
        native_fallback.map_or(vars.clone(), |value| vars.set("NATIVE_FALLBACK", value))
    });
    let answer = service.ask(&post(CHAT, chat("summarizer"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_served_by(&answer, endpoint, "1");
    let models = |upstream: &FaultUpstream| -> Vec<Value> {
        upstream.requests().iter().map(|request| request.json()["model"].clone()).collect()
    };
    assert_eq!(
        (models(&provider), models(&litellm)),
        (
            asked_of_provider.iter().map(|m| json!(m)).collect(),
            asked_of_litellm.iter().map(|m| json!(m)).collect()
        )
    );
}

#[actix_web::test]
async fn a_role_that_nobody_may_serve_is_told_by_check() {
    let file = ConfigFile::ini(
        "[LLM:Big]\nurl = http://big/v1\napikey = k\nmodel = b\n[SummarizerLLM]\nmodel = s\n",
    );
    let check = Program::run(&["check"], |vars| vars.config(file).set("NATIVE_FALLBACK", "false")).await;
    let told = String::from_utf8(check.stdout).unwrap();
    assert!(told.contains("`[SummarizerLLM]` is not used"), "{told}");
    assert!(told.contains("summarizer -> the default model"), "{told}");
}

#[rstest]
#[case::dead(None, &["m", "other"])]
#[case::failing(Some(Behaviour::status(500)), &["m", "other"])]
#[case::alive(Some(Behaviour::json(json!({"object": "list", "data": [{"id": "litellms"}]}))), &["litellms"])]
#[actix_web::test]
async fn the_list_is_litellms_where_it_answers(#[case] litellm: Option<Behaviour>, #[case] names: &[&str]) {
    let scene = match litellm {
        None => Scene::without_litellm(|vars| vars),
        Some(behaviour) => {
            let scene = Scene::new(Behaviour::default());
            scene.litellm.on("/v1/models", behaviour);
            scene
        }
    };
    let list = scene.service.ask(&get("/v1/models")).await.json();
    let models = list["data"].as_array().unwrap().iter();
    assert_eq!(models.map(|model| model["id"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[rstest]
#[case::with_endpoints_behind_it(CONFIG, None, 200)]
#[case::with_a_wildcard_behind_it(
    "model_list: [{model_name: '*', litellm_params: {model: 'openai/*', api_base: UPSTREAM/v1, api_key: k}}]",
    None,
    200
)]
#[case::alone(CONFIG, Some("false"), 503)]
#[actix_web::test]
async fn a_service_before_a_dead_litellm_is_ready_if_somebody_serves(
    #[case] config: &str,
    #[case] native_fallback: Option<&str>,
    #[case] status: u16,
) {
    let provider = FaultUpstream::start();
    let file = ConfigFile::yaml(fill(config, &provider));
    let service = TestService::start(|vars| {
        let vars = vars.config(file);
        native_fallback.map_or(vars.clone(), |value| vars.set("NATIVE_FALLBACK", value))
    });
    assert_eq!(service.ask(&get("/health/ready").without_key()).await.status, status);
}

/// LiteLLM has its own retries, and the endpoints behind it are asked once.
#[actix_web::test]
async fn there_is_one_round_behind_litellm() {
    let scene = Scene::new(Behaviour::status(500));
    scene.provider.default_behaviour(Behaviour::status(429));
    let answer = scene.ask(chat("m")).await;
    answer.assert_refused(429);
    assert_served_by(&answer, "openai/upstream-m", "2");
    assert_eq!((scene.litellm.requests().len(), scene.provider.requests().len()), (1, 1));
}
