//! What is recorded, and waiting for it.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::*;
use llm_proxy_test_support::{Behaviour, Connections, FaultUpstream};
use rstest::rstest;

#[test]
fn a_request_is_recorded_as_it_came() {
    let upstream = FaultUpstream::start();
    let request = "POST /v1/chat/completions?a=b HTTP/1.1\r\nX-Two: 1\r\nx-two: 2\r\n\
                   Transfer-Encoding: chunked\r\n\r\n\
                   3;ext\r\n{\"m\r\n8\r\nodel\":1}\r\n0\r\nTrailer: x\r\n\r\n";
    exchange(&upstream, request.as_bytes());
    let requests = upstream.take_requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.query.as_deref(), Some("a=b"));
    assert_eq!(request.headers[1], ("X-Two".to_owned(), "1".to_owned()));
    assert_eq!(request.headers("x-two").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(request.header("X-TWO"), Some("1"));
    assert_eq!(request.json()["model"], 1);
    assert!(request.body_complete);
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_sequence_is_taken_in_order_and_its_last_one_stays() {
    let upstream = FaultUpstream::start();
    upstream.sequence("m", [500, 429, 200].map(Behaviour::status));
    upstream.on("/v1/chat/completions", Behaviour::status(418));
    let statuses = [(); 4].map(|()| exchange(&upstream, &chat_request(false)).head());
    let statuses = statuses.map(|head| head[9..12].to_owned());
    assert_eq!(statuses, ["500", "429", "200", "200"]);
    upstream.sequence("m", []);
    assert!(exchange(&upstream, &chat_request(false)).head().contains("418"), "the path's");
    upstream.behave();
    assert!(exchange(&upstream, &chat_request(false)).head().contains("200"));
}

#[rstest]
#[case::before_the_head(Behaviour::stall_before_head())]
#[case::in_a_stall(Behaviour::chat_stream(["a"]).stall_after_events(2))]
#[case::in_a_delay(Behaviour::chat("a").delay_ms(60_000))]
#[case::in_a_gap(Behaviour::chat_stream(["a"]).gap_ms(60_000))]
#[case::with_its_request_unread(Behaviour::stall_before_head().reading_only(1))]
#[case::while_it_does_not_read(Behaviour::endless())]
fn a_peer_that_leaves_is_noticed_at_once(#[case] behaviour: Behaviour) {
    let upstream = upstream(behaviour);
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    upstream.wait_for_requests_blocking(1, SOON).unwrap();
    // Let an endless body block, and the others come to their silence.
    std::thread::sleep(Duration::from_millis(50));
    assert!(upstream.closures().is_empty());
    let left = Instant::now();
    drop(stream);
    let closure = upstream.wait_for_closure_blocking(SOON).unwrap();
    assert!(closure.by_peer && closure.while_answering);
    assert_eq!(closure.connection_id, 1);
    assert!(closure.at - left < Duration::from_millis(50), "{:?}", closure.at - left);
    assert!(upstream.connections().open.is_empty());
    assert_eq!(upstream.connections().bytes_written, closure.bytes_written);
}

#[test]
fn an_idle_peer_that_leaves_is_no_closure_in_an_answer() {
    let upstream = FaultUpstream::start();
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    read_until(&mut stream, "\r\n0\r\n\r\n");
    drop(stream);
    assert!(upstream.wait_until_blocking(SOON, |connections| connections.open.is_empty()));
    let closure = upstream.closures()[0];
    assert!(closure.by_peer && !closure.while_answering);
    assert_eq!(upstream.wait_for_closure_blocking(Duration::from_millis(10)), None);
}

#[test]
fn the_upstreams_own_closing_is_recorded_before_it_is_seen() {
    let upstream = upstream(Behaviour::reset_before_head());
    assert_eq!(exchange(&upstream, &chat_request(true)).ending, Ending::Reset);
    let closures = upstream.closures();
    assert_eq!((closures.len(), closures[0].by_peer, closures[0].bytes_written), (1, false, 0));
}

#[test]
fn an_endless_body_waits_for_its_reader() {
    let upstream = upstream(Behaviour::endless().send_buffer_bytes(4096));
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    assert!(upstream.wait_until_blocking(SOON, |connections| {
        let since = connections.open.first().and_then(|open| open.blocked_since);
        since.is_some_and(|since| since.elapsed() > Duration::from_millis(100))
    }));
    let written = upstream.connections().bytes_written;
    assert!(written < 16 << 20, "only the kernel's buffers: {written}");
    let mut buffer = vec![0; usize::try_from(written).unwrap()];
    stream.read_exact(&mut buffer).unwrap();
    let goes_on = move |connections: &Connections| connections.bytes_written > written;
    assert!(upstream.wait_until_blocking(SOON, goes_on));
}

#[test]
fn accepted_and_open_connections_are_counted() {
    let upstream = FaultUpstream::start();
    let streams = [(); 3].map(|()| connect(&upstream));
    assert!(upstream.wait_until_blocking(SOON, |connections| connections.open.len() == 3));
    drop(streams);
    assert!(upstream.wait_until_blocking(SOON, |connections| connections.open.is_empty()));
    assert_eq!(upstream.connections().accepted, 3);
}

#[rstest]
#[case::no_http("hello\r\n\r\n")]
#[case::both_lengths("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
#[case::length_twice("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n")]
#[case::signed_length("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n")]
#[case::bad_chunk("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
#[case::long_chunk("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n")]
fn nonsense_from_the_peer_is_refused_and_recorded(#[case] request: &str) {
    let upstream = FaultUpstream::start();
    let mut stream = connect(&upstream);
    stream.write_all(request.as_bytes()).unwrap();
    assert!(read_to_the_end(stream).head().starts_with("HTTP/1.1 400"));
    assert_eq!(upstream.protocol_errors().len(), 1);
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_request_cut_short_is_recorded_as_incomplete() {
    let upstream = FaultUpstream::start();
    let mut stream = connect(&upstream);
    stream.write_all(b"POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc").unwrap();
    drop(stream);
    let requests = upstream.wait_for_requests_blocking(1, SOON).unwrap();
    assert_eq!((requests[0].body.as_slice(), requests[0].body_complete), (&b"abc"[..], false));
}

#[tokio::test(start_paused = true)]
async fn waiting_works_while_tokios_clock_is_paused() {
    let upstream = upstream(Behaviour::stall_before_head());
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    let client = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
    });
    assert_eq!(upstream.wait_for_requests(1, SOON).await.unwrap().len(), 1);
    assert!(upstream.wait_for_closure(SOON).await.is_some());
    assert!(upstream.wait_until(SOON, |connections| connections.open.is_empty()).await);
    client.join().unwrap();
}

#[tokio::test]
async fn waiting_in_vain_ends() {
    let upstream = FaultUpstream::start();
    let moment = Duration::from_millis(20);
    assert!(upstream.wait_for_requests(1, moment).await.is_none());
    assert!(upstream.wait_for_closure(moment).await.is_none());
    assert!(!upstream.wait_until(moment, |connections| connections.accepted > 0).await);
}

#[test]
fn dropping_it_closes_everything_and_frees_the_port() {
    let upstream = upstream(Behaviour::stall_before_head());
    let port = upstream.port();
    let mut stream = connect(&upstream);
    stream.write_all(&chat_request(true)).unwrap();
    upstream.wait_for_requests_blocking(1, SOON).unwrap();
    drop(upstream);
    assert_eq!(read_to_the_end(stream).bytes, b"");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let again = FaultUpstream::start_on(port).unwrap();
    assert!(whole_of(&again).contains("200 OK"));
}

fn whole_of(upstream: &FaultUpstream) -> String {
    exchange(upstream, &chat_request(false)).text()
}
