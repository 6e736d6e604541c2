//! A stream that breaks: before its first token it is begun anew, after that it ends honestly. Never does a
//! caller see two beginnings, or half of an answer that looks whole.

use std::time::Duration;

use llm_proxy_test_support::{Action, Behaviour, Garbage, UsageReport};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ONE, Scene, TWO, said};
use crate::harness::{Answer, Event, OpenAiError, SOON, text_of};

/// Role, three pieces of a token each, the finish, `[DONE]`.
fn hello() -> Behaviour {
    Behaviour::chat_stream(["one ", "two ", "six "]).usage(UsageReport::Never)
}

const EVENTS: usize = 6;
const PIECES: usize = 3;

/// Fails unless the answer is whole and has one beginning and one end.
fn assert_whole(answer: &Answer) {
    assert_eq!(said(answer, true), "by another");
    let events = answer.events();
    let begins = events.iter().filter(|event| event.raw.contains("\"role\":\"assistant\"")).count();
    let ends = events.iter().filter(|event| event.is_done()).count();
    assert_eq!((begins, ends), (1, 1), "{events:?}");
}

/// The error at the end of a stream that says so many pieces before it, and nothing else.
fn broken_after(answer: &Answer, pieces: usize) -> OpenAiError {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.complete);
    let events = answer.events();
    let (last, before) = events.split_last().unwrap();
    assert!(!before.iter().any(Event::is_done), "{events:?}");
    assert_eq!(text_of(before).len(), 4 * pieces, "{events:?}");
    OpenAiError::read(&last.json())
}

/// Fails unless a stream that `broken` breaks after so many events is begun anew, or ended with `code`.
async fn judge(scene: &Scene, broken: Behaviour, events: usize, code: &str) {
    if events <= 1 {
        scene.upstream.sequence("first", [broken, Behaviour::chat("by another")]);
        scene.upstream.on("second", Behaviour::chat("by another"));
        let answer = scene.ask(true).await;
        assert_whole(&answer);
        let record = scene.service.usage(answer.id()).await;
        assert_eq!((&record["end"], &record["attempts"]), (&json!("complete"), &json!(2)));
        return;
    }
    scene.upstream.on("first", broken);
    let answer = scene.ask(true).await;
    let pieces = (events - 1).min(PIECES);
    assert_eq!(broken_after(&answer, pieces).code, code);
    let record = scene.assert_by(&answer, "openai/first", 1).await;
    assert_ne!(record["end"], "complete");
    assert_eq!((&record["completion_tokens"], &record["provenance"]), (&json!(pieces), &json!("counted")));
    assert_eq!(scene.asked(), ["first"]);
}

fn boom() -> Action {
    Action::Insert("data: {\"error\": {\"message\": \"boom\", \"code\": \"boom\"}}\n\n".to_owned())
}

/// At every boundary between two events, with another endpoint to ask and without.
#[rstest]
#[case::cut(Action::Close, "stream_truncated")]
#[case::ended(Action::CleanEnd, "stream_truncated")]
#[case::reset(Action::Reset, "stream_truncated")]
#[case::half_an_event(Action::Garbage(Garbage::BrokenJson), "malformed_answer")]
#[case::no_event(Action::Garbage(Garbage::Line), "malformed_answer")]
#[case::no_text(Action::Garbage(Garbage::InvalidUtf8), "malformed_answer")]
#[case::no_chunk(Action::BadChunkSize, "malformed_answer")]
#[case::an_error(boom(), "boom")]
#[actix_web::test]
async fn a_stream_that_breaks_before_its_first_token_is_begun_anew_and_else_ends_with_an_error(
    #[case] action: Action,
    #[case] code: &str,
    #[values(ONE, TWO)] yaml: &str,
    #[values(0, 1, 2, 3, 4, 5)] events: usize,
) {
    assert!(events < EVENTS);
    let scene = Scene::attempts(yaml, 2);
    // A reset may overtake what was sent before it.
    let broken = hello().after_events(events, Action::PauseMs(30)).after_events(events, action);
    judge(&scene, broken, events, code).await;
}

#[rstest]
#[actix_web::test]
async fn a_stream_that_stalls_is_given_up_after_the_idle_timeout(
    #[values(ONE, TWO)] yaml: &str,
    #[values(0, 1, 2, 5)] events: usize,
) {
    let scene = Scene::with(yaml, |vars| vars.set("RETRY_ATTEMPTS", 2).set("IDLE_TIMEOUT_S", 0.2));
    judge(&scene, hello().stall_after_events(events), events, "idle_timeout").await;
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
}

