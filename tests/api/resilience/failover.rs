//! Another endpoint: in which order, after what, and when not.

use std::time::Duration;

use llm_proxy_test_support::{Action, Behaviour, Blackhole, FaultUpstream, Point};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ONE, Scene, THREE, TWO, always, said};
use crate::harness::{CHAT, ConfigFile, QUICKLY, TestService, chat, fill, post, streamed, text_of};

#[rstest]
#[case::eager("eager", &["first", "second", "third", "first", "second", "third"])]
#[case::patient("patient", &["first", "first", "second", "second", "third", "third"])]
#[actix_web::test]
async fn eager_asks_everybody_once_before_anybody_twice_and_patient_asks_one_to_the_end(
    #[case] failover: &str,
    #[case] order: &[&str],
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::with(THREE, |vars| vars.set("RETRY_ATTEMPTS", 2).set("FAILOVER", failover));
    always(&scene.upstream, &["first", "second", "third"], &Behaviour::status(500));
    let answer = scene.ask(stream).await;
    answer.assert_refused(502);
    scene.assert_by(&answer, "openai/third", 6).await;
    assert_eq!(scene.asked(), order);
}

#[rstest]
#[case::eager("eager", &["failover", "recovered"])]
#[case::patient("patient", &["retry", "failover", "recovered"])]
#[actix_web::test]
async fn a_failover_is_told_with_both_ends_and_the_reason(#[case] failover: &str, #[case] types: &[&str]) {
    let scene = Scene::with(TWO, |vars| vars.set("RETRY_ATTEMPTS", 2).set("FAILOVER", failover));
    let mut notices = scene.notices().await;
    scene.upstream.on("first", Behaviour::status(500));
    let answer = scene.ask(true).await;
    assert_eq!(answer.status, 200);
    let told = notices.assert_next(&scene.service.metrics().await, types).await;
    let moved = &told[types.len() - 2];
    assert_eq!((&moved["from"], &moved["to"]), (&json!("openai/first"), &json!("openai/second")));
    assert_eq!(moved["reason"], "upstream_failure");
    let last = told.last().unwrap();
    assert_eq!((&last["endpoint"], &last["attempts"]), (&json!("openai/second"), &json!(types.len())));
}

/// Why an endpoint cannot be reached.
#[derive(Clone, Copy, Debug)]
enum Unreachable {
    /// Nobody listens.
    Refused,
    /// Connecting never ends.
    Blackhole,
    /// No such name.
    Dns,
    /// It speaks no TLS.
    Tls,
}

impl Unreachable {
    fn url(self, upstream: &FaultUpstream, hole: &Blackhole) -> String {
        match self {
            Self::Refused => "NOBODY".to_owned(),
            Self::Blackhole => hole.url(),
            Self::Dns => "http://no-such-host.invalid".to_owned(),
            Self::Tls => upstream.url().replace("http:", "https:"),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Refused | Self::Dns => "backend_unavailable",
            Self::Blackhole => "connect_timeout",
            Self::Tls => "tls_error",
        }
    }
}

use Unreachable::{Dns, Refused, Tls};

fn unreachable(yaml: &str, why: Unreachable) -> Scene {
    let upstream = FaultUpstream::start();
    let hole = Blackhole::start().unwrap();
    let yaml = yaml.replacen("UPSTREAM", &why.url(&upstream, &hole), 1);
    let file = ConfigFile::yaml(fill(&yaml, &upstream));
    let service = TestService::start(|vars| {
        let vars = vars.native(file).set("RETRY_ATTEMPTS", 2).set("RETRY_BASE_MS", 1);
        vars.set("CONNECT_TIMEOUT_S", if matches!(why, Unreachable::Blackhole) { 0.3 } else { 5.0 })
    });
    // The hole has to stay for as long as the test runs.
    std::mem::forget(hole);
    Scene { upstream, service }
}

