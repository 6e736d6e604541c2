//! Streams that break: whatever happens, the caller has whole events, then an error in OpenAI's form,
//! and never `[DONE]`.

use std::time::Duration;

use llm_proxy_test_support::{
    Action, ApiError, Behaviour, Body, ErrorStyle, FaultUpstream, Framing, Garbage, Point,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, Event, LITELLM_KEY, OpenAiError, QUICKLY, SOON, TestService, Variables, chat, post,
    streamed,
};

/// Role, four pieces, the finish, the usage, and `[DONE]`. The pieces are of four bytes, which count
/// as one token in every way of counting.
fn hello() -> Behaviour {
    Behaviour::chat_stream(["You ", "all ", "are ", "here"])
}

const PIECES: u64 = 4;

/// The place of the usage, and of `[DONE]` behind it.
const USAGE: usize = 6;
const DONE: usize = 7;

/// A request for a stream with its usage, so that all that comes is passed on.
fn request() -> Value {
    let mut body = streamed("m");
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// A service before an upstream that misbehaves.
struct Scene {
    upstream: FaultUpstream,
    service: TestService,
    /// The stream as it would be.
    whole: Vec<Event>,
}

impl Scene {
    async fn set(change: impl FnOnce(Variables) -> Variables) -> Self {
        let upstream = FaultUpstream::start();
        upstream.default_behaviour(hello());
        let service = TestService::start(|vars| change(vars.before(&upstream)));
        let mut direct = Client::connect(upstream.port()).await;
        let whole = direct.ask(&post(CHAT, request())).await.events();
        assert_eq!(whole.len(), DONE + 1);
        drop(direct);
        Self { upstream, service, whole }
    }

    async fn usual() -> Self {
        Self::set(|vars| vars).await
    }

    async fn ask(&self, behaviour: Behaviour) -> Answer {
        self.upstream.default_behaviour(behaviour);
        self.service.ask(&post(CHAT, request())).await
    }

    /// The error that the stream ended with; `count` says how many of the usual events were before.
    async fn broken(&self, behaviour: Behaviour, count: usize) -> (OpenAiError, Value) {
        let answer = self.ask(behaviour).await;
        let (error, before) = self.read(&answer);
        assert_eq!(before, told(count), "{}", answer.text());
        (error, self.record(&answer, before).await)
    }

    /// The error that an answer ended with, and how many of the usual events were before.
    fn read(&self, answer: &Answer) -> (OpenAiError, usize) {
        if answer.status != 200 {
            assert!(matches!(answer.status, 502 | 504), "{}", answer.text());
            return (answer.assert_refused(answer.status), 0);
        }
        assert!(answer.complete, "the body itself must end as it should: {}", answer.text());
        let events = answer.events();
        let (last, before) = events.split_last().expect("an event");
        assert_eq!(before, &self.whole[..before.len()]);
        assert!(!before.iter().any(Event::is_done));
        (error_of(last), before.len())
    }

    /// The record of a stream that broke: what was relayed is counted.
    async fn record(&self, answer: &Answer, before: usize) -> Value {
        let record = self.service.usage(answer.id()).await;
        let pieces = (before as u64).saturating_sub(1).min(PIECES);
        assert_eq!(record["relayed_deltas"], pieces, "{record}");
        assert_eq!(record["completion_tokens"], pieces, "{record}");
        let provenance = if before > USAGE { "reported" } else { "counted" };
        assert_eq!(record["provenance"], provenance, "{record}");
        assert_eq!(record["streamed"], true);
        record
    }
}

/// A role alone is held back: until the first token the failure can still become a proper status, or another
/// endpoint take over.
const fn told(events: usize) -> usize {
    if events == 1 { 0 } else { events }
}

/// Whether an answer of which the caller saw nothing had begun is a matter of taste.
fn assert_broke_off(record: &Value, events: usize) {
    let nothing_was_told = told(events) == 0;
    assert!(record["end"] == "truncated" || (nothing_was_told && record["end"] == "failed"), "{record}");
}

/// An error as the last event of a stream has it.
fn error_of(event: &Event) -> OpenAiError {
    assert_eq!(event.name, None, "{}", event.raw);
    assert!(event.raw.starts_with("data: {\"error\":"), "{}", event.raw);
    assert_eq!(event.raw.matches('\n').count(), 2, "{}", event.raw);
    OpenAiError::read(&event.json())
}

#[rstest]
#[case::cut(Action::Close)]
#[case::ended_cleanly(Action::CleanEnd)]
#[actix_web::test]
async fn a_stream_that_ends_before_done_is_truncated(
    #[case] action: Action,
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] events: usize,
) {
    let scene = Scene::usual().await;
    let (error, record) = scene.broken(hello().after_events(events, action), events).await;
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("stream_truncated", "upstream_error"));
    assert_eq!(record["end"], "truncated");
}

