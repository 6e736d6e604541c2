//! What came back.

use std::ops::Deref;
use std::time::Duration;

use serde_json::Value;

use super::{Event, sse};

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub version: String,
    pub status: u16,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub raw: String,
}

impl Head {
    /// Reads everything up to the empty line.
    pub fn parse(raw: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(raw).into_owned();
        let mut lines = raw.split("\r\n").take_while(|line| !line.is_empty());
        let mut first = lines.next().unwrap().splitn(3, ' ');
        let version = first.next().unwrap().to_owned();
        assert!(version.starts_with("HTTP/1."), "no HTTP: {raw:?}");
        let status = first.next().unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let headers = headers.collect();
        Self { version, status, headers, raw }
    }

    /// The value of a header that stands there once at most.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice: {}", self.raw);
        value
    }

    /// All values of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.headers.iter().filter(move |(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The id that every answer carries.
    pub fn id(&self) -> &str {
        self.header("x-request-id").expect("an x-request-id")
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub head: Head,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing says; a body that is cut is not.
    pub complete: bool,
    /// From the request's first byte to the answer's last.
    pub took: Duration,
}

impl Deref for Answer {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

/// What OpenAI's error envelope says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAiError {
    pub message: String,
    pub kind: String,
    pub param: Option<String>,
    pub code: String,
}

impl OpenAiError {
    /// Reads `{"error": {"message", "type", "param", "code"}}`, and nothing else.
    pub fn read(json: &Value) -> Self {
        let object = json.as_object().expect("an envelope");
        assert_eq!(object.keys().collect::<Vec<_>>(), ["error"], "{json}");
        let error = json["error"].as_object().expect("an error object");
        let mut keys: Vec<_> = error.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["code", "message", "param", "type"], "{json}");
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let message = text("message").expect("a message");
        assert!(!message.is_empty(), "{json}");
        assert!(error["param"].is_null() || error["param"].is_string());
        Self {
            message,
            kind: text("type").expect("a type"),
            param: text("param"),
            code: text("code").expect("a code"),
        }
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }

    pub fn json(&self) -> Value {
        let json = serde_json::from_slice(&self.body);
        json.unwrap_or_else(|_| panic!("no JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The error that the body is.
    pub fn error(&self) -> OpenAiError {
        let content_type = self.header("content-type");
        assert_eq!(content_type, Some("application/json"), "{}", self.raw);
        OpenAiError::read(&self.json())
    }

    /// The events that the body is made of; nothing may stand behind the last one.
    pub fn events(&self) -> Vec<Event> {
        let (events, rest) = sse::split(&self.text());
        assert_eq!(rest, "", "the body ends inside an event");
        events
    }

    /// Fails unless this is a refusal in the envelope, whole and with an id; returns what it says.
    #[track_caller]
    pub fn assert_refused(&self, status: u16) -> OpenAiError {
        let shown = || format!("{}{}", self.raw, String::from_utf8_lossy(&self.body));
        assert_eq!(self.status, status, "{}", shown());
        assert!(self.complete, "{}", shown());
        assert!(!self.id().is_empty());
        self.error()
    }
}
