//! How a body is written down: length, chunks, compression, lines, writes.

mod common;

use std::io::{Read, Write};

use common::*;
use flate2::read::GzDecoder;
use flate2::write::GzDecoder as Inflate;
use llm_proxy_test_support::{Behaviour, Body, Framing, LineEnd, Ndjson, Sse, SseEvent};
use rstest::rstest;
use serde_json::json;

#[rstest]
#[case::right(Framing::ContentLength, "content-length: 5", "Hello")]
#[case::too_long(Framing::ContentLengthOffBy(3), "content-length: 8", "Hello")]
#[case::too_short(Framing::ContentLengthOffBy(-2), "content-length: 3", "Hello")]
#[case::chunked(Framing::Chunked, "transfer-encoding: chunked", "5\r\nHello\r\n0\r\n\r\n")]
#[case::close_delimited(Framing::CloseDelimited, "connection: close", "Hello")]
fn the_bodys_end_is_told_by(#[case] framing: Framing, #[case] header: &str, #[case] body: &str) {
    let seen = whole(Behaviour::raw("Hello").framing(framing));
    assert!(seen.head().contains(header), "{}", seen.head());
    assert_eq!(seen.body(), body.as_bytes());
    assert_eq!(seen.ending, Ending::Fin);
    let announced = !matches!(framing, Framing::ContentLengthOffBy(3));
    assert_eq!(seen.head().contains("connection: close"), announced);
}

#[test]
fn gzip_inflates_to_the_same() {
    let plain = whole(Behaviour::chat("Hello there"));
    let gzip = whole(Behaviour::chat("Hello there").gzip());
    assert!(gzip.head().contains("content-encoding: gzip"));
    let mut inflated = Vec::new();
    GzDecoder::new(gzip.body()).read_to_end(&mut inflated).unwrap();
    assert_eq!(inflated, plain.body());
}

#[test]
fn a_gzip_stream_can_be_inflated_event_by_event() {
    let plain = stream(Behaviour::chat_stream(["Hel", "lo"]));
    let gzip = stream(Behaviour::chat_stream(["Hel", "lo"]).gzip());
    let (events, chunks) = (plain.chunks().0, gzip.chunks().0);
    let mut inflate = Inflate::new(Vec::new());
    for (event, chunk) in events.iter().zip(&chunks) {
        inflate.write_all(chunk).unwrap();
        inflate.flush().unwrap();
        assert_eq!(std::mem::take(inflate.get_mut()), *event);
    }
    assert_eq!(chunks.len(), events.len() + 1, "the trailer has its own chunk");
    inflate.write_all(&chunks[events.len()]).unwrap();
    inflate.finish().unwrap();
}

#[test]
fn a_gzip_bomb_is_small_and_becomes_big() {
    let seen = whole(Behaviour::gzip_bomb(10));
    assert!(seen.body().len() < 20_000, "{}", seen.body().len());
    let mut inflated = Vec::new();
    GzDecoder::new(seen.body()).read_to_end(&mut inflated).unwrap();
    assert_eq!(inflated.len(), 10 << 20);
    assert!(inflated.iter().all(|byte| *byte == 0));
}

#[rstest]
#[case::lf(LineEnd::Lf, "data: {\"a\":1}\n\ndata: b\n\ndata: [DONE]\n\n")]
#[case::crlf(LineEnd::Crlf, "data: {\"a\":1}\r\n\r\ndata: b\r\n\r\ndata: [DONE]\r\n\r\n")]
#[case::cr(LineEnd::Cr, "data: {\"a\":1}\r\rdata: b\r\rdata: [DONE]\r\r")]
fn lines_end_in(#[case] line_end: LineEnd, #[case] text: &str) {
    let seen = stream(Behaviour::sse([json!({"a": 1}), json!("b")]).line_end(line_end));
    assert_eq!(seen.unchunked(), text.as_bytes());
}

#[test]
fn events_have_the_standards_variants() {
    let named = SseEvent::Named { event: "ping".into(), data: json!("x\ny") };
    let object = SseEvent::Data(json!({"a": 1}));
    let mut behaviour = Behaviour::from_body(Body::Sse(Sse { events: vec![named, object] })).without_done();
    behaviour.sse.bom = true;
    behaviour.sse.comment = Some("hi".into());
    behaviour.sse.multi_line = true;
    behaviour.sse.space = false;
    let text = "\u{feff}: hi\n\nevent:ping\ndata:x\ndata:y\n\n: hi\n\ndata:{\ndata:\"a\":1\ndata:}\n\n";
    assert_eq!(stream(behaviour).unchunked(), text.as_bytes());
}

#[test]
fn lines_of_json_are_events_too() {
    let lines = vec![json!({"done": false}), json!({"done": true})];
    let seen = stream(Behaviour::from_body(Body::Ndjson(Ndjson { lines })));
    assert!(seen.head().contains("application/x-ndjson"));
    let (chunks, complete) = seen.chunks();
    assert_eq!(chunks, [b"{\"done\":false}\n".to_vec(), b"{\"done\":true}\n".to_vec()]);
    assert!(complete);
}

#[test]
fn events_may_share_a_chunk() {
    let mut behaviour = Behaviour::sse(["a", "b", "c"]);
    behaviour.pace.events_per_write = 3;
    let chunks = stream(behaviour).chunks().0;
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[0], b"data: a\n\ndata: b\n\ndata: c\n\n");
}

#[test]
fn write_size_splits_the_writes_and_nothing_else() {
    let mut behaviour = Behaviour::sse(["a", "b"]).write_size(4);
    behaviour.pace.write_gap_ms = 20;
    let split = stream(behaviour);
    let plain = stream(Behaviour::sse(["a", "b"]));
    assert_eq!(split.bytes, plain.bytes);
    let body_reads = &split.reads[1..];
    assert!(body_reads.len() > split.body().len() / 8, "{body_reads:?}");
}

#[test]
fn a_gap_comes_between_events() {
    let started = std::time::Instant::now();
    let seen = stream(Behaviour::sse(["a", "b", "c"]).gap_ms(20));
    assert!(started.elapsed() >= std::time::Duration::from_millis(60));
    assert!(seen.chunks().1);
}

#[rstest]
#[case::other("text/plain", Some("content-type: text/plain"))]
#[case::none("", None)]
fn the_content_type_may_be_wrong(#[case] content_type: &str, #[case] header: Option<&str>) {
    let head = stream(Behaviour::chat("x").content_type(content_type)).head();
    assert_eq!(head.lines().find(|line| line.starts_with("content-type")), header);
}
