//! What happens before the caller has seen a byte may happen again elsewhere; what happens after it, or
//! by the caller's own fault, may not.

use std::time::Duration;

use llm_proxy_test_support::{Action, Behaviour, Body, FaultUpstream, Point, Reply, Text};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, ConfigFile, Event, OpenAiError, QUICKLY, SOON, TestService, Variables, chat, fill, post,
    streamed, text_of,
};

const ERRORS: &str = "llm_proxy_upstream_errors_total";

/// Two endpoints of one model, asked in this order.
const TWO: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: openai/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
litellm_settings: {num_retries: 0}
";

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    /// The first endpoint misbehaves, the second one does not.
    fn with(yaml: &str, first: Behaviour, change: impl FnOnce(Variables) -> Variables) -> Self {
        let upstream = FaultUpstream::start();
        upstream.on("first", first);
        upstream.on("second", Behaviour::chat("by the second"));
        let file = ConfigFile::yaml(fill(yaml, &upstream));
        let service = TestService::start(|vars| change(vars.native(file)));
        Self { upstream, service }
    }

    fn new(yaml: &str, first: Behaviour) -> Self {
        Self::with(yaml, first, |vars| vars)
    }

    async fn ask(&self, stream: bool) -> Answer {
        let body = if stream { streamed("m") } else { chat("m") };
        self.service.ask(&post(CHAT, body)).await
    }

    /// What the endpoints were asked for, by their names of the model.
    fn asked(&self) -> Vec<String> {
        let requests = self.upstream.requests().into_iter();
        requests.map(|request| request.json()["model"].as_str().unwrap().to_owned()).collect()
    }

    /// Fails unless this endpoint answered after so many attempts, in the answer and on record.
    async fn assert_by(&self, answer: &Answer, endpoint: &str, attempts: u32) -> Value {
        let shown = (answer.header("x-llm-proxy-endpoint"), answer.header("x-llm-proxy-attempts"));
        assert_eq!(shown, (Some(endpoint), Some(&*attempts.to_string())), "{}", answer.text());
        let record = self.service.usage(answer.id()).await;
        assert_eq!((&record["endpoint"], &record["attempts"]), (&json!(endpoint), &json!(attempts)));
        record
    }

    /// Fails unless the second endpoint served, and the first one's failure was counted.
    async fn assert_moved_on(&self, answer: &Answer, stream: bool, kind: &str) {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(said(answer, stream), "by the second");
        let record = self.assert_by(answer, "openai/second", 2).await;
        assert_eq!((&record["end"], &record["error"]), (&json!("complete"), &Value::Null));
        let page = self.service.metrics().await;
        assert_eq!(page.sum(ERRORS, &[("endpoint", "openai/first"), ("kind", kind)]), 1.0);
        assert_eq!(page.sum(ERRORS, &[]), 1.0);
    }
}

/// The text of a whole answer, or of a stream that ended as it should.
fn said(answer: &Answer, stream: bool) -> String {
    if !stream {
        return answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    }
    let events = answer.events();
    assert!(events.last().unwrap().is_done(), "{events:?}");
    text_of(&events)
}

#[rstest]
#[case::reset(Behaviour::reset_before_head(), "upstream_disconnected")]
#[case::closed(Behaviour::close_before_head(), "upstream_disconnected")]
#[case::no_http(Behaviour::not_http(), "malformed_answer")]
#[case::a_head_that_is_cut(Behaviour::default().fault(Point::HeadBytes(20), Action::Close), "upstream_disconnected")]
#[case::server_error(Behaviour::status(500), "upstream_failure")]
#[case::overloaded(Behaviour::status(503), "upstream_failure")]
#[case::overloaded_by_another_name(Behaviour::status(529), "upstream_failure")]
#[case::rate_limit(Behaviour::status(429), "rate_limit_exceeded")]
#[case::quota(Behaviour::insufficient_quota(), "rate_limit_exceeded")]
#[case::our_key(Behaviour::status(401), "backend_authentication")]
#[case::our_rights(Behaviour::status(403), "backend_authentication")]
#[case::a_redirect(Behaviour::status(302).header("location", "/elsewhere"), "malformed_answer")]
#[case::an_error_under_200(Behaviour::json(json!({"error": {"message": "boom"}})), "upstream_failure")]
#[case::a_page(Behaviour::raw("<html>").content_type("text/html"), "malformed_answer")]
#[actix_web::test]
async fn the_next_endpoint_serves_where_the_first_failed(
    #[case] first: Behaviour,
    #[case] kind: &str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(TWO, first);
    let answer = scene.ask(stream).await;
    scene.assert_moved_on(&answer, stream, kind).await;
    assert_eq!(scene.asked(), ["first", "second"]);
}

