//! What happens on the way of a request, told in its own stream while it happens.

use std::time::Duration;

use llm_proxy_test_support::Behaviour;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ONE, Scene, TWO, request, said};
use crate::harness::{Event, OpenAiError, QUICKLY, Request, post, text_of};

const HEADER: &str = "x-llm-proxy-notices";

/// The form in which notices are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Comment,
    Event,
}

use Form::{Comment, Event as Named};

impl Form {
    fn request(self) -> Request {
        request(true).header(HEADER, if self == Comment { "comment" } else { "event" })
    }

    /// What an event tells, if it is a notice of this form.
    fn notice(self, event: &Event) -> Option<Value> {
        let json = match self {
            Comment => event.raw.strip_prefix(": notice ")?.strip_suffix("\n\n")?,
            Named => event.raw.strip_prefix("event: notice\ndata: ")?.strip_suffix("\n\n")?,
        };
        assert!(!json.contains('\n'), "{json}");
        Some(serde_json::from_str(json).unwrap())
    }

    /// The notices among these events, and the others.
    fn split(self, events: Vec<Event>) -> (Vec<Value>, Vec<Event>) {
        let (notices, others): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| self.notice(event).is_some());
        (notices.iter().filter_map(|event| self.notice(event)).collect(), others)
    }
}

fn types(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| notice["type"].as_str().unwrap()).collect()
}

/// The same objects as on `/v1/llm/events`.
#[rstest]
#[case::after_a_retry(ONE, &["retry", "recovered"])]
#[case::after_a_failover(TWO, &["failover", "recovered"])]
#[actix_web::test]
async fn a_stream_tells_what_happened_before_its_answer_and_so_do_the_events(
    #[case] yaml: &str,
    #[case] expected: &[&str],
    #[values(Comment, Named)] form: Form,
) {
    let scene = Scene::attempts(yaml, 2);
    let mut everybody = scene.notices().await;
    scene.upstream.sequence("first", [Behaviour::status(500), Behaviour::chat("after all")]);
    scene.upstream.on("second", Behaviour::chat("after all"));
    let answer = scene.service.ask(&form.request()).await;
    assert_eq!((answer.status, answer.complete), (200, true));
    let events = answer.events();
    assert!(form.notice(&events[0]).is_some(), "{events:?}");
    let (notices, said) = form.split(events);
    assert_eq!(types(&notices), expected);
    assert!(notices.iter().all(|notice| notice["request_id"] == answer.id()));
    assert!(said.last().unwrap().is_done());
    assert_eq!(text_of(&said), "after all");
    assert_eq!(everybody.assert_next(&scene.service.metrics().await, expected).await, notices);
}

/// Also where the next endpoint answers so soon that nobody had to wait.
#[rstest]
#[actix_web::test]
async fn notices_come_before_the_answer_that_they_led_to(#[values(Comment, Named)] form: Form) {
    let mock = "api_base: UPSTREAM/v1, api_key: k, order: 2, mock_response: in no time";
    let yaml = TWO.replace("api_base: UPSTREAM/v1, api_key: k, order: 2", mock);
    let scene = Scene::attempts(&yaml, 1);
    scene.upstream.on("first", Behaviour::status(500));
    let answer = scene.service.ask(&form.request()).await;
    let events = answer.events();
    let told: Vec<_> = events.iter().map_while(|event| form.notice(event)).collect();
    assert_eq!(types(&told), ["failover", "recovered"], "{events:?}");
    assert_eq!(text_of(&events[2..]), "in no time");
}

/// The wait is told when it begins, and not when it is over; silence is kept alive all the while.
#[rstest]
#[actix_web::test]
async fn the_head_goes_out_with_the_first_notice_and_keep_alives_follow(
    #[values(Comment, Named)] form: Form,
) {
    let scene = Scene::with(ONE, |vars| vars.set("RETRY_ATTEMPTS", 2).set("KEEPALIVE_INTERVAL_S", 0.2));
    scene.upstream.sequence("first", [Behaviour::status(429).retry_after("1"), Behaviour::chat("after all")]);
    let mut client = scene.service.connect().await;
    let asked = std::time::Instant::now();
    let head = client.begin(&form.request()).await;
    assert_eq!(head.status, 200);
    assert!(head.header("content-type").unwrap().starts_with("text/event-stream"));
    assert_eq!(head.header("x-llm-proxy-attempts"), None);
    let first = form.notice(&client.event().await.unwrap()).unwrap();
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
    assert_eq!((&first["type"], &first["reason"]), (&json!("retry"), &json!("rate_limit_exceeded")));
    assert!(first["wait_ms"].as_u64().unwrap() > 900, "{first}");
    let (events, complete) = client.all_events().await;
    assert!(complete && asked.elapsed() >= Duration::from_secs(1));
    let (notices, rest) = form.split(events);
    assert_eq!(types(&notices), ["recovered"]);
    let alive = rest.iter().filter(|event| event.is_comment()).count();
    assert!((2..=6).contains(&alive), "{rest:?}");
    assert!(rest.last().unwrap().is_done());
    assert_eq!(text_of(&rest), "after all");
    let record = scene.service.usage(head.id()).await;
    assert_eq!((&record["end"], &record["attempts"]), (&json!("complete"), &json!(2)));
}

