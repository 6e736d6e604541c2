//! Faults in the middle of a body, and after it.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use common::*;
use llm_proxy_test_support::{Action, ApiError, Behaviour, ErrorStyle, Framing, Garbage, Point, SseFraming};
use rstest::rstest;
use serde_json::Value;

fn hello() -> Behaviour {
    Behaviour::chat_stream(["Hel", "lo"])
}

#[test]
fn truncation_at_every_event_lacks_the_terminator() {
    let whole = stream(hello()).chunks().0;
    for events in 0..=whole.len() {
        let seen = stream(hello().truncate_after_events(events));
        assert_eq!(seen.ending, Ending::Fin);
        assert_eq!(seen.chunks(), (whole[..events].to_vec(), false));
    }
}

#[test]
fn truncation_at_every_byte_sends_just_those_bytes() {
    let whole = stream(hello());
    let upstream = upstream(hello());
    for bytes in 0..whole.body().len() {
        upstream.default_behaviour(hello().truncate_after_bytes(bytes));
        let seen = exchange(&upstream, &chat_request(true));
        assert_eq!(seen.body(), &whole.body()[..bytes]);
    }
}

#[rstest]
#[case::after_the_head(0)]
#[case::after_two_events(2)]
#[case::after_the_last(99)]
fn a_reset_is_a_reset(#[case] events: usize) {
    let seen = stream(hello().reset_after_events(events));
    assert_eq!(seen.ending, Ending::Reset);
    assert_eq!(seen.chunks().0.len(), events.min(5));
    assert!(!seen.chunks().1);
}

#[test]
fn a_clean_end_has_the_terminator_and_no_done() {
    let seen = stream(hello().clean_end_after_events(3));
    let (chunks, complete) = seen.chunks();
    assert_eq!((chunks.len(), complete), (3, true));
    assert!(!seen.text().contains("[DONE]"));
}

#[test]
fn a_stall_sends_the_events_before_it_and_then_nothing() {
    let upstream = upstream(hello().stall_after_events(1));
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    read_until(&mut stream, "\n\n\r\n");
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
}

#[test]
fn a_pause_is_survived() {
    let started = Instant::now();
    let seen = stream(hello().after_events(2, Action::PauseMs(80)));
    assert!(started.elapsed() >= Duration::from_millis(80));
    assert_eq!(seen.data(), stream(hello()).data());
}

#[test]
fn an_error_event_in_openais_form_ends_the_stream_without_done() {
    let data = stream(hello().error_event_after_events(2)).data();
    assert_eq!(data.len(), 3);
    let error: Value = serde_json::from_str(&data[2]).unwrap();
    assert_eq!(error["error"]["type"], "server_error");
}

#[test]
fn an_error_event_in_anthropics_form_has_a_name() {
    let error = ApiError { style: ErrorStyle::Anthropic, ..ApiError::default() };
    let seen = stream(hello().after_events(1, Action::ErrorEvent(error)));
    let event = String::from_utf8(seen.chunks().0[1].clone()).unwrap();
    assert!(event.starts_with("event: error\ndata: {"));
    assert!(event.contains(r#""type":"overloaded_error""#));
}

#[rstest]
#[case::line(Garbage::Line, b"<html>502 Bad Gateway</html>\r\n\r\n".to_vec())]
#[case::broken_json(Garbage::BrokenJson, b"data: {\"id\":\"chatcmpl-fault\",\"choices\":[{\"index\":0,\"delta\":{\"con\n\n".to_vec())]
#[case::binary(Garbage::Binary, (0..=255).collect())]
fn garbage_takes_an_events_place_and_the_stream_goes_on(#[case] garbage: Garbage, #[case] bytes: Vec<u8>) {
    let (chunks, complete) = stream(hello().after_events(2, Action::Garbage(garbage))).chunks();
    assert_eq!((chunks.len(), complete), (6, true));
    assert_eq!(chunks[2], bytes);
}

#[test]
fn invalid_utf8_is_invalid() {
    let garbage = Action::Garbage(Garbage::InvalidUtf8);
    let chunks = stream(hello().after_events(2, garbage)).chunks().0;
    assert!(String::from_utf8(chunks[2].clone()).is_err());
    assert!(chunks[2].starts_with(b"data: "));
}

#[test]
fn a_huge_event_is_one_event() {
    let bytes = 20 << 20;
    let (chunks, complete) = stream(hello().after_events(2, Action::HugeEvent(bytes))).chunks();
    assert!(complete);
    assert!(chunks[2].len() > bytes);
    let data = data(std::str::from_utf8(&chunks[2]).unwrap());
    assert_eq!(said(&data).len(), bytes);
}

#[test]
fn a_bad_chunk_size_stands_between_good_chunks() {
    let seen = stream(hello().after_events(1, Action::BadChunkSize));
    let first = seen.chunks().0[0].clone();
    let line = format!("{:x}\r\n", first.len());
    let body = [line.as_bytes(), &first, b"\r\nzz\r\n"].concat();
    assert!(seen.body().starts_with(&body));
    assert!(!seen.chunks().1);
}

#[test]
fn a_body_of_known_length_is_cut_short_of_it() {
    let seen = whole(Behaviour::raw("Hello").fault(Point::BodyBytes(2), Action::Close));
    assert!(seen.head().contains("content-length: 5"));
    assert_eq!((seen.body(), seen.ending), (&b"He"[..], Ending::Fin));
}

#[test]
fn a_gzip_stream_is_cut_too() {
    let seen = stream(hello().gzip().framing(Framing::Chunked).truncate_after_events(2));
    let (chunks, complete) = seen.chunks();
    assert_eq!((chunks.len(), complete), (2, false));
}

#[rstest]
#[case::close(Action::Close, Ending::Fin)]
#[case::reset(Action::Reset, Ending::Reset)]
fn a_kept_connection_may_end_unannounced(#[case] action: Action, #[case] ending: Ending) {
    let upstream = upstream(Behaviour::raw("x").fault(Point::End, action));
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(false)).unwrap();
    let seen = read_to_the_end(stream);
    assert_eq!((seen.body(), seen.ending), (&b"x"[..], ending));
    assert!(!seen.head().contains("connection"));
}

#[test]
fn faults_at_one_place_happen_in_the_order_given() {
    let behaviour =
        Behaviour { sse: SseFraming { done: false, ..SseFraming::default() }, ..Behaviour::sse(["a"]) };
    let behaviour = behaviour
        .after_events(1, Action::Insert("x".into()))
        .after_events(1, Action::Insert("y".into()))
        .after_events(0, Action::Insert("w".into()));
    assert_eq!(stream(behaviour).unchunked(), b"wdata: a\n\nxy");
}
