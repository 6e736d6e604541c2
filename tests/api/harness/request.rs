//! Requests as bytes, so that a test may send what no library would.

use serde_json::{Value, json};

use super::KEY;

/// The path of chat completions.
pub const CHAT: &str = "/v1/chat/completions";

/// A chat request's body.
pub fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "say it"}]})
}

/// A chat request's body that asks for a stream.
pub fn streamed(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "say it"}], "stream": true})
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub version: &'static str,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    chunked: bool,
}

/// A `GET` with the key.
pub fn get(path: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        version: "HTTP/1.1",
        headers: vec![
            ("host".to_owned(), b"llm-proxy.test".to_vec()),
            ("x-internal-auth".to_owned(), KEY.into()),
        ],
        body: Vec::new(),
        chunked: false,
    }
}

/// A `POST` of JSON with the key.
pub fn post(path: &str, body: impl ToBody) -> Request {
    let request = Request { body: body.to_body(), ..get(path).method("POST") };
    request.header("content-type", "application/json")
}

impl Request {
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub fn without_key(self) -> Self {
        self.without("x-internal-auth")
    }

    /// The id that the answer is to carry.
    pub fn id(self, id: &str) -> Self {
        self.header("x-request-id", id)
    }

    /// Sends the body in chunks rather than with its length.
    pub const fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Head and body.
    pub fn bytes(&self) -> Vec<u8> {
        let framing = match (self.chunked, self.method.as_str()) {
            (true, _) => "transfer-encoding: chunked\r\n".to_owned(),
            (false, "GET") if self.body.is_empty() => String::new(),
            (false, _) => format!("content-length: {}\r\n", self.body.len()),
        };
        let mut bytes = self.head_with(&framing);
        if self.chunked {
            for chunk in self.body.chunks(64 * 1024) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }

    /// The head with these lines instead of the usual framing.
    pub fn head_with(&self, framing: &str) -> Vec<u8> {
        let Self { method, path, version, .. } = self;
        let mut bytes = format!("{method} {path} {version}\r\n").into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend([framing.as_bytes(), b"\r\n"].concat());
        bytes
    }
}

/// What a body may be written as.
pub trait ToBody {
    fn to_body(&self) -> Vec<u8>;
}

impl ToBody for Value {
    fn to_body(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl ToBody for &Value {
    fn to_body(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl ToBody for &str {
    fn to_body(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl ToBody for Vec<u8> {
    fn to_body(&self) -> Vec<u8> {
        self.clone()
    }
}
