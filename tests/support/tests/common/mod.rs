//! A raw client: what the upstream does must be seen as bytes, not through a client library.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its own part of this")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(5);

/// How the connection ended.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Ending {
    Fin,
    Reset,
}

/// Everything until the connection ended.
#[derive(Debug)]
pub struct Seen {
    pub bytes: Vec<u8>,
    pub ending: Ending,
    /// The sizes of the reads, to see the writes behind them.
    pub reads: Vec<usize>,
}

/// An upstream whose every request gets this behaviour.
pub fn upstream(behaviour: Behaviour) -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(behaviour);
    upstream
}

pub fn connect(upstream: &FaultUpstream) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", upstream.port())).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

pub fn chat_json(stream: bool) -> Value {
    json!({
        "model": "m",
        "messages": [{"role": "user", "content": "say it"}],
        "stream": stream,
    })
}

pub fn post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

pub fn chat_request(stream: bool) -> Vec<u8> {
    post("/v1/chat/completions", &chat_json(stream))
}

/// Sends a request and reads until the upstream ends the connection; asks for that end.
pub fn exchange(upstream: &FaultUpstream, request: &[u8]) -> Seen {
    let request = String::from_utf8_lossy(request);
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut stream = connect(upstream);
    stream.write_all(request.as_bytes()).unwrap();
    read_to_the_end(stream)
}

pub fn get(upstream: &FaultUpstream, path: &str) -> Seen {
    exchange(upstream, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
}

/// A streamed chat.
pub fn stream(behaviour: Behaviour) -> Seen {
    exchange(&upstream(behaviour), &chat_request(true))
}

/// A chat in one piece.
pub fn whole(behaviour: Behaviour) -> Seen {
    exchange(&upstream(behaviour), &chat_request(false))
}

pub fn read_to_the_end(mut stream: TcpStream) -> Seen {
    let mut seen = Seen { bytes: Vec::new(), ending: Ending::Fin, reads: Vec::new() };
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return seen,
            Ok(read) => {
                seen.bytes.extend(&buffer[..read]);
                seen.reads.push(read);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                seen.ending = Ending::Reset;
                return seen;
            }
            Err(error) => panic!("{error} after {:?}", seen.text()),
        }
    }
}

/// Reads until these bytes came.
pub fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.extend(byte);
    }
    String::from_utf8(bytes).unwrap()
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn head(&self) -> String {
        self.text().split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    /// The body as it is on the wire.
    pub fn body(&self) -> &[u8] {
        let head = self.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        &self.bytes[head + 4..]
    }

    /// The chunks there are, and whether the terminator came.
    pub fn chunks(&self) -> (Vec<Vec<u8>>, bool) {
        let mut rest = self.body();
        let mut chunks = Vec::new();
        while let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) {
            let size = usize::try_from(size).unwrap();
            rest = &rest[line..];
            if size == 0 {
                return (chunks, rest == b"\r\n");
            }
            chunks.push(rest[..size.min(rest.len())].to_vec());
            rest = rest.get(size + 2..).unwrap_or_default();
        }
        (chunks, false)
    }

    /// The chunks' bytes; the terminator must have come.
    pub fn unchunked(&self) -> Vec<u8> {
        let (chunks, complete) = self.chunks();
        assert!(complete, "no terminator: {}", self.text());
        chunks.concat()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body()).unwrap()
    }

    /// The data of each event of a chunked stream with the usual framing.
    pub fn data(&self) -> Vec<String> {
        data(&String::from_utf8(self.chunks().0.concat()).unwrap())
    }
}

pub fn data(events: &str) -> Vec<String> {
    let events = events.split_terminator("\n\n");
    events.map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
}

/// The text that a chat stream says, from its chunks without `[DONE]`.
pub fn said(data: &[String]) -> String {
    let chunks = data.iter().map(|data| serde_json::from_str::<Value>(data).unwrap());
    let text = |chunk: Value| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    chunks.filter_map(text).collect()
}
