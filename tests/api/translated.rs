//! Providers with a format of their own, behind OpenAI's: the whole way through the running service. What
//! each translation says is held to fixtures elsewhere.

use llm_proxy_test_support::{Action, Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, ConfigFile, Event, KEY, OpenAiError, QUICKLY, SOON, TestService, chat, fill, post,
    streamed, text_of,
};

const CONFIG: &str = "
model_list:
- {model_name: o, litellm_params: {model: ollama_chat/qwen3, api_base: UPSTREAM}}
- {model_name: a, litellm_params: {model: anthropic/claude, api_base: UPSTREAM, api_key: sk-native-key}}
litellm_settings: {num_retries: 0}
";

/// A provider with a format of its own. Its answer is `Hello there`, in two pieces of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    Ollama,
    Anthropic,
}

use Provider::{Anthropic, Ollama};

impl Provider {
    /// The model's public name.
    const fn model(self) -> &'static str {
        match self {
            Ollama => "o",
            Anthropic => "a",
        }
    }

    /// What the provider calls it.
    const fn upstream_model(self) -> &'static str {
        match self {
            Ollama => "qwen3",
            Anthropic => "claude",
        }
    }

    const fn endpoint(self) -> &'static str {
        match self {
            Ollama => "ollama_chat/qwen3",
            Anthropic => "anthropic/claude",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Ollama => "/api/chat",
            Anthropic => "/v1/messages",
        }
    }

    fn whole(self) -> Behaviour {
        Behaviour::json(match self {
            Ollama => json!({"model": "qwen3", "created_at": "2026-11-20T09:15:05.123456789Z",
                "message": {"role": "assistant", "content": "Hello there"}, "done": true,
                "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 12}),
            Anthropic => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
                "content": [{"type": "text", "text": "Hello there"}], "stop_reason": "end_turn",
                "stop_sequence": null, "usage": {"input_tokens": 26, "output_tokens": 12}}),
        })
    }

    fn stream(self) -> Behaviour {
        match self {
            Ollama => {
                let line = |text: &str, done: bool| {
                    json!({"model": "qwen3", "created_at": "2026-11-20T09:15:01.000004417Z",
                        "message": {"role": "assistant", "content": text}, "done": done})
                };
                let mut last = line("", true);
                last["done_reason"] = json!("stop");
                last["prompt_eval_count"] = json!(26);
                last["eval_count"] = json!(12);
                Behaviour::ndjson([line("Hello ", false), line("there", false), last])
            }
            Anthropic => {
                let message = json!({"id": "msg_1", "type": "message", "role": "assistant",
                    "model": "claude", "content": [], "stop_reason": null, "stop_sequence": null,
                    "usage": {"input_tokens": 26, "output_tokens": 1}});
                let text = |text: &str| {
                    json!({"type": "content_block_delta", "index": 0,
                        "delta": {"type": "text_delta", "text": text}})
                };
                Behaviour::named_sse([
                    ("message_start", json!({"type": "message_start", "message": message})),
                    (
                        "content_block_start",
                        json!({"type": "content_block_start", "index": 0,
                            "content_block": {"type": "text", "text": ""}}),
                    ),
                    ("content_block_delta", text("Hello ")),
                    ("content_block_delta", text("there")),
                    ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
                    (
                        "message_delta",
                        json!({"type": "message_delta",
                            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                            "usage": {"output_tokens": 12}}),
                    ),
                    ("message_stop", json!({"type": "message_stop"})),
                ])
            }
        }
    }

    /// After so many of its events both pieces are said.
    const fn both_pieces(self) -> usize {
        match self {
            Ollama => 2,
            Anthropic => 4,
        }
    }

    /// What it says in the middle when it cannot go on.
    fn error(self) -> String {
        match self {
            Ollama => "{\"error\":\"boom\"}\n".to_owned(),
            Anthropic => "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\
                          \"message\":\"boom\"}}\n\n"
                .to_owned(),
        }
    }
}

struct Scene {
    provider: Provider,
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn set(config: &str, provider: Provider, behaviour: Behaviour, (name, value): (&str, f64)) -> Self {
        let upstream = FaultUpstream::start();
        upstream.on(provider.upstream_model(), behaviour);
        let file = ConfigFile::yaml(fill(config, &upstream));
        let service = TestService::start(|vars| vars.native(file).set(name, value));
        Self { provider, upstream, service }
    }