#[rstest]
#[actix_web::test]
async fn the_next_endpoint_serves_where_nobody_listens(#[values(false, true)] stream: bool) {
    let yaml = TWO.replacen("UPSTREAM", "NOBODY", 1);
    let scene = Scene::new(&yaml, Behaviour::default());
    let answer = scene.ask(stream).await;
    scene.assert_moved_on(&answer, stream, "backend_unavailable").await;
}

#[rstest]
#[actix_web::test]
async fn the_next_endpoint_serves_where_the_first_is_silent(#[values(false, true)] stream: bool) {
    let yaml = TWO.replacen("order: 1", "order: 1, timeout: 0.3", 1);
    let scene = Scene::new(&yaml, Behaviour::stall_before_head());
    let answer = scene.ask(stream).await;
    scene.assert_moved_on(&answer, stream, "upstream_timeout").await;
    assert!(answer.took >= Duration::from_millis(290), "{:?}", answer.took);
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
}

/// A whole answer is held until it is complete, so that nobody has seen what is cut.
#[rstest]
#[case::cut(Behaviour::chat("x".repeat(100)).truncate_after_bytes(50), "stream_truncated")]
#[case::reset(Behaviour::chat("x".repeat(100)).fault(Point::BodyBytes(50), Action::Reset), "stream_truncated")]
#[case::no_json(Behaviour::raw("{\"choices\": [").content_type("application/json"), "malformed_answer")]
#[actix_web::test]
async fn the_next_endpoint_serves_where_a_whole_answer_is_broken(
    #[case] first: Behaviour,
    #[case] kind: &str,
) {
    let scene = Scene::new(TWO, first);
    let answer = scene.ask(false).await;
    scene.assert_moved_on(&answer, false, kind).await;
}

#[actix_web::test]
async fn the_next_endpoint_streams_where_the_first_does_not() {
    let text = Some(Text::Whole("in one piece".to_owned()));
    let first = Behaviour::from_body(Body::ChatCompletion(Reply { text, ..Reply::default() }));
    let scene = Scene::new(TWO, first);
    let answer = scene.ask(true).await;
    scene.assert_moved_on(&answer, true, "malformed_answer").await;
}

#[rstest]
#[actix_web::test]
async fn what_the_caller_did_wrong_is_asked_once(
    #[values(400, 404, 413, 422)] status: u16,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(TWO, Behaviour::status(status));
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(status).kind, "invalid_request_error");
    scene.assert_by(&answer, "openai/first", 1).await;
    assert_eq!(scene.asked(), ["first"]);
}

/// Two models of one endpoint each.
fn two_models(settings: &str) -> String {
    format!(
        "
model_list:
- {{model_name: m, litellm_params: {{model: openai/first, api_base: UPSTREAM/v1, api_key: k}}}}
- {{model_name: other, litellm_params: {{model: openai/second, api_base: UPSTREAM/v1, api_key: k}}}}
router_settings: {{num_retries: 0, {settings}}}
"
    )
}

const TOO_LONG: &str = "context_length_exceeded";
const POLICY: &str = "content_policy_violation";

#[rstest]
#[case::of_the_model("fallbacks: [{m: [other]}]", Behaviour::status(500), "upstream_failure")]
#[case::of_all_models("default_fallbacks: [other]", Behaviour::status(500), "upstream_failure")]
#[case::of_the_star("fallbacks: [{'*': [other]}]", Behaviour::status(500), "upstream_failure")]
#[case::for_a_long_conversation(
    "context_window_fallbacks: [{m: [other]}]",
    Behaviour::status(400).error_code(TOO_LONG),
    "refused_by_upstream"
)]
#[case::for_a_refused_content(
    "content_policy_fallbacks: [{m: [other]}]",
    Behaviour::status(400).error_code(POLICY),
    "refused_by_upstream"
)]
#[actix_web::test]
async fn another_model_serves_where_the_file_says_so(
    #[case] settings: &str,
    #[case] first: Behaviour,
    #[case] kind: &str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(&two_models(settings), first);
    let answer = scene.ask(stream).await;
    scene.assert_moved_on(&answer, stream, kind).await;
    assert_eq!(scene.service.usage(answer.id()).await["model"], "m");
}

