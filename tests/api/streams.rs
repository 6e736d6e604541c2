//! Streams that go well: as they come, whole, and not faster than the reader reads.

use std::time::Duration;

use llm_proxy_test_support::{
    Action, Behaviour, Body, Connections, Endless, FaultUpstream, Framing, LineEnd, Point, Reply, Text,
    UsageReport,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, Event, Program, SOON, TestService, chat, data_of, post, streamed, text_of,
};

fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    upstream
}

fn hello() -> Behaviour {
    Behaviour::chat_stream(["Hello", " big", " world", "!"])
}

/// Role, four pieces, the finish.
const HELLO_CHUNKS: usize = 6;

/// A request for a stream with its usage: nothing is changed on the way there, or back.
fn with_usage() -> Value {
    let mut body = streamed("m");
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// What the upstream says to its own clients.
async fn direct(upstream: &FaultUpstream, body: &Value) -> Answer {
    Client::connect(upstream.port()).await.ask(&post(CHAT, body)).await
}

/// Fails unless the stream is complete: `[DONE]` at its end, and nowhere else.
fn assert_complete(events: &[Event]) {
    let done = events.iter().filter(|event| event.is_done()).count();
    assert_eq!(done, 1, "{events:?}");
    assert!(events.last().unwrap().is_done(), "{events:?}");
}

#[actix_web::test]
async fn the_first_token_leaves_before_the_upstream_sends_its_second() {
    let upstream = upstream(hello().stall_after_events(2));
    let service = TestService::before(&upstream);
    let mut client = service.connect().await;
    let head = client.begin(&post(CHAT, streamed("m"))).await;
    assert_eq!(head.status, 200);
    let event = client.event().await.unwrap();
    assert_eq!(event.json()["choices"][0]["delta"]["role"], "assistant");
    let event = client.event().await.unwrap();
    assert!(event.json()["choices"][0]["delta"]["content"].is_string());
    assert_eq!(upstream.connections().open.len(), 1);
}

#[actix_web::test]
async fn the_head_of_a_stream_says_what_it_is() {
    let upstream = upstream(hello());
    let service = TestService::before(&upstream);
    let head = service.ask(&post(CHAT, streamed("m"))).await.head;
    let content_type = head.header("content-type").unwrap();
    assert!(content_type.starts_with("text/event-stream"), "{content_type}");
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
}

#[rstest]
#[case::as_openai_writes(hello())]
#[case::crlf(hello().line_end(LineEnd::Crlf))]
#[case::no_space({ let mut b = hello(); b.sse.space = false; b })]
#[case::comments({ let mut b = hello(); b.sse.comment = Some("ping".to_owned()); b })]
#[case::several_data_lines({ let mut b = hello(); b.sse.multi_line = true; b })]
#[case::byte_by_byte(hello().write_size(1))]
#[case::in_threes(hello().write_size(3))]
#[case::crlf_byte_by_byte(hello().line_end(LineEnd::Crlf).write_size(1))]
#[case::three_events_at_once({ let mut b = hello(); b.pace.events_per_write = 3; b })]
#[case::all_at_once({ let mut b = hello(); b.pace.events_per_write = 100; b })]
#[case::compressed(hello().gzip())]
#[case::compressed_byte_by_byte(hello().gzip().write_size(1))]
#[case::with_a_length(hello().framing(Framing::ContentLength))]
#[case::until_the_connection_closes(hello().framing(Framing::CloseDelimited))]
#[case::on_a_connection_that_closes(hello().connection_close())]
#[case::empty_pieces(Behaviour::chat_stream(["", "a", "", "b"]))]
#[case::texts_that_look_like_more(Behaviour::chat_stream(["data: [DONE]", "\n\n", "\r\n", "\"error\"", "\"usage\":{"]))]
#[case::unicode(Behaviour::chat_stream(["日本", "語 ", "👋🏽", "é"]).write_size(1))]
#[case::a_tool_call(Behaviour::tool_call("weather", r#"{"city":"Paris \"x\""}"#))]
#[case::ten_thousand_events(Behaviour::long_stream(10_000, 20).write_size(1000))]
#[case::events_of_100_kib(Behaviour::chat_stream(vec!["x".repeat(100 << 10); 20]))]
#[case::one_event_of_8_mib(Behaviour::chat_stream(["x".repeat(8 << 20)]))]
#[actix_web::test]
async fn events_pass_byte_for_byte(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let relayed = service.ask(&post(CHAT, with_usage())).await;
    let expected = direct(&upstream, &with_usage()).await;
    assert!(relayed.complete);
    if expected.header("content-encoding").is_none() {
        assert!(relayed.body == expected.body, "{:?}", relayed.text());
    }
    assert_complete(&relayed.events());
    let record = service.usage(relayed.id()).await;
    assert_eq!((&record["end"], &record["provenance"]), (&json!("complete"), &json!("reported")));
}

/// A carriage return alone ends a line too, and a byte order mark belongs to nobody.
#[rstest]
#[case::carriage_returns(hello().line_end(LineEnd::Cr))]
#[case::carriage_returns_byte_by_byte(hello().line_end(LineEnd::Cr).write_size(1))]
#[case::a_byte_order_mark({ let mut b = hello(); b.sse.bom = true; b })]
#[case::a_byte_order_mark_byte_by_byte({ let mut b = hello().write_size(1); b.sse.bom = true; b })]
#[actix_web::test]
async fn events_in_rarer_forms_say_the_same(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let relayed = service.ask(&post(CHAT, with_usage())).await;
    let expected = direct(&upstream, &with_usage()).await;
    assert_eq!(data_of(&relayed.events()), data_of(&expected.events()));
    assert_complete(&relayed.events());
}

#[rstest]
#[case::reported_when_asked(UsageReport::WhenAsked)]
#[case::reported_always(UsageReport::Always)]
#[actix_web::test]
async fn usage_that_the_caller_did_not_ask_for_stays_here(#[case] report: UsageReport) {
    let upstream = upstream(hello().usage(report));
    let service = TestService::before(&upstream);
    let relayed = service.ask(&post(CHAT, streamed("m"))).await;
    let events = relayed.events();
    assert_complete(&events);
    assert_eq!(events.len(), HELLO_CHUNKS + 1);
    let chunks = &events[..HELLO_CHUNKS];
    assert!(chunks.iter().all(|event| event.json()["usage"].is_null()));
    assert!(chunks.iter().all(|event| event.json()["choices"][0].is_object()));
    assert_eq!(text_of(&events), "Hello big world!");
    let record = service.usage(relayed.id()).await;
    assert_eq!(record["provenance"], "reported");
    assert_eq!(record["completion_tokens"], 4);
}

#[actix_web::test]
async fn usage_that_the_caller_asked_for_is_passed_on_and_recorded() {
    let upstream = upstream(hello());
    let service = TestService::before(&upstream);
    let relayed = service.ask(&post(CHAT, with_usage())).await;
    let events = relayed.events();
    assert_eq!(events.len(), HELLO_CHUNKS + 2);
    let usage = &events[HELLO_CHUNKS].json()["usage"];
    assert_eq!(usage["completion_tokens"], 4);
    let record = service.usage(relayed.id()).await;
    assert_eq!(record["total_tokens"], usage["total_tokens"]);
    assert_eq!(record["finish_reason"], "stop");
}

/// Some providers put it into the last chunk that says something.
#[actix_web::test]
async fn usage_in_a_chunk_that_says_something_is_passed_on_with_it() {
    let last = json!({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let upstream = upstream(Behaviour::sse([last]));
    let service = TestService::before(&upstream);
    let relayed = service.ask(&post(CHAT, streamed("m"))).await;
    let events = relayed.events();
    assert_eq!((events.len(), text_of(&events).as_str()), (2, "x"));
    assert_eq!(service.usage(relayed.id()).await["total_tokens"], 3);
}

#[rstest]
#[case::at_once(hello())]
#[case::twice(Behaviour::sse([json!({"choices": []}), json!("[DONE]")]))]
#[case::with_more_behind_it(hello().fault(Point::Events(99), Action::Insert("data: {\"choices\":[]}\n\n".to_owned())))]
#[case::with_a_failure_behind_it(hello().fault(Point::Events(99), Action::Reset))]
#[case::without_its_empty_line(hello().without_done().fault(Point::Events(99), Action::Insert("data: [DONE]".to_owned())))]
#[case::without_its_last_line_end(hello().without_done().fault(Point::Events(99), Action::Insert("data: [DONE]\n".to_owned())))]
#[case::without_a_space(hello().without_done().fault(Point::Events(99), Action::Insert("data:[DONE]\n\n".to_owned())))]
#[actix_web::test]
async fn done_is_said_once_and_last(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert!(answer.complete);
    assert_complete(&answer.events());
    assert_eq!(service.usage(answer.id()).await["end"], "complete");
}

/// An upstream that forgets to end its body must not keep the caller, and a connection like that is
/// of no use any more.
#[actix_web::test]
async fn after_done_nobody_waits_for_the_upstream() {
    let upstream = upstream(hello().fault(Point::Events(99), Action::Stall));
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    assert!(answer.complete);
    assert_complete(&answer.events());
    assert!(upstream.wait_for_closure(SOON).await.is_some());
}

/// Sees that nothing can be written for a while.
fn is_stuck(connections: &Connections) -> bool {
    let since = connections.open.first().and_then(|connection| connection.blocked_since);
    since.is_some_and(|since| since.elapsed() > Duration::from_millis(300))
}

/// The kernel's own buffers take some MiB on either side.
const SOCKET_BUFFERS: u64 = 24 << 20;

#[actix_web::test]
async fn a_reader_that_stops_holds_the_upstream_back_and_can_go_on() {
    let endless = Body::Endless(Endless { text_bytes: 4000 });
    let upstream = upstream(Behaviour::from_body(endless).send_buffer_bytes(8192));
    let program = Program::start(|vars| vars.before(&upstream).set("IDLE_TIMEOUT_S", 0.2));
    let mut client = program.connect().await;
    client.begin(&post(CHAT, streamed("m"))).await;
    let before = program.peak_mib();
    assert!(upstream.wait_until(SOON, is_stuck).await, "the upstream was never held back");
    let held = upstream.connections().bytes_written;
    assert!(held < SOCKET_BUFFERS, "{held}");
    let grown = program.peak_mib() - before;
    assert!(grown < 8, "{grown} MiB");
    // The silence is the reader's: the upstream's idle timeout must not have fired.
    let mut read = 0;
    while read < 2 * held {
        let event = client.event().await.unwrap();
        assert!(!event.raw.contains("error"), "{}", event.raw);
        read += event.raw.len() as u64;
    }
}

/// How many comments stand before each event that says something.
fn comments(events: &[Event]) -> Vec<usize> {
    let mut counts = vec![0];
    for event in events {
        if event.is_comment() {
            *counts.last_mut().unwrap() += 1;
        } else {
            counts.push(0);
        }
    }
    counts
}

fn kept_alive(upstream: &FaultUpstream, interval_s: f64) -> TestService {
    TestService::start(|vars| vars.before(upstream).set("KEEPALIVE_INTERVAL_S", interval_s))
}

#[actix_web::test]
async fn comments_come_while_the_head_is_awaited() {
    let upstream = upstream(hello().delay_ms(700));
    let service = kept_alive(&upstream, 0.2);
    let answer = service.ask(&post(CHAT, streamed("m"))).await;
    let events = answer.events();
    assert_complete(&events);
    let counts = comments(&events);
    assert!((2..=4).contains(&counts[0]), "{counts:?}");
    assert_eq!(counts[1..].iter().sum::<usize>(), 0, "{counts:?}");
    assert_eq!(text_of(&events), "Hello big world!");
    assert!(answer.complete);
    assert_eq!(service.usage(answer.id()).await["end"], "complete");
}

#[actix_web::test]
async fn comments_come_during_silence_and_the_stream_goes_on() {
    let upstream = upstream(hello().after_events(3, Action::PauseMs(700)));
    let service = kept_alive(&upstream, 0.2);
    let events = service.ask(&post(CHAT, streamed("m"))).await.events();
    assert_complete(&events);
    let counts = comments(&events);
    assert!((2..=4).contains(&counts[3]), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), counts[3], "{counts:?}");
    assert_eq!(text_of(&events), "Hello big world!");
}

/// Half an event is out of the upstream when it falls silent.
#[actix_web::test]
async fn a_comment_never_stands_inside_an_event() {
    let upstream = upstream(hello().fault(Point::BodyBytes(300), Action::PauseMs(500)));
    let service = kept_alive(&upstream, 0.1);
    let events = service.ask(&post(CHAT, streamed("m"))).await.events();
    assert_complete(&events);
    assert!(comments(&events).iter().sum::<usize>() > 1);
    assert_eq!(text_of(&events), "Hello big world!");
    assert!(events.iter().all(|e| e.is_comment() || e.is_done() || e.json().is_object()));
}

#[actix_web::test]
async fn a_comment_comes_only_after_silence() {
    let upstream = upstream(Behaviour::long_stream(8, 10).gap_ms(100));
    let service = kept_alive(&upstream, 0.4);
    let events = service.ask(&post(CHAT, streamed("m"))).await.events();
    assert_complete(&events);
    assert_eq!(comments(&events).iter().sum::<usize>(), 0);
}

#[actix_web::test]
async fn comments_can_be_turned_off() {
    let upstream = upstream(hello().delay_ms(300).after_events(2, Action::PauseMs(300)));
    let service = kept_alive(&upstream, 0.0);
    let events = service.ask(&post(CHAT, streamed("m"))).await.events();
    assert_complete(&events);
    assert_eq!(comments(&events).iter().sum::<usize>(), 0);
}

#[actix_web::test]
async fn an_answer_that_is_not_streamed_gets_no_comments() {
    let upstream = upstream(Behaviour::default().delay_ms(300));
    let service = kept_alive(&upstream, 0.1);
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["choices"].is_array());
}

#[actix_web::test]
async fn two_choices_pass_through_one_stream() {
    let reply = Reply { text: Some(Text::Whole("one two".to_owned())), choices: Some(2), ..Reply::default() };
    let upstream = upstream(Behaviour::from_body(Body::ChatStream(reply)));
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, with_usage())).await;
    assert_eq!(answer.body, direct(&upstream, &with_usage()).await.body);
}

#[actix_web::test]
async fn a_stream_of_two_hundred_at_once_is_two_hundred_streams() {
    let upstream = upstream(hello().gap_ms(5));
    let service = TestService::start(|vars| vars.before(&upstream).set("WORKERS", 2));
    let streams = (0..200).map(|_| async {
        let answer = service.ask(&post(CHAT, streamed("m"))).await;
        assert_complete(&answer.events());
        text_of(&answer.events())
    });
    let texts = futures_util::future::join_all(streams).await;
    assert_eq!(texts, ["Hello big world!"; 200]);
}