    fn with(setting: (&str, f64), provider: Provider, behaviour: Behaviour) -> Self {
        Self::set(CONFIG, provider, behaviour, setting)
    }

    fn new(provider: Provider, behaviour: Behaviour) -> Self {
        Self::with(("IDLE_TIMEOUT_S", 60.0), provider, behaviour)
    }

    async fn ask(&self, body: Value) -> Answer {
        self.service.ask(&post(CHAT, body)).await
    }

    async fn stream(&self, include_usage: bool) -> Answer {
        let mut body = streamed(self.provider.model());
        body["stream_options"] = json!({"include_usage": include_usage});
        self.ask(body).await
    }

    async fn record(&self, answer: &Answer) -> Value {
        let record = self.service.usage(answer.id()).await;
        let named = (&record["endpoint"], &record["model"]);
        assert_eq!(named, (&json!(self.provider.endpoint()), &json!(self.provider.model())));
        record
    }
}

/// The error that a stream ended with, and the events before it.
fn broken(answer: &Answer) -> (OpenAiError, Vec<Event>) {
    assert_eq!((answer.status, answer.complete), (200, true), "{}", answer.text());
    let mut events = answer.events();
    let last = events.pop().unwrap();
    assert!(!events.iter().any(Event::is_done), "{events:?}");
    (OpenAiError::read(&last.json()), events)
}

#[rstest]
#[actix_web::test]
async fn a_request_goes_out_in_the_providers_format(
    #[values(Ollama, Anthropic)] provider: Provider,
    #[values(false, true)] stream: bool,
) {
    let behaviour = if stream { provider.stream() } else { provider.whole() };
    let scene = Scene::new(provider, behaviour);
    let mut body = chat(provider.model());
    body["stream"] = json!(stream);
    let request = post(CHAT, body)
        .header("authorization", format!("Bearer {KEY}"))
        .header("baggage", "callers-baggage=1")
        .header("x-litellm-tags", "callers-tags")
        .header("cookie", "callers-cookie=1");
    assert_eq!(scene.service.ask(&request).await.status, 200);
    let asked = &scene.upstream.requests()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", provider.path()));
    let sent = asked.json();
    assert_eq!(sent["model"], provider.upstream_model());
    assert_eq!(sent["stream"].as_bool().unwrap_or(false), stream);
    assert!(sent.get("stream_options").is_none(), "{sent}");
    assert_eq!(asked.header("authorization"), None);
    let key = (provider == Anthropic).then_some("sk-native-key");
    assert_eq!(asked.header("x-api-key"), key);
    let all = format!("{:?}", asked.headers);
    assert!(!all.contains(KEY) && !all.contains("callers-"), "{all}");
}

#[rstest]
#[actix_web::test]
async fn a_whole_answer_comes_in_openais_format(#[values(Ollama, Anthropic)] provider: Provider) {
    let scene = Scene::new(provider, provider.whole());
    let answer = scene.ask(chat(provider.model())).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some(provider.endpoint()));
    assert_eq!(answer.header("x-llm-proxy-dropped-params"), None);
    let said = answer.json();
    assert_eq!(said["object"], "chat.completion");
    let choice = &said["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("Hello there"), &json!("stop"))
    );
    assert_eq!((&said["usage"]["prompt_tokens"], &said["usage"]["total_tokens"]), (&json!(26), &json!(38)));
    let record = scene.record(&answer).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
    assert_eq!((&record["total_tokens"], &record["finish_reason"]), (&json!(38), &json!("stop")));
}

#[rstest]
#[actix_web::test]
async fn a_stream_comes_in_openais_format(#[values(Ollama, Anthropic)] provider: Provider) {
    let scene = Scene::new(provider, provider.stream());
    let answer = scene.stream(false).await;
    assert!(answer.complete);
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some(provider.endpoint()));
    let events = answer.events();
    let (done, chunks) = events.split_last().unwrap();
    assert!(done.is_done());
    assert_eq!(text_of(chunks), "Hello there");
    let chunks: Vec<_> = chunks.iter().map(Event::json).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], chunks[0]["id"]);
    }
    let record = scene.record(&answer).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
    assert_eq!((&record["total_tokens"], &record["finish_reason"]), (&json!(38), &json!("stop")));
}