/// Nobody holds 64 MiB of one event.
#[rstest]
#[actix_web::test]
async fn an_event_without_measure_is_given_up(#[values(1, 3)] events: usize) {
    let scene = Scene::attempts(TWO, 2);
    let text = "x".repeat(64 << 20);
    let event = format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let huge = hello().after_events(events, Action::Insert(event));
    judge(&scene, huge, events, "event_too_large").await;
    assert!(scene.upstream.wait_for_closure(SOON).await.is_some());
}

/// Comments and a role are no answer yet, however many there are.
#[actix_web::test]
async fn comments_before_the_first_token_commit_to_nothing() {
    let scene = Scene::attempts(TWO, 1);
    let ping = || Action::Insert(": ping\n\n".to_owned());
    let first = (0..20).fold(hello(), |first, _| first.after_events(1, ping()));
    scene.upstream.on("first", first.after_events(1, Action::Close));
    scene.upstream.on("second", Behaviour::chat("by another"));
    let answer = scene.ask(true).await;
    assert_whole(&answer);
    assert!(!answer.text().contains("ping"), "{}", answer.text());
}

/// What is no text is the beginning of an answer too, and goes on at once: nobody waits for text behind it.
#[rstest]
#[case::reasoning_by_another_name(json!({"reasoning": "let me see"}))]
#[case::a_refusal(json!({"refusal": "I"}))]
#[case::a_sound(json!({"audio": {"id": "a", "data": "AAAA"}}))]
#[case::a_call(json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]}))]
#[actix_web::test]
async fn an_answer_begins_with_whatever_it_says(#[case] delta: Value) {
    let scene = Scene::attempts(TWO, 2);
    let chunk =
        |delta: Value| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]});
    let role = chunk(json!({"role": "assistant", "content": "", "refusal": null, "tool_calls": []}));
    let stream = Behaviour::sse([role, chunk(delta.clone())]).stall_after_events(2);
    scene.upstream.on("first", stream);
    let mut client = scene.service.connect().await;
    assert_eq!(client.begin(&super::request(true)).await.status, 200);
    let said = client.events(2).await.remove(1);
    assert_eq!(said.json()["choices"][0]["delta"], delta);
    assert_eq!(scene.asked(), ["first"]);
}

/// What breaks after its first token is the endpoint's fault as much as what breaks before it.
#[actix_web::test]
async fn streams_that_break_in_the_middle_open_the_breaker() {
    let scene = Scene::with(TWO, |vars| vars.set("BREAKER_FAILURES", 3));
    scene.upstream.on("first", hello().truncate_after_events(3));
    scene.upstream.on("second", Behaviour::chat("by another"));
    for _ in 0..3 {
        assert_eq!(broken_after(&scene.ask(true).await, 2).code, "stream_truncated");
    }
    assert_whole(&scene.ask(true).await);
    assert_eq!(scene.asked(), ["first", "first", "first", "second"]);
}

/// A caller that waits for the first token is kept alive, and told late what it would have been told at once.
#[actix_web::test]
async fn a_stream_that_is_begun_anew_behind_keep_alives_is_whole() {
    let scene = Scene::with(TWO, |vars| vars.set("KEEPALIVE_INTERVAL_S", 0.1));
    let late = hello().after_events(1, Action::PauseMs(350)).after_events(1, Action::Close);
    scene.upstream.on("first", late);
    scene.upstream.on("second", Behaviour::chat("by another"));
    let answer = scene.ask(true).await;
    assert!(answer.took >= Duration::from_millis(340));
    assert_whole(&answer);
    let comments = answer.events().iter().filter(|event| event.is_comment()).count();
    assert!((1..=4).contains(&comments), "{}", answer.text());
}

/// The head that goes out with the first keep-alive names the endpoint where no other one can answer, and the
/// calls so far.
#[rstest]
#[case::nobody_else("", Some("openai/first"))]
#[case::somebody_for_long_conversations(
    "- {model_name: long, litellm_params: {model: openai/third, api_base: UPSTREAM/v1, api_key: k}}\n\
     router_settings: {context_window_fallbacks: [{m: [long]}]}\n",
    None
)]
#[actix_web::test]
async fn an_early_head_names_who_answers_only_where_that_is_known(
    #[case] others: &str,
    #[case] by: Option<&str>,
) {
    let scene = Scene::with(&format!("{ONE}{others}"), |vars| {
        vars.set("KEEPALIVE_INTERVAL_S", 0.2).set("RETRY_ATTEMPTS", 2)
    });
    let late = hello().after_events(1, Action::PauseMs(500));
    scene.upstream.sequence("first", [Behaviour::status(503), late]);
    let answer = scene.ask(true).await;
    assert_eq!(answer.header("x-llm-proxy-endpoint"), by);
    assert_eq!(answer.header("x-llm-proxy-attempts"), by.map(|_| "2"));
    assert!(answer.events().last().is_some_and(Event::is_done), "{}", answer.text());
}
