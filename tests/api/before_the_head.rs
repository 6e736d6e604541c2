//! What goes wrong before the first byte for the caller: a proper status, quickly, in the envelope.

use std::time::Duration;

use llm_proxy_test_support::{
    Action, Behaviour, Blackhole, Body, FaultUpstream, Garbage, Point, Reply, refused_url,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, KEY, LITELLM_KEY, Program, QUICKLY, TestService, chat, get, post, streamed,
};

/// The answer to a request whose upstream behaves like this.
async fn asked(behaviour: Behaviour, body: Value) -> Answer {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, body)).await;
    let record = service.usage(answer.id()).await;
    let is_complete = record["end"] == "complete";
    assert_eq!(is_complete, answer.status == 200, "{record}");
    assert_ne!(record["end"], "cancelled", "{record}");
    if !is_complete {
        assert_eq!(record["completion_tokens"], 0, "{record}");
    }
    service.assert_serves().await;
    answer
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn nobody_listening_is_503_at_once(#[case] body: Value) {
    let url = refused_url().unwrap();
    let service = TestService::start(|vars| vars.set("LITELLM_PROXY_URL", &url));
    let answer = service.ask(&post(CHAT, body)).await;
    let error = answer.assert_refused(503);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("backend_unavailable", "upstream_error"));
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["total_tokens"]), (&json!("failed"), &json!(0)));
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn nobody_accepting_is_503_within_the_connect_timeout(#[case] body: Value) {
    let blackhole = Blackhole::start().unwrap();
    let service = TestService::start(|vars| {
        let vars = vars.set("CONNECT_TIMEOUT_S", 0.3);
        vars.set("LITELLM_PROXY_URL", blackhole.url())
    });
    let answer = service.ask(&post(CHAT, body)).await;
    answer.assert_refused(503);
    let took = answer.took;
    assert!(took > Duration::from_millis(290) && took < Duration::from_millis(1300), "{took:?}");
}

#[actix_web::test]
async fn a_host_that_does_not_exist_is_503() {
    let service = TestService::start(|vars| {
        let vars = vars.set("CONNECT_TIMEOUT_S", 1);
        vars.set("LITELLM_PROXY_URL", "http://no-such-host.invalid:4000")
    });
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    answer.assert_refused(503);
    assert!(answer.took < 2 * QUICKLY, "{:?}", answer.took);
}

#[rstest]
#[case::reset(Behaviour::reset_before_head(), "upstream_disconnected")]
#[case::closed(Behaviour::close_before_head(), "upstream_disconnected")]
#[case::closed_in_the_head(Behaviour::default().fault(Point::HeadBytes(20), Action::Close), "upstream_disconnected")]
#[case::reset_in_the_head(Behaviour::default().fault(Point::HeadBytes(20), Action::Reset), "upstream_disconnected")]
#[case::no_http(Behaviour::not_http(), "malformed_answer")]
#[case::binary(Behaviour::default().fault(Point::BeforeHead, Action::Garbage(Garbage::Binary)), "malformed_answer")]
#[case::a_broken_header(Behaviour::default().header("bad name", "x"), "malformed_answer")]
#[case::two_lengths(Behaviour::json(json!({})).header("content-length", "5").header("content-length", "6"), "malformed_answer")]
#[actix_web::test]
async fn no_answer_is_502(
    #[case] behaviour: Behaviour,
    #[case] code: &str,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let answer = asked(behaviour, body).await;
    let error = answer.assert_refused(502);
    assert_eq!((error.code.as_str(), error.kind.as_str()), (code, "upstream_error"));
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
}

/// "Truncated" is what broke off in the middle; of these, nothing had begun.
#[rstest]
#[case::refused(Behaviour::status(400))]
#[case::reset(Behaviour::reset_before_head())]
#[case::no_http(Behaviour::not_http())]
#[case::a_redirect(Behaviour::from_body(Body::Empty).with_status(302))]
#[case::no_answer(Behaviour::json("ok"))]
#[actix_web::test]
async fn what_never_began_is_recorded_as_failed(
    #[case] behaviour: Behaviour,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, body)).await;
    let record = service.usage(answer.id()).await;
    assert_eq!((&record["end"], &record["total_tokens"]), (&json!("failed"), &json!(0)), "{record}");
}

