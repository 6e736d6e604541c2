//! The same endpoint again: as often as the error, the settings, the budget and the deadline allow.

use std::time::Duration;

use llm_proxy_test_support::{Action, Behaviour, Point};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ONE, Scene, TWO, request, said};
use crate::harness::QUICKLY;

/// All that may help when it is asked again. The error's code.
#[rstest]
#[case::reset_before_the_head(Behaviour::reset_before_head(), "upstream_disconnected")]
#[case::closed_before_the_head(Behaviour::close_before_head(), "upstream_disconnected")]
#[case::cut_in_the_head(
    Behaviour::default().fault(Point::HeadBytes(20), Action::Reset),
    "upstream_disconnected"
)]
#[case::reset_behind_the_head(Behaviour::default().reset_after_events(0), "stream_truncated")]
#[case::cut_behind_the_head(Behaviour::default().truncate_after_events(0), "stream_truncated")]
#[case::no_http(Behaviour::not_http(), "malformed_answer")]
#[case::a_page(Behaviour::raw("<html>").content_type("text/html"), "malformed_answer")]
#[case::internal_error(Behaviour::status(500), "upstream_failure")]
#[case::bad_gateway(Behaviour::status(502), "upstream_failure")]
#[case::unavailable(Behaviour::status(503), "upstream_failure")]
#[case::gateway_timeout(Behaviour::status(504), "upstream_timeout")]
#[case::overloaded(Behaviour::status(529), "upstream_failure")]
#[case::a_rate_limit(Behaviour::status(429), "rate_limit_exceeded")]
#[case::an_error_under_200(Behaviour::json(json!({"error": {"message": "boom"}})), "upstream_failure")]
#[actix_web::test]
async fn a_failure_is_tried_again_and_told(
    #[case] failure: Behaviour,
    #[case] code: &str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::attempts(ONE, 3);
    let mut notices = scene.notices().await;
    scene.upstream.sequence("first", [failure, Behaviour::chat("at last")]);
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "at last");
    let record = scene.assert_by(&answer, "openai/first", 2).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("complete"), &Value::Null));
    let told = notices.assert_next(&scene.service.metrics().await, &["retry", "recovered"]).await;
    assert_eq!((&told[0]["reason"], &told[0]["endpoint"]), (&json!(code), &json!("openai/first")));
    assert_eq!((&told[0]["attempt"], &told[0]["of"]), (&json!(2), &json!(3)));
    assert_eq!((&told[1]["attempts"], &told[1]["breaker_closed"]), (&json!(2), &json!(false)));
    for notice in told {
        assert_eq!((&notice["request_id"], &notice["model"]), (&json!(answer.id()), &json!("m")));
    }
}

/// The head, the body of a whole answer, and the first event of a stream have their times.
#[rstest]
#[case::no_head(Behaviour::stall_before_head(), "FIRST_BYTE_TIMEOUT_S", "first_byte_timeout")]
#[case::no_body(Behaviour::default().stall_after_events(0), "IDLE_TIMEOUT_S", "idle_timeout")]
#[actix_web::test]
async fn a_silence_is_tried_again_when_its_time_is_over(
    #[case] silence: Behaviour,
    #[case] limit: &str,
    #[case] code: &str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::with(ONE, |vars| vars.set("RETRY_ATTEMPTS", 2).set(limit, 0.2));
    let mut notices = scene.notices().await;
    scene.upstream.sequence("first", [silence, Behaviour::chat("at last")]);
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "at last");
    assert!(answer.took >= Duration::from_millis(190) && answer.took < QUICKLY, "{:?}", answer.took);
    assert_eq!(notices.next(1).await[0]["reason"], code);
}

#[rstest]
#[actix_web::test]
async fn there_are_as_many_attempts_as_are_set_and_the_last_failure_is_told(
    #[values(1, 2, 4)] attempts: u32,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::attempts(ONE, attempts);
    let mut notices = scene.notices().await;
    scene.upstream.default_behaviour(Behaviour::status(503).header("retry-after-ms", "1"));
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(503).code, "upstream_failure");
    let record = scene.assert_by(&answer, "openai/first", attempts).await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("upstream_failure")));
    assert_eq!((&record["total_tokens"], &record["relayed_deltas"]), (&json!(0), &json!(0)));
    assert_eq!(scene.asked().len(), attempts as usize);
    let mut told = vec!["retry"; attempts as usize - 1];
    told.push("outage");
    notices.assert_next(&scene.service.metrics().await, &told).await;
}

