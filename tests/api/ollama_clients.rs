//! Ollama's clients: its routes over any endpoint, its lines, its errors.

use llm_proxy::adapters::mock::MODELS;
use llm_proxy_test_support::{Action, Behaviour, FaultUpstream, RecordedRequest};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, ConfigFile, KEY, QUICKLY, Request, SOON, TestService, Variables, fill, get, post,
};

const CHAT: &str = "/api/chat";
const GENERATE: &str = "/api/generate";
const EMBED: &str = "/api/embed";
const EMBEDDINGS: &str = "/api/embeddings";

/// A model of an endpoint with OpenAI's format, and one of an Ollama.
const CONFIG: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: k}}
- model_name: llama
  litellm_params: {model: ollama_chat/llama3, api_base: UPSTREAM}
  model_info: {supports_function_calling: false, max_input_tokens: 8192}
litellm_settings: {num_retries: 0}
";

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn set(behaviour: Behaviour, change: impl FnOnce(Variables) -> Variables) -> Self {
        let upstream = FaultUpstream::start();
        upstream.default_behaviour(behaviour);
        let file = ConfigFile::yaml(fill(CONFIG, &upstream));
        let service = TestService::start(|vars| change(vars.native(file)));
        Self { upstream, service }
    }

    fn new(behaviour: Behaviour) -> Self {
        Self::set(behaviour, |vars| vars)
    }

    async fn ask(&self, path: &str, body: Value) -> Answer {
        self.service.ask(&post(path, body)).await
    }

    fn only_request(&self) -> RecordedRequest {
        let mut requests = self.upstream.take_requests();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "say it"}]})
}

fn generate(model: &str) -> Value {
    json!({"model": model, "prompt": "say it"})
}

/// The same request with another member.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// The lines of a stream; the body ends with the last one.
#[track_caller]
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert!(answer.complete && answer.text().ends_with('\n'), "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What an answer, or a line of one, says: in a message, or without one.
fn said(answer: &Value) -> &str {
    let text = answer["message"]["content"].as_str().or_else(|| answer["response"].as_str());
    text.unwrap_or_else(|| panic!("no text: {answer}"))
}

/// Fails unless this is an error as Ollama's clients read it; returns its words.
#[track_caller]
fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.complete && !answer.id().is_empty());
    words(&answer.json())
}

/// The words of `{"error": "…"}`, which has no other member.
#[track_caller]
fn words(error: &Value) -> String {
    let words = error["error"].as_str().expect("an error's words").to_owned();
    assert_eq!(error.as_object().unwrap().len(), 1, "{error}");
    assert!(!words.is_empty());
    words
}

/// Fails unless this says how an answer ended and what it cost.
#[track_caller]
fn assert_done(line: &Value, counts: (u64, u64)) {
    assert_eq!((&line["done"], &line["done_reason"]), (&json!(true), &json!("stop")), "{line}");
    let counted = (line["prompt_eval_count"].as_u64(), line["eval_count"].as_u64());
    assert_eq!(counted, (Some(counts.0), Some(counts.1)), "{line}");
    for name in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
        assert!(line[name].is_u64(), "{name}: {line}");
    }
}

#[rstest]
#[case::chat(CHAT, chat("m"))]
#[case::generate(GENERATE, generate("m"))]
#[actix_web::test]
async fn an_answer_is_streamed_in_lines_by_default(#[case] path: &str, #[case] body: Value) {
    let scene = Scene::new(Behaviour::chat("Hello my friend"));
    let answer = scene.ask(path, body).await;
    let lines = lines(&answer);
    let (last, pieces) = lines.split_last().unwrap();
    assert_done(last, (2, 3));
    assert_eq!(pieces.iter().map(said).collect::<String>(), "Hello my friend");
    assert!(pieces.len() > 1);
    for line in &lines {
        assert_eq!(line["model"], "m");
        assert_eq!(line["created_at"], lines[0]["created_at"]);
    }
    assert!(pieces.iter().all(|line| line["done"] == false), "{lines:?}");
    let asked = scene.only_request();
    assert_eq!((asked.path.as_str(), &asked.json()["stream"]), ("/v1/chat/completions", &json!(true)));
    assert_eq!(asked.json()["messages"], json!([{"role": "user", "content": "say it"}]));
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("openai/upstream-m"));
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
    assert_eq!((&record["operation"], &record["model"]), (&json!("chat.completions"), &json!("m")));
}