#[rstest]
#[case::headers_of_a_mebibyte(Behaviour::default().header("x-big", "x".repeat(1 << 20)))]
#[case::a_thousand_headers((0..1000).fold(Behaviour::default(), |b, n| b.header(format!("x-{n}"), "x")))]
#[actix_web::test]
async fn a_head_without_measure_is_502(#[case] behaviour: Behaviour) {
    asked(behaviour, chat("m")).await.assert_refused(502);
}

#[actix_web::test]
async fn a_slow_head_is_waited_for() {
    let answer = asked(Behaviour::chat("slowly").slow_head(2), chat("m")).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "slowly");
}

#[rstest]
#[case::wrong(401)]
#[case::not_allowed(403)]
#[actix_web::test]
async fn our_own_key_is_not_the_callers_problem(
    #[case] status: u16,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let answer = asked(Behaviour::status(status), body).await;
    let error = answer.assert_refused(502);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("backend_authentication", "upstream_error"));
    assert_eq!(answer.header("www-authenticate"), None);
}

#[rstest]
#[case::bad_request(400)]
#[case::unknown_model(404)]
#[case::conflict(409)]
#[case::too_large(413)]
#[case::teapot(418)]
#[case::unprocessable(422)]
#[actix_web::test]
async fn what_the_caller_can_mend_is_passed_on(
    #[case] status: u16,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let said = json!({"error": {"message": "unknown model m", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}});
    let answer = asked(Behaviour::json(said.clone()).with_status(status), body).await;
    answer.assert_refused(status);
    assert_eq!(answer.json(), said);
}

#[rstest]
#[case::error(500, 502)]
#[case::not_implemented(501, 502)]
#[case::bad_gateway(502, 502)]
#[case::unavailable(503, 503)]
#[case::timeout(504, 504)]
#[case::overloaded(529, 503)]
#[case::invented(599, 502)]
#[actix_web::test]
async fn what_the_upstream_must_mend_stays_a_5xx(
    #[case] status: u16,
    #[case] expected: u16,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let error = asked(Behaviour::status(status), body).await.assert_refused(expected);
    assert_eq!(error.kind, "upstream_error");
}

#[rstest]
#[case::seconds("7", Some("7"))]
#[case::a_fraction("0.3", Some("1"))]
#[case::a_date("Wed, 21 Oct 2037 07:28:00 GMT", Some("Wed, 21 Oct 2037 07:28:00 GMT"))]
#[case::nonsense("soon", None)]
#[actix_web::test]
async fn a_limit_is_passed_on_with_its_wait(
    #[case] wait: &str,
    #[case] expected: Option<&str>,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let answer = asked(Behaviour::status(429).retry_after(wait), body).await;
    assert_eq!(answer.assert_refused(429).code, "rate_limit_exceeded");
    assert_eq!(answer.header("retry-after"), expected);
}

#[actix_web::test]
async fn an_overload_is_passed_on_with_its_wait() {
    let answer = asked(Behaviour::status(503).retry_after("9"), chat("m")).await;
    answer.assert_refused(503);
    assert_eq!(answer.header("retry-after"), Some("9"));
}

#[actix_web::test]
async fn an_empty_account_keeps_its_code() {
    let answer = asked(Behaviour::insufficient_quota(), chat("m")).await;
    assert_eq!(answer.assert_refused(429).code, "insufficient_quota");
}

/// Every member of an error may quote the key that was refused.
#[rstest]
#[case::bad_request(400)]
#[case::our_key(401)]
#[case::limit(429)]
#[case::failure(500)]
#[case::in_a_success(200)]
#[actix_web::test]
async fn keys_are_taken_out_of_errors(
    #[case] status: u16,
    #[values("message", "type", "param", "code")] member: &str,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    let mut error = json!({"message": "no", "type": "t", "param": null, "code": "c"});
    error[member] = json!(format!("no: {LITELLM_KEY}, sk-another0123456789, Bearer abcdefghijklmnop"));
    let answer = asked(Behaviour::json(json!({"error": error})).with_status(status), body).await;
    assert!(answer.status >= 400);
    let text = answer.text();
    for key in [LITELLM_KEY, "another0123456789", "abcdefghijklmnop", KEY] {
        assert!(!text.contains(key), "{text}");
    }
}

