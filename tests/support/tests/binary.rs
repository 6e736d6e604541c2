//! The binary and its control routes, as another language sees them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{SOON, chat_request, read_to_the_end};
use serde_json::{Value, json};

struct Process {
    child: Child,
    port: u16,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fault-upstream"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on http://127.0.0.1:").unwrap();
        Self { port: url.parse().unwrap(), child }
    }

    fn ask(&self, request: &[u8]) -> String {
        let request = String::from_utf8_lossy(request);
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_to_the_end(stream).text()
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> (String, Value) {
        let body = body.to_string();
        let length = body.len();
        let head = format!("{method} /__control/{path} HTTP/1.1\r\nContent-Length: {length}\r\n");
        let answer = self.ask(format!("{head}\r\n{body}").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), serde_json::from_str(body).unwrap())
    }

    fn exits_with_success(&mut self) -> bool {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_is_controlled_over_http() {
    let process = Process::start(&["--port", "0"]);
    let sequence = json!([{"head": {"status": 503}}, {"body": {"chat": {"text": "back"}}}]);
    let set = process.control("PUT", "behaviours/m", &sequence);
    assert_eq!(set, ("200".to_owned(), json!({"behaviours": 2})));
    assert!(process.ask(&chat_request(false)).contains("HTTP/1.1 503"));
    assert!(process.ask(&chat_request(false)).contains("back"));

    let requests = process.control("GET", "requests", &Value::Null).1;
    assert_eq!(requests.as_array().unwrap().len(), 2);
    assert_eq!(requests[1]["path"], "/v1/chat/completions");
    assert!(requests[1]["body"].as_str().unwrap().contains("say it"));
    let connections = process.control("GET", "connections", &Value::Null).1;
    assert_eq!(connections["accepted"], 2);
    assert_eq!(connections["open"], json!([]));
    assert_eq!(connections["closures"].as_array().unwrap().len(), 2);

    assert_eq!(process.control("DELETE", "requests", &Value::Null).1, json!({"forgotten": 2}));
    assert_eq!(process.control("GET", "requests", &Value::Null).1, json!([]));
    process.control("DELETE", "behaviours", &Value::Null);
    assert!(process.ask(&chat_request(false)).contains("echo: say it"));
}

#[test]
fn the_default_and_escaped_models_can_be_set() {
    let process = Process::start(&[]);
    process.control("PUT", "behaviours/*", &json!({"head": {"status": 500}}));
    assert!(process.ask(&chat_request(false)).contains("HTTP/1.1 500"));
    process.control("PUT", "behaviours/a%2Fb", &json!({}));
    assert!(process.ask(b"GET /v1/models HTTP/1.1\r\n\r\n").contains(r#""id":"a/b""#));
    process.control("PUT", "behaviours//v1/models", &json!({"head": {"status": 418}}));
    assert!(process.ask(b"GET /v1/models HTTP/1.1\r\n\r\n").contains("HTTP/1.1 418"));
}

#[test]
fn a_wrong_behaviour_is_refused_with_a_reason() {
    let process = Process::start(&[]);
    let (status, body) = process.control("PUT", "behaviours/m", &json!({"hed": 1}));
    assert_eq!(status, "400");
    assert!(body["error"].as_str().unwrap().contains("unknown field `hed`"));
    assert_eq!(process.control("GET", "nothing", &Value::Null).0, "404");
}

#[test]
fn it_exits_when_its_stdin_ends() {
    let mut process = Process::start(&["--exit-with-stdin"]);
    drop(process.child.stdin.take());
    assert!(process.exits_with_success());
}

#[test]
fn it_stays_when_its_stdin_ends_unless_told_and_exits_on_sigterm() {
    let mut process = Process::start(&[]);
    drop(process.child.stdin.take());
    assert!(process.ask(&chat_request(false)).contains("200 OK"));
    let id = process.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(process.exits_with_success());
}

#[test]
fn a_wrong_argument_is_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_fault-upstream")).arg("--prot").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut text = String::new();
    output.stderr.as_slice().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("usage: fault-upstream"));
}