#[rstest]
#[actix_web::test]
async fn usage_is_shown_to_those_who_ask(
    #[values(Ollama, Anthropic)] provider: Provider,
    #[values(false, true)] include_usage: bool,
) {
    let scene = Scene::new(provider, provider.stream());
    let answer = scene.stream(include_usage).await;
    let events = answer.events();
    let chunks = events.iter().filter(|event| !event.is_done()).map(Event::json);
    let with_usage: Vec<_> = chunks.filter(|chunk| chunk["usage"].is_object()).collect();
    assert_eq!(with_usage.len(), usize::from(include_usage), "{events:?}");
    for chunk in with_usage {
        assert_eq!((&chunk["choices"], &chunk["usage"]["total_tokens"]), (&json!([]), &json!(38)));
    }
}

#[rstest]
#[actix_web::test]
async fn each_piece_of_a_stream_comes_at_once(#[values(Ollama, Anthropic)] provider: Provider) {
    let behaviour = provider.stream().stall_after_events(provider.both_pieces());
    let scene = Scene::new(provider, behaviour);
    let mut client = scene.service.connect().await;
    let head = client.begin(&post(CHAT, streamed(provider.model()))).await;
    let mut said = String::new();
    while said != "Hello there" {
        said += &text_of(&client.events(1).await);
    }
    let left_at = client.leave();
    let closure = scene.upstream.wait_for_closure(SOON).await.expect("a closed upstream connection");
    assert!(closure.at.saturating_duration_since(left_at) < QUICKLY);
    let record = scene.service.usage(head.id()).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(record["relayed_deltas"], 2);
}

#[rstest]
#[actix_web::test]
async fn a_caller_is_kept_alive_while_the_provider_is_silent(
    #[values(Ollama, Anthropic)] provider: Provider,
) {
    let behaviour = provider.stream().after_events(provider.both_pieces(), Action::PauseMs(500));
    let scene = Scene::with(("KEEPALIVE_INTERVAL_S", 0.1), provider, behaviour);
    let events = scene.stream(false).await.events();
    assert!(events.iter().any(Event::is_comment), "{events:?}");
    assert!(events.last().unwrap().is_done());
    assert_eq!(text_of(&events), "Hello there");
}

/// Only the provider's own word makes an answer complete.
#[rstest]
#[actix_web::test]
async fn a_stream_that_ends_before_its_end_is_truncated(
    #[values(Ollama, Anthropic)] provider: Provider,
    #[values(Action::Close, Action::CleanEnd, Action::Reset)] action: Action,
) {
    let events = provider.both_pieces();
    // A reset may overtake what was sent before it.
    let behaviour = provider.stream().after_events(events, Action::PauseMs(100)).after_events(events, action);
    let scene = Scene::new(provider, behaviour);
    let answer = scene.stream(false).await;
    let (error, before) = broken(&answer);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("stream_truncated", "upstream_error"));
    assert_eq!(text_of(&before), "Hello there");
    let record = scene.record(&answer).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("truncated"), &json!("stream_truncated")));
    assert_eq!(
        (&record["provenance"], &record["completion_tokens"]),
        (&json!("counted"), &json!(3)),
        "{record}"
    );
}

#[rstest]
#[actix_web::test]
async fn a_stream_that_stops_is_ended_by_the_idle_timeout(#[values(Ollama, Anthropic)] provider: Provider) {
    let behaviour = provider.stream().stall_after_events(provider.both_pieces());
    let scene = Scene::with(("IDLE_TIMEOUT_S", 0.3), provider, behaviour);
    let answer = scene.stream(false).await;
    let (error, before) = broken(&answer);
    assert_eq!(error.code, "idle_timeout");
    assert_eq!(text_of(&before), "Hello there");
    assert_eq!(scene.record(&answer).await["end"], "truncated");
}