#[rstest]
#[actix_web::test]
async fn the_next_endpoint_serves_where_the_first_cannot_be_reached(
    #[values(Refused, Unreachable::Blackhole, Dns, Tls)] why: Unreachable,
    #[values(false, true)] stream: bool,
) {
    let scene = unreachable(TWO, why);
    let mut notices = scene.notices().await;
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "by the second");
    scene.assert_by(&answer, "openai/second", 2).await;
    assert_eq!(notices.next(1).await[0]["reason"], why.code());
    assert_eq!(scene.asked(), ["second"]);
}

#[rstest]
#[actix_web::test]
async fn who_cannot_be_reached_is_tried_again_and_nothing_was_spent(
    #[values(Refused, Unreachable::Blackhole, Dns)] why: Unreachable,
) {
    let scene = unreachable(ONE, why);
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(503).code, why.code());
    let record = scene.assert_by(&answer, "openai/first", 2).await;
    assert_eq!((&record["end"], &record["total_tokens"]), (&json!("failed"), &json!(0)));
}

/// It would say the same a moment later.
#[actix_web::test]
async fn who_cannot_be_trusted_is_not_tried_again() {
    let scene = unreachable(ONE, Tls);
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(502).code, Tls.code());
    scene.assert_by(&answer, "openai/first", 1).await;
}

/// An endpoint that limits the rate is not sick, but busy: while another one is there, it is asked last.
#[actix_web::test]
async fn who_asked_to_be_left_alone_is_asked_last_while_it_rests() {
    let scene = Scene::attempts(TWO, 2);
    scene.upstream.sequence("first", [Behaviour::status(429).retry_after("1"), Behaviour::chat("again")]);
    for _ in 0..3 {
        assert_eq!(scene.ask(false).await.status, 200);
    }
    assert_eq!(scene.asked(), ["first", "second", "second", "second"]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(said(&scene.ask(false).await, false), "again");
}

#[rstest]
#[case::an_empty_account(Behaviour::insufficient_quota())]
#[case::our_key(Behaviour::status(401))]
#[actix_web::test]
async fn what_is_final_at_one_endpoint_is_asked_of_the_other_at_once(
    #[case] first: Behaviour,
    #[values("eager", "patient")] failover: &str,
) {
    let scene = Scene::with(TWO, |vars| vars.set("RETRY_ATTEMPTS", 3).set("FAILOVER", failover));
    scene.upstream.on("first", first.retry_after("5"));
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.ask(false).await;
    assert_eq!(said(&answer, false), "by the second");
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
    assert_eq!(scene.asked(), ["first", "second"]);
}

/// Two models, and who stands in for `m` where the conversation is too long for it.
const LONG: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
- {model_name: long, litellm_params: {model: openai/third, api_base: UPSTREAM/v1, api_key: k}}
router_settings: {context_window_fallbacks: [{m: [long]}]}
";

#[rstest]
#[actix_web::test]
async fn a_longer_model_takes_over_where_the_conversation_is_too_long(#[values(false, true)] stream: bool) {
    let scene = Scene::attempts(LONG, 3);
    let too_long = Behaviour::status(400).error_code("context_length_exceeded");
    always(&scene.upstream, &["first", "second"], &too_long);
    scene.upstream.sequence("third", [Behaviour::status(500), Behaviour::chat("by the third")]);
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "by the third");
    scene.assert_by(&answer, "openai/third", 3).await;
    assert_eq!(scene.asked(), ["first", "third", "third"]);
}

/// The models behind LiteLLM.
const NATIVE: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/native, api_base: UPSTREAM/v1, api_key: k}}
";