#[rstest]
#[case::chat(CHAT, chat("m"))]
#[case::generate(GENERATE, generate("m"))]
#[actix_web::test]
async fn an_answer_is_one_object_where_no_stream_is_wanted(#[case] path: &str, #[case] body: Value) {
    let scene = Scene::new(Behaviour::chat("Hello my friend"));
    let answer = scene.ask(path, with(body, "stream", json!(false))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(said(&answer.json()), "Hello my friend");
    assert_done(&answer.json(), (2, 3));
    assert_eq!(scene.service.usage(answer.id()).await["total_tokens"], 5);
}

#[rstest]
#[case::chat(CHAT, chat("mock-echo"))]
#[case::generate(GENERATE, generate("mock-echo"))]
#[actix_web::test]
async fn the_mock_answers_ollamas_clients(#[case] path: &str, #[case] body: Value) {
    let service = TestService::mock();
    let answer = service.ask(&post(path, &body)).await;
    let lines = lines(&answer);
    let streamed: String = lines.iter().map(said).collect();
    assert_eq!(lines.last().unwrap()["done"], true);
    let whole = service.ask(&post(path, with(body, "stream", json!(false)))).await.json();
    assert_eq!(streamed, said(&whole));
    assert!(streamed.contains("say it"), "{streamed}");
}

#[actix_web::test]
async fn vectors_come_in_both_of_ollamas_forms() {
    let scene = Scene::new(Behaviour::default());
    let many = scene.ask(EMBED, json!({"model": "m", "input": ["one", "two"]})).await.json();
    let vectors = many["embeddings"].as_array().unwrap();
    assert_eq!((vectors.len(), &many["model"]), (2, &json!("m")));
    assert!(many["prompt_eval_count"].as_u64().unwrap() > 0);
    let one = scene.ask(EMBEDDINGS, json!({"model": "m", "prompt": "one"})).await.json();
    assert_eq!(one, json!({"embedding": vectors[0]}));
    for request in scene.upstream.requests() {
        assert_eq!(request.path, "/v1/embeddings");
    }
}

const LINES: [&str; 2] = [
    r#"{"model":"llama3","created_at":"2026-11-20T09:15:01.000004417Z","message":{"role":"assistant","content":"Hel"},"done":false,"zzz":1}"#,
    r#"{"model":"llama3","created_at":"2026-11-20T09:15:02.000004417Z","message":{"role":"assistant","content":"lo"},"done":true,"done_reason":"stop","total_duration":48835,"prompt_eval_count":26,"eval_count":12}"#,
];

/// Ollama's stream, spelled as no library of ours would.
fn ollamas_stream() -> Behaviour {
    Behaviour::raw(format!("{}\n{}\n", LINES[0], LINES[1])).content_type("application/x-ndjson")
}

#[rstest]
#[case::chat(
    CHAT,
    r#"{ "model":"llama", "messages":[{"role":"user","content":"\u00e9"}],"options":{"top_k":40,"temperature":1.10},"keep_alive":"5m","zzz":1}"#,
    ollamas_stream()
)]
#[case::generate(
    GENERATE,
    r#"{"prompt":"x", "model" : "llama", "raw":true,"suffix":"y","context":[1,2]}"#,
    Behaviour::raw("{\"model\":\"llama3\",\"response\":\"a\",\"done\":false}\n{\"model\":\"llama3\", \"response\":\"\",\"done\":true}\n").content_type("application/x-ndjson")
)]
#[case::a_whole_answer(
    CHAT,
    r#"{"model":"llama","stream":false,"messages":[{"role":"user","content":"x"}]}"#,
    Behaviour::raw(LINES[1]).content_type("application/json; charset=utf-8")
)]
#[case::embed(
    EMBED,
    r#"{"model":"llama","input":["x"],"truncate":true}"#,
    Behaviour::raw(r#"{"model":"llama3","embeddings":[[0.50]],"total_duration":14143917}"#).content_type("application/json")
)]
#[case::embeddings(
    EMBEDDINGS,
    r#"{"prompt":"x","model":"llama"}"#,
    Behaviour::raw(r#"{"embedding":[0.50]}"#).content_type("application/json")
)]
#[actix_web::test]
async fn between_ollama_and_ollama_only_the_models_name_changes(
    #[case] path: &str,
    #[case] body: &str,
    #[case] said: Behaviour,
) {
    let llm_proxy_test_support::Body::Raw(expected) = said.body.clone() else { panic!("no text") };
    let scene = Scene::new(said);
    let answer = scene.service.ask(&post(path, body)).await;
    assert_eq!((answer.status, answer.text()), (200, expected));
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("ollama_chat/llama3"));
    assert_eq!(answer.header("x-llm-proxy-dropped-params"), None);
    let asked = scene.only_request();
    assert_eq!(asked.path, path);
    assert_eq!(String::from_utf8(asked.body).unwrap(), body.replace("\"llama\"", "\"llama3\""));
    assert_eq!(scene.service.usage(answer.id()).await["end"], "complete");
}

