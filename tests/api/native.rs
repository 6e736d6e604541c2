//! Native mode: the configuration file's own endpoints, without a LiteLLM.

use llm_proxy_test_support::{Behaviour, Body, FaultUpstream, RecordedRequest, Reply, Text, UsageReport};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, ConfigFile, Event, KEY, LITELLM_KEY, Request, SOON, TestService, chat, fill, get,
    post, streamed, text_of,
};

/// One model, which its endpoint calls otherwise.
const ONE: &str = "
model_list:
- model_name: m
  litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: sk-native-key}
";

/// What reached the upstream when the service was asked this.
async fn relayed(request: &Request) -> RecordedRequest {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, ONE);
    let answer = service.ask(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(upstream.protocol_errors().is_empty());
    let mut requests = upstream.take_requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[rstest]
#[case::plain(
    r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
    r#"{"model":"upstream-m","messages":[{"role":"user","content":"x"}]}"#
)]
#[case::numbers_and_unknown_members(
    r#"{"temperature":1.10,"seed":12345678901234567890,"zzz":{"b":1,"a":[null]},"model":"m","messages":[{"role":"user","content":"x"}]}"#,
    r#"{"temperature":1.10,"seed":12345678901234567890,"zzz":{"b":1,"a":[null]},"model":"upstream-m","messages":[{"role":"user","content":"x"}]}"#
)]
#[case::white_space_and_escapes(
    " { \"model\" : \"m\" ,\n\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9 日本 \\/\"}] } \n",
    " { \"model\" : \"upstream-m\" ,\n\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9 日本 \\/\"}] } \n"
)]
#[case::no_model(
    r#"{"messages":[{"role":"user","content":"x"}]}"#,
    r#"{"model":"upstream-m","messages":[{"role":"user","content":"x"}]}"#
)]
#[case::a_stream(
    r#"{"model":"m","stream":true,"x":1.0,"messages":[{"role":"user","content":"x"}]}"#,
    r#"{"stream_options":{"include_usage":true},"model":"upstream-m","stream":true,"x":1.0,"messages":[{"role":"user","content":"x"}]}"#
)]
#[actix_web::test]
async fn a_body_reaches_the_endpoint_with_its_own_name_of_the_model(#[case] body: &str, #[case] sent: &str) {
    let asked = relayed(&post(CHAT, body)).await;
    assert_eq!(String::from_utf8(asked.body).unwrap(), sent);
}

#[rstest]
#[case::chat(CHAT, chat("m"), "/v1/chat/completions")]
#[case::completions("/v1/completions", json!({"model": "m", "prompt": "x"}), "/v1/completions")]
#[case::embeddings("/v1/embeddings", json!({"model": "m", "input": "x"}), "/v1/embeddings")]
#[actix_web::test]
async fn every_operation_is_relayed(
    #[case] path: &str,
    #[case] mut body: Value,
    #[case] upstream_path: &str,
) {
    let asked = relayed(&post(path, &body)).await;
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", upstream_path));
    body["model"] = json!("upstream-m");
    assert_eq!(asked.json(), body);
}

#[actix_web::test]
async fn what_the_operator_always_drops_is_named_where_it_was_asked_for() {
    let upstream = FaultUpstream::start();
    let config = ONE.replace("api_key:", "additional_drop_params: [seed, user], api_key:");
    let service = TestService::native(&upstream, &config);
    let mut body = chat("m");
    body["seed"] = json!(7);
    let answer = service.ask(&post(CHAT, &body)).await;
    assert_eq!((answer.status, answer.header("x-llm-proxy-dropped-params")), (200, Some("seed")));
    assert_eq!(upstream.requests()[0].json().get("seed"), None);
}