/// A reset may overtake what was sent before it.
#[rstest]
#[actix_web::test]
async fn a_stream_that_is_reset_is_truncated(#[values(0, 1, 4, 7)] events: usize) {
    let scene = Scene::usual().await;
    let answer = scene.ask(hello().gap_ms(5).reset_after_events(events)).await;
    let (error, before) = scene.read(&answer);
    assert!(before <= events);
    assert_eq!(error.code, "stream_truncated");
    assert_eq!(scene.record(&answer, before).await["end"], "truncated");
}

/// As it is on the wire, chunk sizes included.
#[actix_web::test]
async fn a_stream_that_is_cut_at_any_byte_is_truncated() {
    let scene = Scene::usual().await;
    let chunk = |event: &Event| format!("{:x}", event.raw.len()).len() + event.raw.len() + 4;
    let total: usize = scene.whole.iter().map(chunk).sum();
    // With the last byte of `[DONE]` the answer is whole, whatever becomes of its framing.
    let complete_at = total - 2;
    for bytes in (1..complete_at).step_by(9).chain(complete_at - 30..complete_at + 2) {
        let answer = scene.ask(hello().truncate_after_bytes(bytes)).await;
        if bytes >= complete_at {
            assert_eq!(answer.events(), scene.whole, "after {bytes} of {total} bytes");
            continue;
        }
        let (error, before) = scene.read(&answer);
        assert_eq!(error.code, "stream_truncated", "after {bytes} of {total} bytes");
        assert_broke_off(&scene.record(&answer, before).await, before);
    }
}

#[rstest]
#[case::of_known_length(hello().framing(Framing::ContentLength))]
#[case::until_the_connection_closes(hello().framing(Framing::CloseDelimited))]
#[case::compressed(hello().gzip())]
#[case::compressed_until_the_connection_closes(hello().gzip().framing(Framing::CloseDelimited))]
#[actix_web::test]
async fn a_stream_that_is_cut_is_truncated_in_every_framing(
    #[case] behaviour: Behaviour,
    #[values(1, 3, 7)] events: usize,
) {
    let scene = Scene::usual().await;
    let (_, record) = scene.broken(behaviour.truncate_after_events(events), events).await;
    assert_broke_off(&record, events);
}

/// The gzip trailer is there, so the compression is whole; the stream is not.
#[actix_web::test]
async fn a_compressed_stream_that_ends_cleanly_before_done_is_truncated() {
    let scene = Scene::usual().await;
    let (error, _) = scene.broken(hello().gzip().clean_end_after_events(3), 3).await;
    assert_eq!(error.code, "stream_truncated");
}

#[actix_web::test]
async fn a_stream_that_is_cut_inside_its_compression_is_truncated() {
    let scene = Scene::usual().await;
    for bytes in (20..300).step_by(20) {
        let answer = scene.ask(hello().gzip().truncate_after_bytes(bytes)).await;
        let (_, before) = scene.read(&answer);
        assert_broke_off(&scene.record(&answer, before).await, before);
    }
}

#[rstest]
#[actix_web::test]
async fn a_stream_that_stalls_is_ended_after_the_idle_timeout(#[values(0, 1, 4, 7)] events: usize) {
    let scene = Scene::set(|vars| vars.set("IDLE_TIMEOUT_S", 0.3)).await;
    let answer = scene.ask(hello().stall_after_events(events)).await;
    let (error, before) = scene.read(&answer);
    assert_eq!((before, error.code.as_str()), (told(events), "idle_timeout"));
    let took = answer.took;
    assert!(took > Duration::from_millis(290) && took < Duration::from_millis(1300), "{took:?}");
    let record = scene.record(&answer, before).await;
    assert_broke_off(&record, events);
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
}