#[rstest]
#[case::openai(json!({"error": {"message": "boom"}}), "boom")]
#[case::a_text(json!({"error": "boom"}), "boom")]
#[case::fastapi(json!({"detail": "boom"}), "boom")]
#[case::fastapi_validation(json!({"detail": [{"loc": ["body"], "msg": "boom"}]}), "boom")]
#[case::anthropic(json!({"type": "error", "error": {"type": "overloaded_error", "message": "boom"}}), "boom")]
#[case::an_empty_object(json!({}), "400")]
#[case::no_object(json!(["boom"]), "400")]
#[case::an_empty_error(json!({"error": {}}), "400")]
#[case::strange_types(json!({"error": {"message": 5, "type": [], "param": {}, "code": 400}}), "5")]
#[actix_web::test]
async fn an_error_in_another_form_is_put_into_the_envelope(#[case] said: Value, #[case] part: &str) {
    let answer = asked(Behaviour::json(said).with_status(400), chat("m")).await;
    let error = answer.assert_refused(400);
    assert!(error.message.contains(part), "{}", error.message);
}

#[rstest]
#[case::html(Behaviour::raw("<html><body>nginx</body></html>").content_type("text/html"))]
#[case::html_that_says_json(Behaviour::raw("<html><body>nginx</body></html>").content_type("application/json"))]
#[case::nothing(Behaviour::from_body(Body::Empty))]
#[case::no_text(Behaviour::default().fault(Point::BodyBytes(0), Action::Garbage(Garbage::Binary)))]
#[case::compressed(Behaviour::raw("<html>nginx</html>").gzip())]
#[actix_web::test]
async fn an_error_that_is_no_json_is_told_without_its_body(
    #[case] behaviour: Behaviour,
    #[values(404, 502)] status: u16,
) {
    let answer = asked(behaviour.with_status(status), chat("m")).await;
    let error = answer.assert_refused(status);
    assert!(!error.message.contains("nginx"), "{}", error.message);
}

#[actix_web::test]
async fn a_compressed_error_is_read() {
    let said = json!({"error": {"message": "boom"}});
    let answer = asked(Behaviour::json(said).with_status(400).gzip(), chat("m")).await;
    assert_eq!(answer.assert_refused(400).message, "boom");
}

#[actix_web::test]
async fn a_huge_error_is_cut() {
    let said = json!({"error": {"message": "boom ".repeat(4 << 20)}});
    let answer = asked(Behaviour::json(said).with_status(400), chat("m")).await;
    answer.assert_refused(400);
    assert!(answer.body.len() < 10_000, "{}", answer.body.len());
}

#[actix_web::test]
async fn an_error_without_end_is_not_waited_for() {
    let upstream = FaultUpstream::start();
    let said = json!({"error": {"message": "boom"}});
    let stalled = Behaviour::json(said).with_status(500).fault(Point::BodyBytes(10), Action::Stall);
    upstream.default_behaviour(stalled);
    let service = TestService::start(|vars| vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.3));
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    answer.assert_refused(502);
    assert!(answer.took < 2 * QUICKLY, "{:?}", answer.took);
}

