//! Requests with an `idempotency-key`: a repeat gets the answer that is there or on its way, a dropped
//! stream goes on, and nothing is paid for twice.

use std::time::Duration;

use llm_proxy_test_support::{Behaviour, FaultUpstream, LineEnd};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, ConfigFile, Event, OpenAiError, QUICKLY, Request, SOON, TestService, chat, data_of,
    fill, get, post, streamed, text_of, wait_for,
};

const REPLAY: &str = "x-llm-proxy-idempotent-replay";
const ORIGINAL: &str = "x-llm-proxy-original-request-id";

/// A chat request that may be repeated.
fn keyed(body: Value) -> Request {
    post(CHAT, body).header("idempotency-key", "k-1")
}

/// A repeat that had so many events.
fn resumed(body: Value, events: usize) -> Request {
    keyed(body).header("last-event-id", events.to_string())
}

fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    upstream
}

/// The ids of events, comments passed over.
fn ids_of(events: &[Event]) -> Vec<Option<u64>> {
    let id = |event: &Event| event.raw.lines().find_map(|line| line.strip_prefix("id: ")?.parse().ok());
    events.iter().filter(|event| !event.is_comment()).map(id).collect()
}

/// The bytes of events as they came.
fn raw(events: &[Event]) -> String {
    events.iter().map(|event| event.raw.as_str()).collect()
}

/// Waits until the upstream has sent its answer and the record of it is written.
async fn only_usage(service: &TestService) -> Value {
    let records = wait_for("a usage record", || {
        let records = service.lines.records("usage");
        (!records.is_empty()).then_some(records)
    });
    let records = records.await;
    assert_eq!(records.len(), 1, "{records:?}");
    records[0].clone()
}

fn is_replay(answer: &Answer) -> bool {
    answer.header(REPLAY) == Some("true")
}

/// An answer's headers, without those that are about the request that it is an answer to.
fn common_headers(answer: &Answer) -> Vec<(String, String)> {
    let own = ["x-request-id", "date", REPLAY, ORIGINAL];
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !own.contains(&name.as_str()));
    headers.sort();
    headers
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn repeats_of_a_finished_answer_get_it_again_and_nobody_pays(#[case] body: Value) {
    let behaviour = Behaviour::chat_stream(["one ", "two"]).header("x-ratelimit-limit-requests", "7");
    let upstream = upstream(behaviour);
    upstream.on("whole", Behaviour::chat("one two").header("x-ratelimit-limit-requests", "7"));
    let body = if body["stream"] == true { body } else { chat("whole") };
    let service = TestService::before(&upstream);
    let first = service.ask(&keyed(body.clone()).id("the-first")).await;
    assert_eq!((first.status, is_replay(&first), first.header(ORIGINAL)), (200, false, None));
    for n in 0..5 {
        let id = format!("repeat-{n}");
        let repeat = service.ask(&keyed(body.clone()).id(&id)).await;
        assert_eq!((repeat.status, &repeat.body, repeat.complete), (200, &first.body, true));
        assert_eq!(common_headers(&repeat), common_headers(&first));
        assert_eq!((repeat.id(), repeat.header(ORIGINAL)), (id.as_str(), Some("the-first")));
        assert!(is_replay(&repeat));
        assert_eq!(service.access(&id).await["finished"], true);
    }
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(only_usage(&service).await["request_id"], "the-first");
    assert_eq!(service.metrics().await.sum("llm_proxy_idempotent_replays_total", &[]), 5.0);
}

#[rstest]
#[case::a_whole_answer(chat("m"), Behaviour::chat("once").delay_ms(300))]
#[case::a_stream_before_its_head(streamed("m"), Behaviour::chat_stream(["on", "ce"]).delay_ms(300))]
#[actix_web::test]
async fn a_repeat_waits_for_the_answer_that_is_on_its_way(#[case] body: Value, #[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let mut first = service.connect().await;
    first.send(keyed(body.clone()).bytes()).await;
    assert!(upstream.wait_for_requests(1, SOON).await.is_some());
    let repeat = service.ask(&keyed(body)).await;
    let first = first.answer().await;
    assert_eq!((first.status, is_replay(&first), is_replay(&repeat)), (200, false, true));
    assert_eq!((&first.body, first.complete), (&repeat.body, true));
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(only_usage(&service).await["end"], "complete");
}