/// A file that says nothing leaves it to the setting; one that says none has the last word.
#[rstest]
#[case::none("litellm_settings: {num_retries: 0}", 1)]
#[case::one("router_settings: {num_retries: 1}", 2)]
#[case::more("router_settings: {num_retries: 4}", 5)]
#[case::unsaid("", 3)]
#[actix_web::test]
async fn the_files_retries_come_before_the_settings_attempts(#[case] said: &str, #[case] calls: u32) {
    let scene = Scene::attempts(&format!("{ONE}{said}\n"), 3);
    scene.upstream.default_behaviour(Behaviour::status(500));
    let answer = scene.ask(false).await;
    scene.assert_by(&answer, "openai/first", calls).await;
}

/// And so it opens no breaker, however strict.
#[rstest]
#[actix_web::test]
async fn what_the_caller_did_wrong_is_asked_once_and_is_no_fault_of_the_endpoint(
    #[values(400, 404, 413, 422)] status: u16,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::with(TWO, |vars| vars.set("RETRY_ATTEMPTS", 3).set("BREAKER_FAILURES", 1));
    scene.upstream.sequence("first", [Behaviour::status(status), Behaviour::chat("by the first")]);
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(status).kind, "invalid_request_error");
    scene.assert_by(&answer, "openai/first", 1).await;
    assert_eq!(scene.service.metrics().await.sum("llm_proxy_notices_total", &[]), 0.0);
    assert_eq!(said(&scene.ask(stream).await, stream), "by the first");
    assert_eq!(scene.asked(), ["first", "first"]);
}

/// The same endpoint would say the same again.
#[rstest]
#[case::an_empty_account(Behaviour::insufficient_quota(), 429, "insufficient_quota")]
#[case::our_key(Behaviour::status(401), 502, "backend_authentication")]
#[case::our_rights(Behaviour::status(403), 502, "backend_authentication")]
#[actix_web::test]
async fn what_is_final_at_an_endpoint_is_not_asked_there_again(
    #[case] failure: Behaviour,
    #[case] status: u16,
    #[case] code: &str,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::attempts(ONE, 3);
    scene.upstream.default_behaviour(failure.retry_after("5"));
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(status).code, code);
    scene.assert_by(&answer, "openai/first", 1).await;
    assert!(answer.took < QUICKLY);
}

#[rstest]
#[case::seconds(Behaviour::status(429).retry_after("1"), 1000)]
#[case::milliseconds(Behaviour::status(429).header("retry-after-ms", "300"), 300)]
#[case::both(Behaviour::status(429).header("retry-after-ms", "300").retry_after("9"), 300)]
#[case::of_one_that_is_overloaded(Behaviour::status(503).retry_after("1"), 1000)]
#[actix_web::test]
async fn the_wait_that_an_upstream_asks_for_is_waited(
    #[case] failure: Behaviour,
    #[case] wait_ms: u64,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::attempts(ONE, 2);
    let mut notices = scene.notices().await;
    scene.upstream.sequence("first", [failure, Behaviour::chat("at last")]);
    let answer = scene.ask(stream).await;
    assert_eq!(said(&answer, stream), "at last");
    let wait = Duration::from_millis(wait_ms);
    assert!(answer.took >= wait && answer.took < wait + QUICKLY, "{:?}", answer.took);
    let told = notices.next(1).await[0]["wait_ms"].as_u64().unwrap();
    assert!(told > wait_ms - 100 && told <= wait_ms, "{told}");
}

#[rstest]
#[case::seconds("retry-after", "2", "2")]
#[case::milliseconds("retry-after-ms", "1500", "2")]
#[actix_web::test]
async fn a_longer_wait_than_the_longest_is_left_to_the_caller(
    #[case] name: &str,
    #[case] value: &str,
    #[case] told: &str,
) {
    let scene = Scene::with(ONE, |vars| vars.set("RETRY_ATTEMPTS", 3).set("RETRY_MAX_MS", 1000));
    scene.upstream.default_behaviour(Behaviour::status(429).header(name, value));
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(429).code, "rate_limit_exceeded");
    assert_eq!(answer.header("retry-after"), Some(told));
    assert!(answer.took < QUICKLY);
    scene.assert_by(&answer, "openai/first", 1).await;
}