#[rstest]
#[case::a_stream(json!(true), ollamas_stream())]
#[case::a_whole_answer(json!(false), Behaviour::raw(LINES[1]).content_type("application/json"))]
#[actix_web::test]
async fn what_an_ollama_reports_is_on_record(#[case] stream: Value, #[case] behaviour: Behaviour) {
    let scene = Scene::new(behaviour);
    let answer = scene.ask(CHAT, with(chat("llama"), "stream", stream)).await;
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["provenance"], &record["finish_reason"]), (&json!("reported"), &json!("stop")));
    assert_eq!((&record["prompt_tokens"], &record["completion_tokens"]), (&json!(26), &json!(12)));
}

#[actix_web::test]
async fn what_only_ollama_knows_is_named_where_it_is_left_out() {
    let scene = Scene::new(Behaviour::chat("x"));
    let options = json!({"temperature": 0.5, "num_predict": 7, "top_k": 40});
    let answer = scene.ask(CHAT, with(chat("m"), "options", options)).await;
    assert_eq!(answer.header("x-llm-proxy-dropped-params"), Some("options.top_k"));
    let sent = scene.only_request().json();
    assert_eq!(sent["temperature"], 0.5);
    assert!(sent.get("options").is_none() && sent.get("top_k").is_none(), "{sent}");
}

#[actix_web::test]
async fn what_only_ollama_can_do_is_refused_elsewhere() {
    let scene = Scene::new(Behaviour::chat("x"));
    let answer = scene.ask(GENERATE, with(generate("m"), "raw", json!(true))).await;
    assert!(refused(&answer, 400).contains("raw"));
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::chat(CHAT, json!({"model": "m"}), "load")]
#[case::chat_without_messages(CHAT, json!({"model": "m", "messages": [], "keep_alive": "5m"}), "load")]
#[case::generate(GENERATE, json!({"model": "m", "prompt": ""}), "load")]
#[case::unload(GENERATE, json!({"model": "m", "keep_alive": 0}), "unload")]
#[case::an_ollamas(CHAT, json!({"model": "llama"}), "load")]
#[actix_web::test]
async fn a_request_that_only_loads_a_model_calls_nobody(
    #[case] path: &str,
    #[case] body: Value,
    #[case] reason: &str,
) {
    let scene = Scene::new(Behaviour::status(500));
    let answer = scene.ask(path, body.clone()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let loaded = answer.json();
    assert_eq!((&loaded["done"], &loaded["done_reason"]), (&json!(true), &json!(reason)));
    assert_eq!((&loaded["model"], said(&loaded)), (&body["model"], ""));
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::asked(chat("mm"))]
#[case::loaded(json!({"model": "mm"}))]
#[actix_web::test]
async fn an_unknown_model_is_404_in_ollamas_form(#[case] body: Value) {
    let scene = Scene::new(Behaviour::default());
    let answer = scene.ask(CHAT, body).await;
    assert!(refused(&answer, 404).contains("mm"));
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::of_openais_format("m:latest", "upstream-m")]
#[case::of_ollamas("llama:latest", "llama3")]
#[actix_web::test]
async fn latest_is_the_models_own_name(#[case] model: &str, #[case] upstream_model: &str) {
    let scene = Scene::new(Behaviour::default());
    scene.upstream.on("/api/chat", ollamas_stream());
    let answer = scene.ask(CHAT, chat(model)).await;
    assert_eq!(lines(&answer).last().unwrap()["done"], true);
    assert_eq!(scene.only_request().json()["model"], upstream_model);
}

#[rstest]
#[case::not_json("{", 400)]
#[case::another_case(r#"{"MODEL":"m","messages":[{"role":"user","content":"x"}]}"#, 400)]
#[case::a_wrong_type(r#"{"model":"m","messages":"x"}"#, 400)]
#[actix_web::test]
async fn a_malformed_request_is_refused_in_ollamas_form(#[case] body: &str, #[case] status: u16) {
    let scene = Scene::new(Behaviour::default());
    refused(&scene.service.ask(&post(CHAT, body)).await, status);
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[case::of_openais_format("m", Behaviour::status(429).retry_after("7"), 429)]
#[case::of_ollamas("llama", Behaviour::json(json!({"error": "slow down"})).with_status(429).retry_after("7"), 429)]
#[actix_web::test]
async fn an_endpoints_refusal_is_told_in_ollamas_form(
    #[case] model: &str,
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(behaviour);
    let answer = scene.ask(CHAT, with(chat(model), "stream", json!(stream))).await;
    refused(&answer, status);
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("1"));
}

#[rstest]
#[case::cut(Action::Close)]
#[case::ended(Action::CleanEnd)]
#[actix_web::test]
async fn a_broken_stream_ends_with_an_error(#[case] action: Action, #[values("m", "llama")] model: &str) {
    let behaviour = match model {
        "m" => Behaviour::chat_stream(["Hel", "lo"]).after_events(2, action),
        _ => {
            let lines = LINES.map(|line| serde_json::from_str(line).unwrap());
            Behaviour::ndjson(lines).after_events(1, action)
        }
    };
    let scene = Scene::new(behaviour);
    let answer = scene.ask(CHAT, chat(model)).await;
    let mut lines = lines(&answer);
    words(&lines.pop().unwrap());
    assert_eq!(lines.iter().map(said).collect::<String>(), "Hel");
    assert!(lines.iter().all(|line| line["done"] == false), "{lines:?}");
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("truncated"), &json!("stream_truncated")));
}