#[actix_web::test]
async fn a_repeat_in_the_middle_of_a_stream_gets_all_of_it() {
    let upstream = upstream(Behaviour::long_stream(20, 4).gap_ms(10));
    let service = TestService::before(&upstream);
    let mut first = service.connect().await;
    first.begin(&keyed(streamed("m"))).await;
    let mut had = first.events(5).await;
    let repeat = service.ask(&keyed(streamed("m"))).await;
    had.extend(first.all_events().await.0);
    assert!(is_replay(&repeat) && repeat.events().last().unwrap().is_done());
    assert_eq!(raw(&had), repeat.text());
    assert_eq!(upstream.requests().len(), 1);
}

/// On different workers, in all likelihood: what they share is not a worker's.
#[actix_web::test]
async fn many_at_once_are_one_call() {
    let upstream = upstream(Behaviour::chat("once").delay_ms(200));
    let service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 4));
    let request = keyed(chat("m"));
    let answers = futures_util::future::join_all((0..40).map(|_| service.ask(&request))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
    assert_eq!(upstream.requests().len(), 1);
    only_usage(&service).await;
}

/// For every place where a stream may be dropped.
#[rstest]
#[case::lf(LineEnd::Lf)]
#[case::cr_lf(LineEnd::Crlf)]
#[actix_web::test]
async fn a_dropped_stream_and_its_resumption_are_the_uninterrupted_one(#[case] line_end: LineEnd) {
    let upstream = upstream(Behaviour::long_stream(8, 4).line_end(line_end));
    let service = TestService::before(&upstream);
    let whole = service.ask(&keyed(streamed("m"))).await;
    let events = whole.events();
    let ids: Vec<_> = (1..=events.len() as u64).map(Some).collect();
    assert_eq!(ids_of(&events), ids);
    assert!(events.last().unwrap().is_done());
    for had in 0..=events.len() {
        let rest = service.ask(&resumed(streamed("m"), had)).await;
        assert!(rest.complete && is_replay(&rest));
        assert_eq!(raw(&events[..had]) + &rest.text(), whole.text(), "after {had}");
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[actix_web::test]
async fn a_stream_that_is_dropped_in_the_middle_goes_on_where_it_was() {
    let upstream = upstream(Behaviour::long_stream(30, 4).gap_ms(10));
    let service = TestService::before(&upstream);
    let mut had = Vec::new();
    for _ in 0..3 {
        let mut client = service.connect().await;
        client.begin(&resumed(streamed("m"), had.len())).await;
        had.extend(client.events(5).await);
        client.reset();
    }
    let rest = service.ask(&resumed(streamed("m"), had.len())).await;
    had.extend(rest.events());
    assert_eq!(ids_of(&had), (1..=had.len() as u64).map(Some).collect::<Vec<_>>());
    assert_eq!(raw(&had), service.ask(&keyed(streamed("m"))).await.text());
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(only_usage(&service).await["end"], "complete");
}

#[rstest]
#[case::before_the_head(Behaviour::chat_stream(["on", "ce"]).delay_ms(300), 0)]
#[case::in_the_middle(Behaviour::long_stream(20, 4).gap_ms(10), 3)]
#[actix_web::test]
async fn an_answer_runs_on_when_its_caller_leaves(#[case] behaviour: Behaviour, #[case] events: usize) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    client.send(keyed(streamed("m")).id("the-one-that-leaves").bytes()).await;
    assert!(upstream.wait_for_requests(1, SOON).await.is_some());
    if events > 0 {
        client.head().await;
        client.events(events).await;
    }
    client.leave();
    let record = service.usage("the-one-that-leaves").await;
    assert_eq!((&record["end"], &record["finish_reason"]), (&json!("complete"), &json!("stop")), "{record}");
    assert!(service.ask(&keyed(streamed("m"))).await.events().last().unwrap().is_done());
    assert_eq!(upstream.requests().len(), 1);
}

#[actix_web::test]
async fn a_listener_that_never_reads_holds_up_neither_the_answer_nor_other_listeners() {
    let upstream = upstream(Behaviour::long_stream(2_000, 1_000));
    let service = TestService::before(&upstream);
    let mut stuck = Client::connect_narrowly(service.port).await;
    stuck.begin(&keyed(streamed("m"))).await;
    let record = only_usage(&service).await;
    assert_eq!(record["end"], "complete");
    let repeat = service.ask(&keyed(streamed("m"))).await;
    assert!(repeat.body.len() > 2_000_000 && repeat.events().last().unwrap().is_done());
    let (events, complete) = stuck.all_events().await;
    assert!(complete);
    assert_eq!(raw(&events), repeat.text());
}

#[rstest]
#[case::another_message(json!({"model": "m", "messages": [{"role": "user", "content": "other"}]}))]
#[case::as_a_stream(streamed("m"))]
#[actix_web::test]
async fn the_key_of_another_request_is_refused(#[case] other: Value) {
    let upstream = upstream(Behaviour::chat("once"));
    let service = TestService::before(&upstream);
    service.ask(&keyed(chat("m"))).await;
    let error = service.ask(&keyed(other)).await.assert_refused(422);
    assert_eq!(
        (error.code.as_str(), error.kind.as_str()),
        ("idempotency_key_reused", "invalid_request_error")
    );
    assert_eq!(error.param.as_deref(), Some("idempotency-key"));
    assert_eq!(upstream.requests().len(), 1);
}

#[actix_web::test]
async fn another_key_is_another_request_and_so_is_none() {
    let upstream = upstream(Behaviour::chat("each"));
    let service = TestService::before(&upstream);
    for request in
        [keyed(chat("m")), post(CHAT, chat("m")).header("idempotency-key", "k-2"), post(CHAT, chat("m"))]
    {
        assert!(!is_replay(&service.ask(&request).await));
    }
    assert_eq!(upstream.requests().len(), 3);
}

#[rstest]
#[case::empty("idempotency-key", "")]
#[case::a_space("idempotency-key", "a b")]
#[case::not_ascii("idempotency-key", "\u{e9}")]
#[case::no_number("last-event-id", "seven")]
#[case::never_sent("last-event-id", "99")]
#[actix_web::test]
async fn a_header_that_cannot_be_is_named(#[case] name: &str, #[case] value: &str) {
    let service = TestService::mock();
    service.ask(&keyed(streamed("m"))).await;
    let request = keyed(streamed("m")).without(name).header(name, value);
    let error = service.ask(&request).await.assert_refused(400);
    assert_eq!(error.param.as_deref(), Some(name));
}

#[actix_web::test]
async fn a_key_that_stands_twice_is_refused() {
    let service = TestService::mock();
    let error = service.ask(&keyed(chat("m")).header("idempotency-key", "k-1")).await.assert_refused(400);
    assert_eq!((error.code.as_str(), error.param.as_deref()), ("duplicate_header", Some("idempotency-key")));
}

#[actix_web::test]
async fn a_whole_answer_has_no_events_to_resume_behind() {
    let service = TestService::mock();
    service.ask(&keyed(chat("m"))).await;
    let error = service.ask(&resumed(chat("m"), 1)).await.assert_refused(400);
    assert_eq!((error.code.as_str(), error.param.as_deref()), ("unknown_event_id", Some("last-event-id")));
}

#[actix_web::test]
async fn where_nothing_is_kept_nothing_is_resumed_and_nobody_pays() {
    let upstream = upstream(Behaviour::chat_stream(["a"]));
    let service = TestService::before(&upstream);
    let error = service.ask(&resumed(streamed("m"), 3)).await.assert_refused(400);
    assert_eq!((error.code.as_str(), error.param.as_deref()), ("nothing_to_resume", Some("last-event-id")));
    assert!(upstream.requests().is_empty());
}

/// Libraries send the header by themselves.
#[actix_web::test]
async fn without_a_key_there_are_no_ids_and_the_last_one_is_passed_over() {
    let upstream = upstream(Behaviour::chat_stream(["a", "b"]));
    let service = TestService::before(&upstream);
    let plain = service.ask(&post(CHAT, streamed("m")).header("last-event-id", "2")).await;
    let events = plain.events();
    assert_eq!(ids_of(&events), vec![None; events.len()]);
    let numbered = service.ask(&keyed(streamed("m"))).await.events();
    assert_eq!(data_of(&numbered).len(), data_of(&events).len());
    assert_eq!(text_of(&numbered), text_of(&events));
}

#[actix_web::test]
async fn comments_have_no_ids() {
    let upstream = upstream(Behaviour::chat_stream(["a", "b"]).delay_ms(400));
    let service = TestService::start(|vars| vars.before(&upstream).set("KEEPALIVE_INTERVAL_S", 0.1));
    let events = service.ask(&keyed(streamed("m"))).await.events();
    let comments: Vec<_> = events.iter().filter(|event| event.is_comment()).collect();
    assert!(!comments.is_empty());
    assert!(comments.iter().all(|event| event.raw == ": keep-alive\n\n"), "{comments:?}");
    assert_eq!(ids_of(&events)[0], Some(1));
}

#[rstest]
#[case::refused(Behaviour::status(400), 400)]
#[case::limited(Behaviour::status(429), 429)]
#[case::failed(Behaviour::status(500), 502)]
#[actix_web::test]
async fn a_failure_before_the_answer_is_not_kept(
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[values(false, true)] stream: bool,
) {
    let upstream = FaultUpstream::start();
    let body = if stream { streamed("m") } else { chat("m") };
    upstream.default_behaviour(behaviour);
    let service = TestService::before(&upstream);
    assert_eq!(service.ask(&keyed(body.clone())).await.status, status);
    upstream.default_behaviour(if stream { Behaviour::chat_stream(["a"]) } else { Behaviour::chat("a") });
    let again = service.ask(&keyed(body)).await;
    assert_eq!((again.status, is_replay(&again)), (200, false));
}

#[actix_web::test]
async fn a_failure_before_the_answer_is_everybodys_who_waited_for_it() {
    let upstream = upstream(Behaviour::status(400).delay_ms(300));
    let service = TestService::before(&upstream);
    let request = keyed(chat("m"));
    let answers = futures_util::future::join_all((0..3).map(|_| service.ask(&request))).await;
    for answer in answers {
        answer.assert_refused(400);
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[actix_web::test]
async fn a_request_that_is_malformed_keeps_no_key() {
    let service = TestService::mock();
    service.ask(&keyed(json!({"model": "m"}))).await.assert_refused(400);
    assert_eq!(service.ask(&keyed(chat("m"))).await.status, 200);
}

/// Who had its beginning gets the rest of it, and that is the error; who asks anew gets a new one.
#[rstest]
#[case::cut(Behaviour::long_stream(10, 4).truncate_after_events(4), "stream_truncated")]
#[case::an_error(Behaviour::long_stream(10, 4).error_event_after_events(4), "upstream_failure")]
#[actix_web::test]
async fn a_broken_answer_is_resumed_to_its_error_but_not_repeated(
    #[case] behaviour: Behaviour,
    #[case] code: &str,
) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let broken = service.ask(&keyed(streamed("m"))).await.events();
    let error = OpenAiError::read(&broken.last().unwrap().json());
    assert_eq!(error.code, code, "{error:?}");
    let rest = service.ask(&resumed(streamed("m"), 2)).await;
    assert!(is_replay(&rest));
    assert_eq!(rest.text(), raw(&broken[2..]));
    assert_eq!(upstream.requests().len(), 1);
    upstream.default_behaviour(Behaviour::long_stream(10, 4));
    let again = service.ask(&keyed(streamed("m"))).await;
    assert!(!is_replay(&again) && again.events().last().unwrap().is_done());
    assert!(is_replay(&service.ask(&keyed(streamed("m"))).await));
}

#[actix_web::test]
async fn an_answer_that_is_too_large_to_be_kept_still_arrives() {
    let upstream = upstream(Behaviour::long_stream(1_000, 500));
    upstream.on("whole", Behaviour::chat("x".repeat(500_000)));
    let service = TestService::start(|vars| vars.before(&upstream).set("IDEMPOTENCY_MAX_BYTES", 1 << 16));
    for body in [streamed("m"), chat("whole")] {
        let key = body["model"].as_str().unwrap().to_owned();
        let request = post(CHAT, body).header("idempotency-key", key);
        let mut slow = Client::connect_narrowly(service.port).await;
        slow.send(request.bytes()).await;
        let answer = slow.answer().await;
        assert!(answer.status == 200 && answer.complete && answer.body.len() > 500_000);
        let error = service.ask(&request).await.assert_refused(409);
        assert_eq!(error.code, "idempotency_answer_not_kept");
        assert_eq!(error.param.as_deref(), Some("idempotency-key"));
    }
    assert_eq!(upstream.requests().len(), 2);
}

/// As without a key: the upstream waits for who does not read, and the deadline ends that.
#[actix_web::test]
async fn an_answer_that_is_not_kept_and_not_read_ends_at_its_deadline() {
    let upstream = upstream(Behaviour::endless().send_buffer_bytes(8192));
    let service = TestService::start(|vars| {
        let vars = vars.before(&upstream).set("IDEMPOTENCY_MAX_BYTES", 1 << 16);
        vars.set("REQUEST_TIMEOUT_S", 1)
    });
    let mut stuck = Client::connect_narrowly(service.port).await;
    stuck.begin(&keyed(streamed("m")).id("never-read")).await;
    let record = service.usage("never-read").await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("deadline_exceeded")));
    let (events, complete) = stuck.all_events().await;
    assert!(complete);
    assert_eq!(OpenAiError::read(&events.last().unwrap().json()).code, "deadline_exceeded");
}

#[actix_web::test]
async fn an_answer_that_is_too_old_is_asked_for_again() {
    let upstream = upstream(Behaviour::chat("each"));
    let service = TestService::start(|vars| vars.before(&upstream).set("IDEMPOTENCY_TTL_S", 0.05));
    service.ask(&keyed(chat("m"))).await;
    let deadline = std::time::Instant::now() + SOON;
    while is_replay(&service.ask(&keyed(chat("m"))).await) {
        assert!(std::time::Instant::now() < deadline, "kept for ever");
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[actix_web::test]
async fn an_answer_without_its_caller_is_waited_for_when_the_service_stops() {
    let upstream = upstream(Behaviour::long_stream(10, 4).gap_ms(50));
    let mut service = TestService::before(&upstream);
    let mut client = service.connect().await;
    client.begin(&keyed(streamed("m")).id("left-alone")).await;
    client.events(1).await;
    client.leave();
    let stopped_at = service.stop();
    let ended = service.ended(stopped_at).await;
    ended.result.unwrap();
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
    assert_eq!(service.usage("left-alone").await["end"], "complete");
}

#[actix_web::test]
async fn an_answer_that_outlasts_the_drain_window_is_cut_and_says_so() {
    let upstream = upstream(Behaviour::long_stream(10, 4).stall_after_events(3));
    let mut service = TestService::start(|vars| vars.before(&upstream).set("DRAIN_TIMEOUT_S", 0.2));
    let mut client = service.connect().await;
    client.begin(&keyed(streamed("m")).id("cut")).await;
    let stopped_at = service.stop();
    let (events, complete) = client.all_events().await;
    assert!(complete);
    assert_eq!(OpenAiError::read(&events.last().unwrap().json()).code, "shutting_down");
    drop(client);
    service.ended(stopped_at).await.result.unwrap();
    let record = service.usage("cut").await;
    assert_eq!((&record["end"], &record["error"]), (&json!("failed"), &json!("shutting_down")));
}

#[actix_web::test]
async fn http_1_0_gets_its_replay_too() {
    let service = TestService::mock();
    let first = service.ask(&keyed(streamed("m"))).await;
    let replay = service.ask(&keyed(streamed("m")).version("HTTP/1.0")).await;
    assert_eq!((replay.header("transfer-encoding"), &replay.body), (None, &first.body));
}

/// A model behind a provider with OpenAI's format: the answer is translated.
const CONFIG: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/upstream-m, api_base: UPSTREAM/v1, api_key: k}}
";

#[rstest]
#[case::chat("/api/chat", json!({"model": "m", "messages": [{"role": "user", "content": "say it"}]}))]
#[case::generate("/api/generate", json!({"model": "m", "prompt": "say it"}))]
#[actix_web::test]
async fn ollamas_clients_repeat_too_without_ids(#[case] path: &str, #[case] body: Value) {
    let upstream = upstream(Behaviour::chat_stream(["on", "ce"]));
    let file = ConfigFile::yaml(fill(CONFIG, &upstream));
    let service = TestService::start(|vars| vars.native(file));
    let request = post(path, body).header("idempotency-key", "k-1");
    let first = service.ask(&request).await;
    let repeat = service.ask(&request).await;
    assert!(is_replay(&repeat));
    assert_eq!((&repeat.body, repeat.header("content-type")), (&first.body, Some("application/x-ndjson")));
    let last: Value = serde_json::from_str(first.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["done"], true);
    assert_eq!(upstream.requests().len(), 1);
    let refused = service.ask(&request.header("last-event-id", "1")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["error"].as_str().unwrap().contains("last-event-id"));
}

#[actix_web::test]
async fn a_broken_stream_of_ollamas_format_is_asked_for_again() {
    let upstream = upstream(Behaviour::long_stream(10, 4).truncate_after_events(4));
    let file = ConfigFile::yaml(fill(CONFIG, &upstream));
    let service = TestService::start(|vars| vars.native(file));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "say it"}]});
    let request = post("/api/chat", body).header("idempotency-key", "k-1");
    assert!(service.ask(&request).await.text().contains("\"error\""));
    upstream.default_behaviour(Behaviour::chat_stream(["a"]));
    let again = service.ask(&request).await;
    assert!(!is_replay(&again) && !again.text().contains("\"error\""));
}