#[rstest]
#[actix_web::test]
async fn an_error_in_the_middle_of_a_stream_is_told(#[values(Ollama, Anthropic)] provider: Provider) {
    let events = provider.both_pieces();
    let behaviour = provider.stream().after_events(events, Action::Insert(provider.error()));
    let scene = Scene::new(provider, behaviour);
    let answer = scene.stream(false).await;
    let (error, before) = broken(&answer);
    assert!(error.message.contains("boom"), "{error:?}");
    assert_eq!(text_of(&before), "Hello there");
    let record = scene.record(&answer).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("upstream_failure")));
}

#[rstest]
#[case::ollama(Ollama, Behaviour::json(json!({"error": "model 'qwen3' not found"})).with_status(404), 404, "model_not_found")]
#[case::anthropic(
    Anthropic,
    Behaviour::json(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})).with_status(529),
    503,
    "upstream_failure"
)]
#[case::ollama_answers_something_else(Ollama, Behaviour::json(json!({"done": false})), 502, "malformed_answer")]
#[case::anthropic_answers_something_else(Anthropic, Behaviour::json(json!({"x": 1})), 502, "malformed_answer")]
#[actix_web::test]
async fn a_refusal_comes_in_openais_format(
    #[case] provider: Provider,
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[case] code: &str,
) {
    let scene = Scene::new(provider, behaviour);
    let answer = scene.ask(chat(provider.model())).await;
    assert_eq!(answer.assert_refused(status).code, code);
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some(provider.endpoint()));
}

#[rstest]
#[actix_web::test]
async fn what_the_provider_cannot_do_is_refused_by_name(
    #[values(Ollama, Anthropic)] provider: Provider,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(provider, provider.whole());
    let mut body = chat(provider.model());
    body["stream"] = json!(stream);
    body["logit_bias"] = json!({"1": 1});
    let error = scene.ask(body).await.assert_refused(400);
    assert_eq!((error.code.as_str(), error.param.as_deref()), ("unsupported_parameter", Some("logit_bias")));
    assert_eq!(scene.upstream.requests(), []);
}

#[rstest]
#[actix_web::test]
async fn what_the_provider_cannot_do_is_dropped_by_name_where_the_operator_wants_that(
    #[values(Ollama, Anthropic)] provider: Provider,
    #[values(false, true)] stream: bool,
) {
    let behaviour = if stream { provider.stream() } else { provider.whole() };
    let config = CONFIG.replace("num_retries: 0", "num_retries: 0, drop_params: true");
    let scene = Scene::set(&config, provider, behaviour, ("IDLE_TIMEOUT_S", 60.0));
    let mut body = chat(provider.model());
    body["stream"] = json!(stream);
    body["logit_bias"] = json!({"1": 1});
    body["n"] = json!(2);
    let answer = scene.ask(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut dropped: Vec<_> = answer.header("x-llm-proxy-dropped-params").unwrap().split(", ").collect();
    dropped.sort_unstable();
    assert_eq!(dropped, ["logit_bias", "n"]);
    let sent = scene.upstream.requests()[0].json();
    assert!(sent.get("logit_bias").is_none() && sent.get("n").is_none(), "{sent}");
}

#[rstest]
#[case::floats("float")]
#[case::base64("base64")]
#[actix_web::test]
async fn vectors_come_in_openais_format(#[case] encoding: &str) {
    let said = json!({"model": "qwen3", "embeddings": [[0.5, -1.0], [0.25, 0.0]], "prompt_eval_count": 5});
    let scene = Scene::new(Ollama, Behaviour::json(said));
    let body = json!({"model": "o", "input": ["one", "two"], "encoding_format": encoding});
    let answer = scene.service.ask(&post("/v1/embeddings", body)).await;
    let list = answer.json();
    let first = if encoding == "base64" { json!("AAAAPwAAgL8=") } else { json!([0.5, -1.0]) };
    assert_eq!((&list["data"][0]["embedding"], &list["data"][1]["index"]), (&first, &json!(1)));
    assert_eq!(list["usage"]["prompt_tokens"], 5);
    assert_eq!(scene.upstream.requests()[0].path, "/api/embed");
    let record = scene.record(&answer).await;
    assert_eq!((&record["operation"], &record["prompt_tokens"]), (&json!("embeddings"), &json!(5)));
}