/// The head is gone by then, so the error is an event; without notices it is a status.
#[rstest]
#[actix_web::test]
async fn an_outage_is_told_and_then_the_error(#[values(Comment, Named)] form: Form) {
    let scene = Scene::attempts(ONE, 2);
    scene.upstream.on("first", Behaviour::status(503).header("retry-after-ms", "10"));
    let answer = scene.service.ask(&form.request()).await;
    assert_eq!((answer.status, answer.complete), (200, true));
    let (notices, rest) = form.split(answer.events());
    assert_eq!(types(&notices), ["retry", "outage"]);
    assert_eq!(
        (&notices[1]["endpoint"], &notices[1]["retry_after_ms"]),
        (&json!("openai/first"), &json!(10))
    );
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(OpenAiError::read(&rest[0].json()).code, "upstream_failure");
    assert_eq!(scene.service.usage(answer.id()).await["end"], "failed");
    assert_eq!(scene.ask(true).await.assert_refused(503).code, "upstream_failure");
}

/// A request that fails at once has nothing to tell before its status.
#[rstest]
#[case::a_fault_of_the_caller(Behaviour::status(400), 400)]
#[case::a_failure_that_is_not_retried(Behaviour::status(500), 502)]
#[actix_web::test]
async fn a_failure_without_a_second_attempt_keeps_its_status(
    #[case] failure: Behaviour,
    #[case] status: u16,
) {
    let scene = Scene::attempts(ONE, 1);
    scene.upstream.on("first", failure);
    scene.service.ask(&Comment.request()).await.assert_refused(status);
}

#[rstest]
#[case::without_the_header(request(true))]
#[case::none(request(true).header(HEADER, "none"))]
#[actix_web::test]
async fn nothing_is_told_in_a_stream_that_was_not_asked_to(#[case] request: Request) {
    let scene = Scene::attempts(TWO, 1);
    scene.upstream.on("first", Behaviour::status(500));
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.service.ask(&request).await;
    assert_eq!(said(&answer, true), "by the second");
    assert!(!answer.text().contains("notice"), "{}", answer.text());
    scene.assert_by(&answer, "openai/second", 2).await;
}

#[actix_web::test]
async fn nothing_is_told_where_nothing_happened() {
    let scene = Scene::attempts(TWO, 2);
    let answer = scene.service.ask(&Comment.request()).await;
    assert!(!answer.text().contains("notice"), "{}", answer.text());
    scene.assert_by(&answer, "openai/first", 1).await;
}

#[actix_web::test]
async fn a_whole_answer_has_no_place_for_notices() {
    let scene = Scene::attempts(TWO, 1);
    scene.upstream.on("first", Behaviour::status(500));
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.service.ask(&request(false).header(HEADER, "event")).await;
    assert_eq!(said(&answer, false), "by the second");
}

/// Its clients take every line for a part of the answer.
#[rstest]
#[case::chat("/api/chat", json!({"model": "m", "messages": [{"role": "user", "content": "say it"}]}))]
#[case::generate("/api/generate", json!({"model": "m", "prompt": "say it"}))]
#[actix_web::test]
async fn ollamas_format_has_no_place_for_notices(
    #[case] path: &str,
    #[case] body: Value,
    #[values("comment", "event")] form: &str,
) {
    let scene = Scene::attempts(TWO, 1);
    scene.upstream.on("first", Behaviour::status(500));
    scene.upstream.on("second", Behaviour::chat("by the second"));
    let answer = scene.service.ask(&post(path, body).header(HEADER, form)).await;
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["done"], true);
    assert!(!answer.text().contains("notice"), "{}", answer.text());
    scene.assert_by(&answer, "openai/second", 2).await;
}

#[rstest]
#[case::another_word("yes")]
#[case::another_case("Comment")]
#[case::nothing("")]
#[case::two_words("comment, event")]
#[case::no_text(b"\xff")]
#[actix_web::test]
async fn an_unknown_form_is_400_and_asks_nobody(
    #[case] value: impl AsRef<[u8]>,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::attempts(ONE, 1);
    let answer = scene.service.ask(&request(stream).header(HEADER, value)).await;
    assert_eq!(answer.assert_refused(400).param.as_deref(), Some(HEADER));
    assert!(answer.took < QUICKLY && scene.asked().is_empty());
}