#[rstest]
#[case::found(302)]
#[case::see_other(303)]
#[case::temporary(307)]
#[case::permanent(308)]
#[actix_web::test]
async fn a_redirect_is_not_followed(#[case] status: u16, #[values(chat("m"), streamed("m"))] body: Value) {
    let (upstream, elsewhere) = (FaultUpstream::start(), FaultUpstream::start());
    let redirect = Behaviour::from_body(Body::Empty).with_status(status);
    upstream.default_behaviour(redirect.header("location", format!("{}{CHAT}", elsewhere.url())));
    let answer = TestService::before(&upstream).ask(&post(CHAT, body)).await;
    assert_eq!(answer.assert_refused(502).code, "malformed_answer");
    assert_eq!(answer.header("location"), None);
    assert!(elsewhere.requests().is_empty());
    assert_eq!(upstream.requests().len(), 1);
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn a_success_that_says_error_is_an_error(#[case] body: Value) {
    let said = json!({"error": {"message": "boom", "type": "server_error", "code": "x"}});
    let error = asked(Behaviour::json(said), body).await.assert_refused(502);
    assert_eq!((error.message.as_str(), error.code.as_str()), ("boom", "x"));
}

#[actix_web::test]
async fn an_answer_that_speaks_of_errors_is_none() {
    let text = r#"{"error": {"message": "boom"}}"#;
    let answer = asked(Behaviour::chat(text), chat("m")).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], text);
    let said = json!({"choices": [], "error": null});
    assert_eq!(asked(Behaviour::json(said.clone()), chat("m")).await.json(), said);
}

#[rstest]
#[case::nothing(Behaviour::from_body(Body::Empty))]
#[case::no_content(Behaviour::from_body(Body::Empty).with_status(204))]
#[case::html(Behaviour::raw("<html>captive portal</html>").content_type("text/html"))]
#[case::a_text(Behaviour::json("ok"))]
#[case::a_list(Behaviour::json(json!([1, 2])))]
#[case::null(Behaviour::json(Value::Null))]
#[actix_web::test]
async fn a_success_that_is_no_answer_is_502(
    #[case] behaviour: Behaviour,
    #[values(chat("m"), streamed("m"))] body: Value,
) {
    assert_eq!(asked(behaviour, body).await.assert_refused(502).code, "malformed_answer");
}

#[actix_web::test]
async fn json_instead_of_a_stream_is_502() {
    let reply = Behaviour::from_body(Body::ChatCompletion(Reply::default()));
    assert_eq!(asked(reply, streamed("m")).await.assert_refused(502).code, "malformed_answer");
}

#[actix_web::test]
async fn a_stream_instead_of_json_is_502() {
    let reply = Behaviour::chat_stream(["a", "b"]);
    assert_eq!(asked(reply, chat("m")).await.assert_refused(502).code, "malformed_answer");
}

/// It may have decided before it has read everything, and closes when it has.
#[actix_web::test]
async fn an_answer_in_the_middle_of_the_request_is_heard() {
    let upstream = FaultUpstream::start();
    upstream.on(CHAT, Behaviour::status(413).reading_only(1000));
    let text = "x".repeat(4 << 20);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    let answer = TestService::before(&upstream).ask(&post(CHAT, body)).await;
    answer.assert_refused(413);
}

/// 300 MiB in 300 KiB; what is read of it at all is bounded.
#[rstest]
#[case::whole(chat("m"), Behaviour::gzip_bomb(300), 400)]
#[case::streamed(streamed("m"), Behaviour::gzip_bomb(300).content_type("text/event-stream"), 64)]
#[case::an_error(chat("m"), Behaviour::gzip_bomb(300).with_status(400), 16)]
#[case::instead_of_a_stream(streamed("m"), Behaviour::gzip_bomb(300), 400)]
#[actix_web::test]
async fn a_bomb_does_not_go_off(#[case] body: Value, #[case] behaviour: Behaviour, #[case] limit_mib: u64) {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    let program = Program::start(|vars| vars.before(&upstream));
    let before = program.peak_mib();
    let answer = program.ask(&post(CHAT, body)).await;
    assert!(answer.complete && answer.body.len() < 10_000);
    if answer.status == 200 {
        let events = answer.events();
        assert!(events.len() == 1 && events[0].json()["error"].is_object(), "{events:?}");
    } else {
        assert!([400, 502].contains(&answer.status));
        answer.assert_refused(answer.status);
    }
    let grown = program.peak_mib() - before;
    assert!(grown < limit_mib, "{grown} MiB");
    assert_eq!(program.ask(&get("/health/live")).await.status, 200);
}