#[rstest]
#[case::eager("eager", 2)]
#[case::patient("patient", 4)]
#[actix_web::test]
async fn the_native_endpoint_serves_where_nobody_listens_at_litellms_address(
    #[case] failover: &str,
    #[case] calls: u32,
    #[values(false, true)] stream: bool,
) {
    let upstream = FaultUpstream::start();
    upstream.on("native", Behaviour::chat("by the provider"));
    let file = ConfigFile::yaml(fill(NATIVE, &upstream));
    let service = TestService::start(|vars| {
        let vars = vars.config(file).set("RETRY_ATTEMPTS", 3).set("RETRY_BASE_MS", 1);
        vars.set("FAILOVER", failover)
    });
    let scene = Scene { upstream, service };
    let mut notices = scene.notices().await;
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "by the provider");
    scene.assert_by(&answer, "openai/native", calls).await;
    let told = notices.next(calls as usize).await;
    let moved = told.iter().find(|notice| notice["type"] == "failover").unwrap();
    assert_eq!((&moved["from"], &moved["to"]), (&json!("litellm"), &json!("openai/native")));
    assert_eq!(moved["reason"], "backend_unavailable");
}

/// One provider with a format of its own before one with OpenAI's.
const TRANSLATED: &str = "
model_list:
- {model_name: m, litellm_params: {model: anthropic/first, api_base: UPSTREAM, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
";

fn message() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "first", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "x".repeat(200)}],
        "usage": {"input_tokens": 3, "output_tokens": 5},
    })
}

#[rstest]
#[case::no_json(Behaviour::raw("{\"type\": \"mess").content_type("application/json"), "malformed_answer")]
#[case::another_format(Behaviour::json(json!({"content": "text"})), "malformed_answer")]
#[case::cut(Behaviour::json(message()).truncate_after_bytes(100), "stream_truncated")]
#[case::reset(Behaviour::json(message()).fault(Point::BodyBytes(100), Action::Reset), "stream_truncated")]
#[case::an_error_under_200(
    Behaviour::json(json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})),
    "upstream_failure"
)]
#[actix_web::test]
async fn a_translated_answer_that_breaks_while_it_is_read_is_asked_of_the_next_endpoint(
    #[case] broken: Behaviour,
    #[case] reason: &str,
) {
    let scene = Scene::attempts(TRANSLATED, 1);
    let mut notices = scene.notices().await;
    scene.upstream.on("first", broken);
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.ask(false).await;
    assert_eq!(said(&answer, false), "by the second");
    scene.assert_by(&answer, "openai/second", 2).await;
    assert_eq!(notices.next(1).await[0]["reason"], reason);
}

#[rstest]
#[case::an_error_of_anthropic(
    TRANSLATED,
    Behaviour::named_sse([("error", json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}))])
)]
#[case::an_error_of_openai(TWO, Behaviour::chat_stream(["x"]).error_event_after_events(0))]
#[case::an_error_behind_the_role(TWO, Behaviour::chat_stream(["x"]).error_event_after_events(1))]
#[actix_web::test]
async fn a_stream_that_begins_with_an_error_is_asked_of_the_next_endpoint(
    #[case] yaml: &str,
    #[case] first: Behaviour,
) {
    let scene = Scene::attempts(yaml, 1);
    scene.upstream.on("first", first);
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.ask(true).await;
    assert_eq!(said(&answer, true), "by the second");
    let record = scene.assert_by(&answer, "openai/second", 2).await;
    assert_eq!(record["end"], "complete");
}

/// Both ways into one upstream: the failure of one model says nothing about another one.
#[actix_web::test]
async fn endpoints_fail_each_for_itself() {
    let yaml = ONE.to_owned()
        + "- {model_name: other, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k}}\n";
    let scene = Scene::with(&yaml, |vars| vars.set("BREAKER_FAILURES", 1));
    scene.upstream.on("first", Behaviour::status(500));
    scene.ask(false).await.assert_refused(502);
    let answer = scene.service.ask(&post(CHAT, chat("other"))).await;
    scene.assert_by(&answer, "openai/second", 1).await;
    assert_eq!(scene.ask(false).await.assert_refused(503).code, "all_endpoints_down");
    let mut client = scene.service.connect().await;
    client.begin(&post(CHAT, streamed("other"))).await;
    assert!(!text_of(&client.all_events().await.0).is_empty());
}
