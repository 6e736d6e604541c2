//! Faults before and in the head.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use common::*;
use llm_proxy_test_support::{Action, Behaviour, Point};
use rstest::rstest;

#[rstest]
#[case::reset(Behaviour::reset_before_head(), Ending::Reset, "")]
#[case::close(Behaviour::close_before_head(), Ending::Fin, "")]
#[case::garbage(Behaviour::not_http(), Ending::Fin, "<html>502 Bad Gateway</html>\r\n\r\n")]
#[case::reset_in_the_head(Behaviour::default().fault(Point::HeadBytes(12), Action::Reset), Ending::Reset, "HTTP/1.1 200")]
#[case::close_in_the_head(Behaviour::default().fault(Point::HeadBytes(12), Action::Close), Ending::Fin, "HTTP/1.1 200")]
#[case::junk_in_the_head(Behaviour::raw("x").fault(Point::HeadBytes(8), Action::Insert("\0".into())).fault(Point::HeadBytes(13), Action::Close), Ending::Fin, "HTTP/1.1\0 200 ")]
fn the_connection_ends_with(#[case] behaviour: Behaviour, #[case] ending: Ending, #[case] text: &str) {
    let seen = whole(behaviour);
    assert_eq!((seen.ending, seen.text().as_str()), (ending, text));
}

#[test]
fn a_delay_comes_before_the_head() {
    let started = Instant::now();
    let seen = whole(Behaviour::chat("late").delay_ms(80));
    assert!(started.elapsed() >= Duration::from_millis(80));
    assert!(seen.text().contains("late"));
}

#[test]
fn a_stall_says_nothing() {
    let upstream = upstream(Behaviour::stall_before_head());
    let mut stream = connect(&upstream);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(&chat_request(false)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(upstream.closures().is_empty());
}

#[test]
fn a_slow_head_comes_byte_by_byte() {
    let started = Instant::now();
    let seen = whole(Behaviour::raw("x").slow_head(2));
    let head = seen.head().len() + 4;
    assert!(started.elapsed() >= Duration::from_millis(2 * head as u64));
    assert!(seen.reads.len() > head / 2, "{:?}", seen.reads);
}

#[test]
fn informational_heads_come_first() {
    let seen = whole(Behaviour::raw("x").informational(100).informational(103));
    let start = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(seen.text().starts_with(start));
}

#[test]
fn an_expected_continue_is_sent_before_the_body_is_read() {
    let upstream = upstream(Behaviour::raw("x"));
    let mut stream = connect(&upstream);
    let head = b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head).unwrap();
    assert_eq!(read_until(&mut stream, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_reset_may_come_after_a_part_of_the_requests_body() {
    let upstream = upstream(Behaviour::reset_before_head().reading_only(10));
    let mut stream = connect(&upstream);
    stream.write_all(b"POST /x HTTP/1.1\r\nContent-Length: 100\r\n\r\n0123456789").unwrap();
    assert_eq!(read_to_the_end(stream).ending, Ending::Reset);
    let request = &upstream.requests()[0];
    assert_eq!((request.body.as_slice(), request.body_complete), (&b"0123456789"[..], false));
}

#[rstest]
#[case::known_length("Content-Length: 1000000\r\n", "")]
#[case::chunked("Transfer-Encoding: chunked\r\n", "f4240\r\n")]
fn an_answer_may_come_before_the_requests_body(#[case] header: &str, #[case] size: &str) {
    let upstream = upstream(Behaviour::status(413).reading_only(5));
    let mut stream = connect(&upstream);
    let head = format!("POST /x HTTP/1.1\r\n{header}\r\n{size}12345");
    stream.write_all(head.as_bytes()).unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("connection: close"));
    stream.write_all(&[b'6'; 100_000]).unwrap(); // a reset here would lose the answer
    assert_eq!(read_to_the_end(stream).ending, Ending::Fin);
    assert_eq!(upstream.requests()[0].body, b"12345");
}

#[rstest]
#[case::quota(Behaviour::insufficient_quota(), 429, "insufficient_quota", "insufficient_quota")]
#[case::rate(Behaviour::status(429).retry_after("7"), 429, "requests", "rate_limit_exceeded")]
#[case::key(Behaviour::status(401), 401, "invalid_request_error", "invalid_api_key")]
fn a_status_has_openais_error_body(
    #[case] behaviour: Behaviour,
    #[case] status: u16,
    #[case] kind: &str,
    #[case] code: &str,
) {
    let seen = whole(behaviour.clone());
    assert!(seen.head().starts_with(&format!("HTTP/1.1 {status} ")));
    assert_eq!(seen.json()["error"]["type"], kind);
    assert_eq!(seen.json()["error"]["code"], code);
    let retry_after = !behaviour.head.headers.is_empty();
    assert_eq!(seen.head().contains("retry-after: 7"), retry_after);
}

#[test]
fn own_headers_replace_the_computed_ones() {
    let seen = whole(Behaviour::raw("x").header("Content-Length", "nonsense"));
    assert!(seen.head().contains("Content-Length: nonsense"));
    assert!(!seen.head().contains("content-length"));
}