#[rstest]
#[case::html(Action::Garbage(Garbage::Line))]
#[case::half_a_json(Action::Garbage(Garbage::BrokenJson))]
#[case::no_utf8(Action::Garbage(Garbage::InvalidUtf8))]
#[case::binary(Action::Garbage(Garbage::Binary))]
#[case::json_without_a_field(Action::Insert("{\"choices\":[]}\n\n".to_owned()))]
#[case::no_json(Action::Insert("data: oops\n\n".to_owned()))]
#[case::json_and_more(Action::Insert("data: {\"a\":1}{\"b\":2}\n\n".to_owned()))]
#[case::json_with_a_hole(Action::Insert("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}]}\n\n".to_owned()))]
#[case::an_open_string(Action::Insert("data: {\"choices\":[],\"x\":\"y}\n\n".to_owned()))]
#[actix_web::test]
async fn a_stream_that_is_malformed_is_ended_before_what_is_malformed(
    #[case] action: Action,
    #[values(1, 4, 7)] events: usize,
) {
    let scene = Scene::usual().await;
    let (error, record) = scene.broken(hello().after_events(events, action), events).await;
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("malformed_answer", "upstream_error"));
    assert_broke_off(&record, events);
}

#[rstest]
#[actix_web::test]
async fn a_chunk_without_a_size_is_malformed(#[values(0, 1, 4, 7)] events: usize) {
    let scene = Scene::usual().await;
    let behaviour = hello().after_events(events, Action::BadChunkSize);
    let (error, record) = scene.broken(behaviour, events).await;
    assert_eq!(error.code, "malformed_answer");
    assert_broke_off(&record, events);
}

fn boom(style: ErrorStyle) -> Action {
    let message = Some("boom".to_owned());
    Action::ErrorEvent(ApiError { style, message, ..ApiError::default() })
}

#[rstest]
#[case::openai_and_goes_on(boom(ErrorStyle::Openai), None)]
#[case::openai_and_ends(boom(ErrorStyle::Openai), Some(Action::CleanEnd))]
#[case::openai_and_resets(boom(ErrorStyle::Openai), Some(Action::Reset))]
#[case::openai_and_stalls(boom(ErrorStyle::Openai), Some(Action::Stall))]
#[case::anthropic_and_goes_on(boom(ErrorStyle::Anthropic), None)]
#[case::anthropic_and_ends(boom(ErrorStyle::Anthropic), Some(Action::CleanEnd))]
#[case::openrouter(Action::Insert("data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"boom\"}}\n\n".to_owned()), None)]
#[case::a_text(Action::Insert("data: {\"error\": \"boom\"}\n\n".to_owned()), None)]
#[actix_web::test]
async fn a_stream_that_reports_an_error_has_failed(
    #[case] action: Action,
    #[case] then: Option<Action>,
    #[values(0, 1, 4, 7)] events: usize,
) {
    let scene = Scene::usual().await;
    let gap = if then == Some(Action::Reset) { 5 } else { 0 };
    let behaviour = hello().gap_ms(gap).after_events(events, action);
    let pause = then.iter().filter(|then| **then == Action::Reset).map(|_| Action::PauseMs(50));
    let behaviour = pause.chain(then.clone()).fold(behaviour, |b, then| b.after_events(events, then));
    let (error, record) = scene.broken(behaviour, events).await;
    assert_eq!(error.message, "boom");
    assert_eq!(record["end"], "failed");
}

#[actix_web::test]
async fn an_error_event_says_no_key() {
    let scene = Scene::usual().await;
    let message = format!("no: {LITELLM_KEY}, sk-another0123456789");
    let error = ApiError { message: Some(message), ..ApiError::default() };
    let (error, _) = scene.broken(hello().after_events(2, Action::ErrorEvent(error)), 2).await;
    assert!(!error.message.contains(LITELLM_KEY) && !error.message.contains("another0123"), "{error:?}");
    assert!(error.message.starts_with("no: "));
}

/// What an upstream says must not become an event of its own.
#[actix_web::test]
async fn an_error_event_is_one_event_whatever_the_upstream_says() {
    let scene = Scene::usual().await;
    let message = "a\nb\r\nc\rdata: [DONE]\n\n\u{2028}\"x\" \\ é".to_owned();
    let error = ApiError { message: Some(message.clone()), ..ApiError::default() };
    let (error, _) = scene.broken(hello().after_events(2, Action::ErrorEvent(error)), 2).await;
    assert_eq!(error.message, message);
}

#[actix_web::test]
async fn an_event_without_measure_ends_the_stream() {
    let scene = Scene::usual().await;
    let behaviour = hello().after_events(3, Action::HugeEvent(17 << 20));
    let (error, record) = scene.broken(behaviour, 3).await;
    assert_eq!((error.code.as_str(), &record["end"]), ("event_too_large", &json!("truncated")));
}