/// How far away it is depends on two clocks that nobody compared.
#[actix_web::test]
async fn a_date_to_wait_for_is_passed_on_and_not_waited_for() {
    const DATE: &str = "Wed, 21 Oct 2037 07:28:00 GMT";
    let scene = Scene::attempts(ONE, 2);
    scene.upstream.default_behaviour(Behaviour::status(429).retry_after(DATE));
    let answer = scene.ask(false).await;
    answer.assert_refused(429);
    assert_eq!(answer.header("retry-after"), Some(DATE));
    assert!(answer.took < QUICKLY);
    scene.assert_by(&answer, "openai/first", 2).await;
}

/// Whatever takes the time: failures that come slowly, or one that does not come at all.
#[rstest]
#[case::of_failures(Behaviour::status(500).delay_ms(150))]
#[case::of_silence(Behaviour::stall_before_head())]
#[actix_web::test]
async fn one_deadline_holds_for_all_attempts(
    #[case] behaviour: Behaviour,
    #[values(false, true)] stream: bool,
) {
    let scene = Scene::with(TWO, |vars| {
        let vars = vars.set("RETRY_ATTEMPTS", 50).set("FIRST_BYTE_TIMEOUT_S", 0.25);
        vars.set("REQUEST_TIMEOUT_S", 0.6)
    });
    scene.upstream.default_behaviour(behaviour);
    let answer = scene.ask(stream).await;
    assert_eq!(answer.assert_refused(504).code, "deadline_exceeded");
    let limit = Duration::from_millis(600);
    assert!(answer.took >= limit - Duration::from_millis(10) && answer.took < limit + QUICKLY);
    assert!((3..=5).contains(&scene.asked().len()), "{:?}", scene.asked());
    assert_eq!(scene.service.usage(answer.id()).await["error"], "deadline_exceeded");
}

#[actix_web::test]
async fn a_wait_that_would_end_behind_the_deadline_is_not_begun() {
    let scene = Scene::with(ONE, |vars| vars.set("RETRY_ATTEMPTS", 3).set("REQUEST_TIMEOUT_S", 0.9));
    scene.upstream.default_behaviour(Behaviour::status(503).retry_after("1"));
    let answer = scene.ask(false).await;
    assert_eq!(answer.assert_refused(503).code, "upstream_failure");
    assert!(answer.took < Duration::from_millis(800), "{:?}", answer.took);
    scene.assert_by(&answer, "openai/first", 1).await;
}

/// Without a share of the traffic only the floor is left: a hundred in ten seconds, for all requests together.
#[rstest]
#[case::at_one_endpoint(ONE, &["first"])]
#[case::at_two(TWO, &["first", "second"])]
#[actix_web::test]
async fn there_are_no_more_retries_than_the_budget_has(#[case] yaml: &str, #[case] models: &[&str]) {
    const REQUESTS: usize = 80;
    let scene = Scene::with(yaml, |vars| vars.set("RETRY_ATTEMPTS", 4).set("RETRY_BUDGET_RATIO", 0));
    super::always(&scene.upstream, models, &Behaviour::status(500));
    let mut client = scene.service.connect().await;
    for _ in 0..REQUESTS {
        client.ask(&request(false)).await.assert_refused(502);
    }
    assert_eq!(scene.asked().len(), REQUESTS + 100);
}

/// A request that is not failing is never held up by the budget.
#[actix_web::test]
async fn first_attempts_need_no_budget() {
    let scene = Scene::with(ONE, |vars| {
        vars.set("RETRY_ATTEMPTS", 100).set("RETRY_BUDGET_RATIO", 0).set("RETRY_MAX_MS", 1)
    });
    scene.upstream.default_behaviour(Behaviour::status(500));
    for calls in [100, 2, 1] {
        scene.assert_by(&scene.ask(false).await, "openai/first", calls).await;
    }
    scene.upstream.default_behaviour(Behaviour::chat("well"));
    assert_eq!(said(&scene.ask(false).await, false), "well");
}