#[actix_web::test]
async fn embeddings_are_repeated_too() {
    let service = TestService::mock();
    let body = json!({"model": "m", "input": "text"});
    let request = post("/v1/embeddings", body).header("idempotency-key", "k-1");
    let first = service.ask(&request).await;
    let repeat = service.ask(&request).await;
    assert!(is_replay(&repeat));
    assert_eq!(repeat.json(), first.json());
}

#[actix_web::test]
async fn the_description_names_the_headers() {
    let service = TestService::mock();
    let description = service.ask(&get("/openapi.json")).await.json();
    for path in [CHAT, "/chat/completions", "/v1/completions", "/v1/embeddings", "/api/chat", "/api/generate"]
    {
        let parameters = description["paths"][path]["post"]["parameters"].as_array().unwrap().clone();
        let is_there = parameters.iter().any(|p| p["name"] == "idempotency-key" && p["in"] == "header");
        assert!(is_there, "{path}: {parameters:?}");
    }
}

/// A repeat is answered from memory: it is there before any upstream could be.
#[actix_web::test]
async fn a_replay_does_not_pause_where_the_answer_did() {
    let upstream = upstream(Behaviour::long_stream(20, 4).gap_ms(100));
    let service = TestService::before(&upstream);
    service.ask(&keyed(streamed("m"))).await;
    assert!(service.ask(&keyed(streamed("m"))).await.took < QUICKLY);
}