#[actix_web::test]
async fn our_key_is_sent_and_nothing_that_the_caller_shows() {
    let request = post(CHAT, chat("m"))
        .header("authorization", format!("Bearer {KEY}"))
        .header("cookie", "session=callers-cookie")
        .header("x-api-key", "callers-key")
        .header("baggage", "callers-baggage=1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("user-agent", "callers-agent")
        .header("x-litellm-tags", "callers-tags")
        .header("openai-organization", "callers-organization")
        .header("x-stainless-lang", "callers-language");
    let asked = relayed(&request).await;
    assert_eq!(asked.headers("authorization").collect::<Vec<_>>(), ["Bearer sk-native-key"]);
    let all = format!("{:?}", asked.headers);
    for secret in [KEY, LITELLM_KEY, "callers-", "x-litellm-", "traceparent"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[actix_web::test]
async fn a_whole_answer_comes_back_byte_for_byte() {
    const ANSWER: &str = " {\"id\":\"x\",\n\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\
                          \"content\":\"\\u00e9 \\/\"},\"finish_reason\":\"stop\"}], \"zzz\":1.10} ";
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::raw(ANSWER).content_type("application/json"));
    let service = TestService::native(&upstream, ONE);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ANSWER));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[actix_web::test]
async fn a_stream_comes_back_byte_for_byte() {
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::chat_stream(["Hel", "lo ", "日本"]));
    let service = TestService::native(&upstream, ONE);
    let asking = |model: &str| {
        let mut body = streamed(model);
        body["stream_options"] = json!({"include_usage": true});
        post(CHAT, body)
    };
    let direct = Client::connect(upstream.port()).await.ask(&asking("upstream-m")).await;
    let through = service.ask(&asking("m")).await;
    assert_eq!(through.text(), direct.text());
    assert!(through.complete);
}

#[actix_web::test]
async fn each_chunk_of_a_stream_comes_at_once() {
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::chat_stream(["Hel", "lo"]).stall_after_events(3));
    let service = TestService::native(&upstream, ONE);
    let mut client = service.connect().await;
    client.begin(&post(CHAT, streamed("m"))).await;
    let events = client.events(3).await;
    assert_eq!(text_of(&events), "Hello");
    client.leave();
    assert!(upstream.wait_for_closure(SOON).await.is_some());
}

#[track_caller]
fn assert_served_by(answer: &Answer, endpoint: &str, attempts: &str) {
    let by = (answer.header("x-llm-proxy-endpoint"), answer.header("x-llm-proxy-attempts"));
    assert_eq!(by, (Some(endpoint), Some(attempts)), "{}", answer.raw);
}

#[rstest]
#[case::whole(chat("m"), 200)]
#[case::streamed(streamed("m"), 200)]
#[case::refused(chat("m"), 400)]
#[actix_web::test]
async fn an_answer_and_its_record_name_the_endpoint(#[case] body: Value, #[case] status: u16) {
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::status(status));
    let service = TestService::native(&upstream, ONE);
    let answer = service.ask(&post(CHAT, body)).await;
    assert_eq!(answer.status, status);
    assert_served_by(&answer, "openai/upstream-m", "1");
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["endpoint"], &record["attempts"]), (&json!("openai/upstream-m"), &json!(1)));
    assert_eq!(record["model"], "m");
}

/// Names of every kind.
const NAMES: &str = "
model_list:
- {model_name: gpt-main, litellm_params: {model: openai/one, api_base: UPSTREAM/v1, api_key: k}}
- {model_name: gpt-mini, litellm_params: {model: openai/two, api_base: UPSTREAM/v1, api_key: k}}
- {model_name: 'team/*', litellm_params: {model: 'openai/*', api_base: UPSTREAM/v1, api_key: k}}
- {model_name: 'team/special-*', litellm_params: {model: 'openai/s-*', api_base: UPSTREAM/v1, api_key: k}}
router_settings:
  model_group_alias:
    shown: gpt-main
    hidden: {model: gpt-mini, hidden: true}
";

#[rstest]
#[case::its_own_name("gpt-main", "one")]
#[case::an_alias("shown", "one")]
#[case::an_alias_that_is_not_listed("hidden", "two")]
#[case::a_wildcard("team/some-model", "some-model")]
#[case::the_more_special_wildcard("team/special-x", "s-x")]
#[case::a_name_as_ollamas_clients_write_it("gpt-mini:latest", "two")]
#[actix_web::test]
async fn a_name_finds_its_model(#[case] asked: &str, #[case] upstream_model: &str) {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, NAMES);
    let answer = service.ask(&post(CHAT, chat(asked))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upstream.requests()[0].json()["model"], upstream_model);
    assert_eq!(service.usage(answer.id()).await["model"], asked);
}

#[rstest]
#[case::a_slip("gpt-mian", Some("gpt-main"))]
#[case::another_case("GPT-MINI", Some("gpt-mini"))]
#[case::nothing_like_it("zzz", None)]
#[actix_web::test]
async fn an_unknown_model_is_404_with_near_names(#[case] asked: &str, #[case] near: Option<&str>) {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, NAMES);
    for body in [chat(asked), streamed(asked)] {
        let error = service.ask(&post(CHAT, body)).await.assert_refused(404);
        assert_eq!((error.code.as_str(), error.param.as_deref()), ("model_not_found", Some("model")));
        assert!(error.message.contains(asked), "{}", error.message);
        match near {
            Some(near) => assert!(error.message.contains(near), "{}", error.message),
            None => assert!(!error.message.contains("gpt-"), "{}", error.message),
        }
    }
    assert_eq!(upstream.requests(), []);
}