#[rstest]
#[case::none("", Behaviour::status(500), 502)]
#[case::only_for_long_conversations("context_window_fallbacks: [{m: [other]}]", Behaviour::status(500), 502)]
#[case::only_for_refused_content(
    "content_policy_fallbacks: [{m: [other]}]",
    Behaviour::status(400).error_code(TOO_LONG),
    400
)]
#[case::only_for_failures("fallbacks: [{m: [other]}]", Behaviour::status(400).error_code(TOO_LONG), 400)]
#[case::of_another_model("fallbacks: [{other: [m]}]", Behaviour::status(500), 502)]
#[actix_web::test]
async fn no_other_model_serves_where_the_file_does_not_say_so(
    #[case] settings: &str,
    #[case] first: Behaviour,
    #[case] status: u16,
) {
    let scene = Scene::new(&two_models(settings), first);
    let answer = scene.ask(false).await;
    answer.assert_refused(status);
    scene.assert_by(&answer, "openai/first", 1).await;
    assert_eq!(scene.asked(), ["first"]);
}

/// A fallback is asked in the place of the endpoints that are left, and its own failure is final.
#[actix_web::test]
async fn a_model_for_long_conversations_is_asked_once() {
    let settings = "context_window_fallbacks: [{m: [other]}]";
    let scene = Scene::new(&two_models(settings), Behaviour::status(400).error_code(TOO_LONG));
    scene.upstream.on("second", Behaviour::status(400).error_code(TOO_LONG));
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(400).code, TOO_LONG);
    scene.assert_by(&answer, "openai/second", 2).await;
    assert_eq!(scene.asked(), ["first", "second"]);
}

#[rstest]
#[case::rate_limit(Behaviour::status(429).retry_after("7"), 429, "rate_limit_exceeded", Some("7"))]
#[case::server_error(Behaviour::status(500), 502, "upstream_failure", None)]
#[case::overloaded(Behaviour::status(503).retry_after("3"), 503, "upstream_failure", Some("3"))]
#[case::our_key(Behaviour::status(401), 502, "backend_authentication", None)]
#[case::gone(Behaviour::reset_before_head(), 502, "upstream_disconnected", None)]
#[actix_web::test]
async fn the_last_failure_is_told_where_all_endpoints_fail(
    #[case] second: Behaviour,
    #[case] status: u16,
    #[case] code: &str,
    #[case] retry_after: Option<&str>,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::new(TWO, Behaviour::status(500));
    scene.upstream.on("second", second);
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(status).code, code);
    assert_eq!(answer.header("retry-after"), retry_after);
    let record = scene.assert_by(&answer, "openai/second", 2).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!(code)));
    let page = scene.service.metrics().await;
    for endpoint in ["openai/first", "openai/second"] {
        assert_eq!(page.sum(ERRORS, &[("endpoint", endpoint)]), 1.0, "{endpoint}");
    }
}

#[rstest]
#[actix_web::test]
async fn a_retry_is_another_round_over_all_endpoints(#[values(false, true)] stream: bool) {
    let yaml = TWO.replace("num_retries: 0", "num_retries: 1");
    let scene = Scene::new(&yaml, Behaviour::status(500));
    scene.upstream.sequence("first", [Behaviour::status(500).retry_after("1"), Behaviour::status(500)]);
    scene.upstream.sequence("second", [Behaviour::status(500), Behaviour::chat("at last")]);
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "at last");
    scene.assert_by(&answer, "openai/second", 4).await;
    assert_eq!(scene.asked(), ["first", "second", "first", "second"]);
    assert!(answer.took >= Duration::from_millis(990), "the wait was not waited: {:?}", answer.took);
}

#[actix_web::test]
async fn there_are_no_more_rounds_than_retries() {
    let yaml = TWO.replace("num_retries: 0", "num_retries: 1");
    let scene = Scene::new(&yaml, Behaviour::status(500));
    scene.upstream.on("second", Behaviour::status(503));
    let answer = scene.ask(false).await;
    answer.assert_refused(503);
    scene.assert_by(&answer, "openai/second", 4).await;
}

