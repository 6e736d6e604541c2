use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::*;
use rstest::rstest;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

fn settings(variables: &[(&str, &str)]) -> Settings {
    let variables = [("LLM_MODE", "mock"), ("MOCK_DELAY_MS", "0")].iter().chain(variables);
    let variables = variables.map(|(name, value)| (format!("LLM_PROXY__{name}"), (*value).to_owned()));
    Settings::from_variables(variables).expect("settings")
}

fn local() -> Local {
    // What holds for another service on this machine means nothing here.
    let settings = settings(&[("PORT", "1"), ("INTERNAL_API_KEY", "another")]);
    Local::start(&settings, Source::of(&settings), None).expect("a service")
}

fn connect(local: &Local) -> TcpStream {
    let socket = TcpStream::connect(local.address).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

/// Asks for the answer of `model` to a body of its own connection.
fn ask(local: &Local, key: &str, model: &str) -> TcpStream {
    let body = format!(
        r#"{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "hello"}}]}}"#
    );
    let mut socket = connect(local);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(body.as_bytes())).expect("sent");
    socket
}

fn rest_of(mut socket: TcpStream) -> String {
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("the rest");
    text
}

#[test]
fn it_answers_whoever_shows_its_key() {
    let local = local();
    let answer = rest_of(ask(&local, local.key().expose(), "mock"));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("data: [DONE]"), "{answer}");
    assert_eq!(local.url(), format!("http://{}", local.address));
}

#[rstest]
#[case::of_nobody("wrong")]
#[case::of_the_environments("another")]
fn it_turns_away_who_shows_a_key(#[case] key: &str) {
    let answer = rest_of(ask(&local(), key, "mock"));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn two_have_different_ports_and_keys() {
    let (one, two) = (local(), local());
    assert_ne!(one.key(), two.key());
    assert_ne!(one.url(), two.url());
    assert_eq!(one.key().expose().len(), 32);
}

#[test]
fn a_stream_that_is_open_when_it_stops_ends_with_an_error_within_a_second() {
    let mut local = local();
    let mut stalled = ask(&local, local.key().expose(), "mock-stall");
    let mut begin = [0; 4096];
    let read = stalled.read(&mut begin).expect("a head");
    assert!(begin[..read].starts_with(b"HTTP/1.1 200 "));
    let since = Instant::now();
    local.stop();
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let rest = rest_of(stalled);
    assert!(rest.contains("shutting_down") && !rest.contains("[DONE]"), "{rest}");
}

#[test]
fn idle_connections_do_not_keep_it_and_its_port_is_closed() {
    let mut local = local();
    let _idle = connect(&local);
    let since = Instant::now();
    local.stop();
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert!(TcpStream::connect(local.address).is_err());
    local.stop();
}

#[test]
fn dropping_it_stops_it() {
    let address = {
        let local = local();
        connect(&local);
        local.address
    };
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_configuration_that_is_wrong_is_told_to_who_starts_it() {
    let settings = settings(&[("LLM_MODE", "native")]);
    let started = Local::start(&settings, Source::of_document(&settings, "{}"), None);
    let line = started.err().expect("refused");
    assert!(line.starts_with("the configuration: no endpoint is left"), "{line}");
}