#[rstest]
#[case::openais("/v1/models")]
#[case::our_own("/v1/llm/models")]
#[actix_web::test]
async fn the_list_has_the_names_that_are_to_be_seen(#[case] path: &str) {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, NAMES);
    let list = service.ask(&get(path)).await.json();
    let models = list["data"].as_array().unwrap().iter();
    let names: Vec<_> = models.map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["gpt-main", "gpt-mini", "shown"]);
    assert_eq!(upstream.requests(), []);
}

#[rstest]
#[case::the_first_one("", None, "one")]
#[case::the_files("general_settings: {completion_model: gpt-mini}", None, "two")]
#[case::the_operators("general_settings: {completion_model: gpt-mini}", Some("team/x"), "x")]
#[actix_web::test]
async fn a_request_without_a_model_gets_the_default(
    #[case] settings: &str,
    #[case] variable: Option<&str>,
    #[case] upstream_model: &str,
) {
    let upstream = FaultUpstream::start();
    let file = ConfigFile::yaml(fill(&format!("{NAMES}{settings}\n"), &upstream));
    let service = TestService::start(|vars| {
        let vars = vars.native(file);
        variable.map_or(vars.clone(), |name| vars.set("DEFAULT_MODEL", name))
    });
    let body = json!({"messages": [{"role": "user", "content": "x"}]});
    assert_eq!(service.ask(&post(CHAT, body)).await.status, 200);
    assert_eq!(upstream.requests()[0].json()["model"], upstream_model);
}

/// Whether a provider is up, nobody asks: its answer would cost something.
#[actix_web::test]
async fn a_native_service_is_ready_without_asking_anybody() {
    let upstream = FaultUpstream::start();
    let service = TestService::native(&upstream, ONE);
    let ready = service.ask(&get("/health/ready").without_key()).await;
    assert_eq!((ready.status, ready.json()["mode"].as_str()), (200, Some("native")));
    assert_eq!(upstream.requests(), []);
}

/// An endpoint that is not to be asked for streams.
const NOT_STREAMING: &str = "
[LLM:m]
url = UPSTREAM/v1
apikey = sk-native-key
model = upstream-m
stream_response = false
";

#[rstest]
#[case::without_usage(false)]
#[case::with_usage(true)]
#[actix_web::test]
async fn one_who_wants_a_stream_gets_one_of_a_whole_answer(#[case] include_usage: bool) {
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::chat("all at once"));
    let service = TestService::native_ini(&upstream, NOT_STREAMING);
    let mut body = streamed("m");
    body["stream_options"] = json!({"include_usage": include_usage});
    let answer = service.ask(&post(CHAT, body)).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_served_by(&answer, "m", "1");
    let events = answer.events();
    assert!(events.last().unwrap().is_done());
    assert_eq!(text_of(&events), "all at once");
    assert_eq!(events.iter().filter(|event| has_usage(event)).count(), usize::from(include_usage));
    let asked = upstream.requests()[0].json();
    assert!(asked["stream"] != true && asked.get("stream_options").is_none(), "{asked}");
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
    assert_eq!((&record["streamed"], &record["finish_reason"]), (&json!(true), &json!("stop")));
}

fn has_usage(event: &Event) -> bool {
    !event.is_done() && event.json()["usage"].is_object()
}

#[actix_web::test]
async fn one_who_wants_a_stream_is_told_that_a_whole_answer_failed() {
    let upstream = FaultUpstream::start();
    upstream.on("upstream-m", Behaviour::status(400));
    let service = TestService::native_ini(&upstream, NOT_STREAMING);
    service.ask(&post(CHAT, streamed("m"))).await.assert_refused(400);
}

#[actix_web::test]
async fn tokens_that_an_endpoint_does_not_report_are_estimated() {
    let upstream = FaultUpstream::start();
    let text = Some(Text::Whole("x".repeat(40)));
    let reply = Reply { text, usage: UsageReport::Never, ..Reply::default() };
    upstream.on("upstream-m", Behaviour::from_body(Body::Chat(reply)));
    let service = TestService::native(&upstream, ONE);
    for body in [chat("m"), streamed("m")] {
        let answer = service.ask(&post(CHAT, body)).await;
        let record = service.usage(answer.id()).await;
        assert_eq!((&record["provenance"], &record["completion_tokens"]), (&json!("estimated"), &json!(10)));
    }
}