/// No line end ever comes: it must not be collected for ever.
#[actix_web::test]
async fn an_event_without_end_ends_the_stream() {
    let scene = Scene::usual().await;
    let endless = "data: ".to_owned() + &"x".repeat(17 << 20);
    let behaviour = hello().after_events(1, Action::Insert(endless)).after_events(1, Action::Stall);
    let (error, _) = scene.broken(behaviour, 1).await;
    assert_eq!(error.code, "event_too_large");
}

/// The head went out with the first comment: what comes now can only be an event.
#[rstest]
#[case::refused(Behaviour::status(404), "model_not_found", "failed")]
#[case::limited(Behaviour::status(429), "rate_limit_exceeded", "failed")]
#[case::failed(Behaviour::status(500), "upstream_failure", "failed")]
#[case::our_key(Behaviour::status(401), "backend_authentication", "failed")]
#[case::a_redirect(Behaviour::from_body(Body::Empty).with_status(302), "malformed_answer", "failed")]
#[case::closed(Behaviour::close_before_head(), "upstream_disconnected", "failed")]
#[case::reset(Behaviour::reset_before_head(), "upstream_disconnected", "failed")]
#[case::json(Behaviour::json(json!({"choices": []})), "malformed_answer", "failed")]
#[case::an_error_in_json(Behaviour::json(json!({"error": {"message": "boom", "code": "x"}})), "x", "failed")]
#[case::cut_at_once(hello().truncate_after_events(0), "stream_truncated", "truncated")]
#[actix_web::test]
async fn a_failure_after_a_comment_is_an_event(
    #[case] behaviour: Behaviour,
    #[case] code: &str,
    #[case] end: &str,
) {
    let scene = Scene::set(|vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1)).await;
    let late = behaviour.clone().delay_ms(250);
    // The faults before the head come before the delay: they wait in their own way.
    let late = if behaviour.faults.is_empty() { late } else { delayed(behaviour) };
    let answer = scene.ask(late).await;
    assert_eq!(answer.status, 200);
    assert!(answer.complete);
    assert_eq!(answer.header("x-llm-proxy-endpoint"), Some("litellm"));
    let events = answer.events();
    let (last, comments) = events.split_last().unwrap();
    assert!(!comments.is_empty() && comments.iter().all(Event::is_comment), "{events:?}");
    assert_eq!(error_of(last).code, code);
    let record = scene.service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["completion_tokens"]), (&json!(end), &json!(0)), "{record}");
}

fn delayed(mut behaviour: Behaviour) -> Behaviour {
    let faults = std::mem::take(&mut behaviour.faults);
    let pause = Action::PauseMs(250);
    let behaviour = behaviour.fault(Point::BeforeHead, pause);
    faults.into_iter().fold(behaviour, |b, fault| b.fault(fault.at, fault.action))
}

#[actix_web::test]
async fn a_comment_does_not_stop_the_idle_timeout() {
    let scene = Scene::set(|vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1).set("IDLE_TIMEOUT_S", 0.5));
    let scene = scene.await;
    let answer = scene.ask(hello().stall_after_events(2)).await;
    let events = answer.events();
    let comments = events.iter().filter(|event| event.is_comment()).count();
    assert!((3..=5).contains(&comments), "{events:?}");
    assert_eq!(error_of(events.last().unwrap()).code, "idle_timeout");
    assert!(answer.took < Duration::from_millis(1500), "{:?}", answer.took);
}

/// One broken stream is nothing to the others on the same worker.
#[actix_web::test]
async fn a_broken_stream_breaks_no_other() {
    let scene = Scene::usual().await;
    scene.upstream.on("bad", hello().gap_ms(2).truncate_after_events(3));
    scene.upstream.on("good", hello().gap_ms(5));
    let asked = (0..40).map(|n| {
        let scene = &scene;
        async move {
            let model = if n % 2 == 0 { "good" } else { "bad" };
            let events = scene.service.ask(&post(CHAT, streamed(model))).await.events();
            assert_eq!(events.last().unwrap().is_done(), model == "good");
        }
    });
    futures_util::future::join_all(asked).await;
}

#[actix_web::test]
async fn after_a_broken_stream_the_service_goes_on() {
    let scene = Scene::usual().await;
    for action in [Action::Reset, Action::Close, Action::BadChunkSize, Action::Garbage(Garbage::Binary)] {
        scene.ask(hello().after_events(2, action)).await;
        scene.upstream.behave();
        let answer = scene.service.ask(&post(CHAT, chat("m"))).await;
        assert_eq!(answer.status, 200);
        assert!(answer.took < QUICKLY);
    }
}