#[actix_web::test]
async fn an_error_in_an_ollamas_stream_is_its_last_line() {
    let said = format!("{}\n{{\"error\":\"boom\"}}\n{}\n", LINES[0], LINES[1]);
    let scene = Scene::new(Behaviour::raw(said).content_type("application/x-ndjson"));
    let answer = scene.ask(CHAT, chat("llama")).await;
    let lines = lines(&answer);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(words(&lines[1]).contains("boom"));
    assert_eq!(scene.service.usage(answer.id()).await["end"], "failed");
}

/// Ollama's format has nothing that its clients would pass over.
#[rstest]
#[actix_web::test]
async fn no_line_is_a_keep_alive(#[values("m", "llama")] model: &str) {
    let behaviour = match model {
        "m" => Behaviour::chat("Hello").after_events(1, Action::PauseMs(400)).delay_ms(400),
        _ => ollamas_stream().delay_ms(400),
    };
    let scene = Scene::set(behaviour, |vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1));
    let lines = lines(&scene.ask(CHAT, chat(model)).await);
    assert_eq!(lines.iter().map(said).collect::<String>(), "Hello");
}

#[rstest]
#[actix_web::test]
async fn one_who_leaves_is_noticed_at_once(#[values("m", "llama")] model: &str) {
    let behaviour = match model {
        "m" => Behaviour::chat_stream(["Hel", "lo"]).stall_after_events(2),
        _ => Behaviour::ndjson(LINES.map(|line| serde_json::from_str(line).unwrap())).stall_after_events(1),
    };
    let scene = Scene::new(behaviour);
    let mut client = scene.service.connect().await;
    let head = client.begin(&post(CHAT, chat(model))).await;
    client.piece().await;
    let left_at = client.leave();
    let closure = scene.upstream.wait_for_closure(SOON).await.expect("a closed upstream connection");
    assert!(closure.at.saturating_duration_since(left_at) < QUICKLY);
    assert_eq!(scene.service.usage(head.id()).await["end"], "cancelled");
}

/// One model, served in two formats.
#[rstest]
#[case::from_ollama("order: 1", "order: 2", "llama3", "openai/upstream-m")]
#[case::to_ollama("order: 2", "order: 1", "upstream-m", "ollama_chat/llama3")]
#[actix_web::test]
async fn an_endpoint_of_another_format_takes_over(
    #[case] of_ollama: &str,
    #[case] of_openai: &str,
    #[case] failing: &str,
    #[case] endpoint: &str,
) {
    let config = format!(
        "
model_list:
- {{model_name: m, litellm_params: {{model: ollama_chat/llama3, api_base: UPSTREAM, {of_ollama}}}}}
- {{model_name: m, litellm_params: {{model: openai/upstream-m, api_base: UPSTREAM/v1, {of_openai}}}}}
litellm_settings: {{num_retries: 0}}
"
    );
    let upstream = FaultUpstream::start();
    upstream.on("/api/chat", ollamas_stream());
    upstream.on("/v1/chat/completions", Behaviour::chat("Hello"));
    upstream.on(failing, Behaviour::status(500));
    let service = TestService::native(&upstream, &config);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(lines(&answer).iter().map(said).collect::<String>(), "Hello");
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some(endpoint));
    assert_eq!(answer.header("x-llm-proxy-attempts"), Some("2"));
}