/// A wait that ends behind the deadline helps nobody.
#[rstest]
#[actix_web::test]
async fn a_retry_that_would_come_too_late_is_not_waited_for(#[values(false, true)] stream: bool) {
    let yaml = TWO.replace("num_retries: 0", "num_retries: 5");
    let first = Behaviour::status(500).retry_after("1");
    let scene = Scene::with(&yaml, first, |vars| vars.set("REQUEST_TIMEOUT_S", 0.45));
    scene.upstream.on("second", Behaviour::status(503).retry_after("1"));
    let answer = scene.ask(stream).await;
    answer.assert_refused(503);
    scene.assert_by(&answer, "openai/second", 2).await;
}

#[actix_web::test]
async fn one_deadline_holds_for_all_attempts() {
    let scene =
        Scene::with(TWO, Behaviour::status(500).delay_ms(300), |vars| vars.set("REQUEST_TIMEOUT_S", 0.5));
    scene.upstream.on("second", Behaviour::stall_before_head());
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(504).code, "deadline_exceeded");
    assert!(answer.took < Duration::from_millis(500) + QUICKLY, "{:?}", answer.took);
    scene.assert_by(&answer, "openai/second", 2).await;
}

/// A caller of a stream that has its head already cannot be told who serves.
#[actix_web::test]
async fn a_caller_is_kept_alive_while_endpoints_are_tried() {
    let first = Behaviour::status(500).delay_ms(500);
    let scene = Scene::with(TWO, first, |vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1));
    let mut client = scene.service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m"))).await;
    assert_eq!((head.status, head.header("x-llm-proxy-endpoint")), (200, None));
    let first_event = client.event().await.unwrap();
    assert!(first_event.is_comment(), "{first_event:?}");
    assert_eq!(scene.asked(), ["first"]);
    let (events, complete) = client.all_events().await;
    assert!(complete && events.last().unwrap().is_done());
    assert_eq!(text_of(&events), "by the second");
    let record = scene.service.usage(head.id()).await;
    assert_eq!((&record["endpoint"], &record["attempts"]), (&json!("openai/second"), &json!(2)));
    assert_eq!(record["end"], "complete");
}

#[actix_web::test]
async fn a_caller_that_is_kept_alive_is_told_when_all_endpoints_failed() {
    let first = Behaviour::status(500).delay_ms(500);
    let scene = Scene::with(TWO, first, |vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1));
    scene.upstream.on("second", Behaviour::status(429));
    let answer = scene.ask(true).await;
    assert_eq!(answer.status, 200);
    let events = answer.events();
    let (last, before) = events.split_last().unwrap();
    assert!(!before.is_empty() && before.iter().all(Event::is_comment), "{events:?}");
    assert_eq!(OpenAiError::read(&last.json()).code, "rate_limit_exceeded");
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["endpoint"], &record["attempts"]), (&json!("openai/second"), &json!(2)));
    assert_eq!(record["end"], "failed");
}

#[rstest]
#[case::cut(Action::Close)]
#[case::ended(Action::CleanEnd)]
#[case::reset(Action::Reset)]
#[actix_web::test]
async fn a_stream_that_broke_is_not_begun_again(#[case] action: Action) {
    let first =
        Behaviour::chat_stream(["Hel", "lo"]).after_events(2, Action::PauseMs(100)).after_events(2, action);
    let scene = Scene::new(TWO, first);
    let answer = scene.ask(true).await;
    assert!(answer.complete);
    let events = answer.events();
    let (last, before) = events.split_last().unwrap();
    assert!(!before.iter().any(Event::is_done), "{events:?}");
    assert_eq!(text_of(before), "Hel");
    assert_eq!(OpenAiError::read(&last.json()).code, "stream_truncated");
    let record = scene.assert_by(&answer, "openai/first", 1).await;
    assert_eq!(record["end"], "truncated");
    assert_eq!(scene.asked(), ["first"]);
}

/// One endpoint gets three requests of four, as its weight says; both get some of fifty.
#[actix_web::test]
async fn endpoints_of_one_order_share_the_requests() {
    let yaml = TWO.replace("order: 1", "weight: 3").replace("order: 2", "weight: 1");
    let scene = Scene::new(&yaml, Behaviour::chat("by the first"));
    for _ in 0..50 {
        assert_eq!(scene.ask(false).await.status, 200);
    }
    let asked = scene.asked();
    let first = asked.iter().filter(|model| *model == "first").count();
    assert_eq!(asked.len(), 50);
    assert!((1..50).contains(&first), "{first} of 50");
}