#[rstest]
#[case::our_own(post(CHAT, chat("m")))]
#[case::a_bearer(post(CHAT, chat("m")).without_key().header("authorization", format!("Bearer {KEY}")))]
#[case::without_a_content_type(post(CHAT, chat("m")).without("content-type"))]
#[case::as_curl_says_it(
    post(CHAT, chat("m")).without("content-type").header("content-type", "application/x-www-form-urlencoded")
)]
#[actix_web::test]
async fn a_client_comes_in_as_it_is(#[case] request: Request) {
    let scene = Scene::new(Behaviour::chat("Hello"));
    assert_eq!(lines(&scene.service.ask(&request).await).last().unwrap()["done"], true);
}

#[rstest]
#[case::no_key(post(CHAT, chat("m")).without_key(), 401)]
#[case::no_key_for_a_list(get("/api/tags").without_key(), 401)]
#[case::a_path_that_is_not_served(post("/api/pull", json!({"model": "m"})), 404)]
#[case::a_wrong_method(get(CHAT), 405)]
#[case::a_body_that_is_too_large(post(CHAT, "x".repeat(2000).as_str()), 413)]
#[case::a_compressed_body(post(CHAT, chat("m")).header("content-encoding", "gzip"), 415)]
#[actix_web::test]
async fn the_door_speaks_ollamas_form(#[case] request: Request, #[case] status: u16) {
    let scene = Scene::set(Behaviour::default(), |vars| vars.set("MAX_BODY_BYTES", 1024));
    refused(&scene.service.ask(&request).await, status);
    assert_eq!(scene.upstream.requests(), []);
}

#[actix_web::test]
async fn the_list_has_the_configured_models() {
    let scene = Scene::new(Behaviour::default());
    let answer = scene.service.ask(&get("/api/tags")).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list = answer.json();
    let models = list["models"].as_array().unwrap();
    assert_eq!(models.iter().map(|model| &model["name"]).collect::<Vec<_>>(), ["m", "llama"]);
    for model in models {
        assert_eq!(model["name"], model["model"]);
        assert!(model["digest"].is_string() && model["size"].is_u64() && model["details"].is_object());
    }
}

#[actix_web::test]
async fn the_mocks_models_are_listed() {
    let list = TestService::mock().ask(&get("/api/tags")).await.json();
    let models = list["models"].as_array().unwrap().iter();
    let names: Vec<_> = models.map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, MODELS.map(|(name, _)| name));
}

#[rstest]
#[case::by_its_name(json!({"model": "m"}))]
#[case::by_the_older_member(json!({"name": "m"}))]
#[case::as_latest(json!({"model": "m:latest"}))]
#[actix_web::test]
async fn a_model_is_shown(#[case] body: Value) {
    let scene = Scene::new(Behaviour::default());
    let shown = scene.ask("/api/show", body).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    let shown = shown.json();
    assert!(shown["capabilities"].as_array().unwrap().contains(&json!("completion")), "{shown}");
    assert!(shown["details"].is_object() && shown["model_info"].is_object(), "{shown}");
}

#[actix_web::test]
async fn a_model_is_shown_with_what_the_operator_says_of_it() {
    let scene = Scene::new(Behaviour::default());
    let shown = scene.ask("/api/show", json!({"model": "llama"})).await.json();
    assert_eq!(shown["capabilities"], json!(["completion"]));
    assert_eq!(shown["model_info"]["llm-proxy.context_length"], 8192);
}

#[rstest]
#[case::unknown(json!({"model": "nobodys"}), 404)]
#[case::unnamed(json!({}), 400)]
#[actix_web::test]
async fn a_model_that_is_not_there_is_not_shown(#[case] body: Value, #[case] status: u16) {
    let scene = Scene::new(Behaviour::default());
    refused(&scene.ask("/api/show", body).await, status);
}

#[actix_web::test]
async fn nothing_is_in_memory_and_the_version_is_one_that_clients_take() {
    let scene = Scene::new(Behaviour::default());
    assert_eq!(scene.service.ask(&get("/api/ps")).await.json(), json!({"models": []}));
    let version = scene.service.ask(&get("/api/version")).await.json();
    let numbers: Vec<u32> =
        version["version"].as_str().unwrap().split('.').map(|n| n.parse().unwrap()).collect();
    assert!(numbers >= vec![0, 6, 4], "{version}");
}
