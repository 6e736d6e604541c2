//! Every byte that the upstream ever sends, built once.

use std::fmt::Write as _;

use super::plan::StreamPlan;

/// Size of the whole reply's body.
pub const COMPLETION_BYTES: usize = 1024;
/// Size of one content event, `data: ` and the blank line included.
pub const EVENT_BYTES: usize = 200;

const IDENTITY: &str =
    r#""id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench""#;

/// The prebuilt answers.
#[derive(Debug)]
pub struct Replies {
    /// A chat completion of 1 KB with usage, head included.
    pub completion: Vec<u8>,
    /// The list of models.
    pub models: Vec<u8>,
    /// What LiteLLM's liveness and readiness say.
    pub healthy: Vec<u8>,
    /// 401, for a call without the upstream's key.
    pub unauthorized: Vec<u8>,
    /// 404.
    pub not_found: Vec<u8>,
    /// 411, for bodies without a length; the connection is closed.
    pub length_required: Vec<u8>,
    /// The head of every stream.
    pub stream_head: Vec<u8>,
    chunk: Vec<u8>,
    number_at: usize,
}

impl Replies {
    /// Builds them all.
    #[must_use]
    pub fn new() -> Self {
        let chunk = framed(&content_event());
        let number_at = memchr::memchr(b'#', &chunk).map_or(0, |at| at + 1);
        Self {
            completion: json_reply("200 OK", &completion()),
            models: json_reply("200 OK", &models()),
            healthy: json_reply("200 OK", r#"{"status":"healthy","db":"Not connected"}"#),
            unauthorized: json_reply("401 Unauthorized", &error("wrong upstream key")),
            not_found: json_reply("404 Not Found", &error("no such route")),
            length_required: json_reply("411 Length Required", &error("Content-Length needed")),
            stream_head: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec(),
            chunk,
            number_at,
        }
    }

    /// Appends content chunk `number`, framed. Its text begins with `#` and five digits, so that
    /// a client can prove that nothing is missing, doubled or out of order.
    pub fn push_chunk(&self, out: &mut Vec<u8>, number: u32) {
        let start = out.len() + self.number_at;
        out.extend_from_slice(&self.chunk);
        let mut rest = number;
        for digit in out[start..start + 5].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }

    /// Appends what ends a stream: the finishing chunk, usage if asked for, `[DONE]`.
    pub fn push_end(&self, out: &mut Vec<u8>, plan: &StreamPlan) {
        let finish = r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#;
        out.extend(framed(&format!("data: {{{IDENTITY},{finish}}}\n\n")));
        if plan.usage {
            let (prompt, completion) = (11, plan.chunks);
            let total = prompt + completion;
            let usage = format!(
                r#""choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total}}}"#
            );
            out.extend(framed(&format!("data: {{{IDENTITY},{usage}}}\n\n")));
        }
        out.extend(framed("data: [DONE]\n\n"));
        out.extend_from_slice(b"0\r\n\r\n");
    }
}

impl Default for Replies {
    fn default() -> Self {
        Self::new()
    }
}

fn framed(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

fn content_event() -> String {
    let event = |padding: &str| {
        format!(
            "data: {{{IDENTITY},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"#00000{padding}\"}},\
             \"finish_reason\":null}}]}}\n\n"
        )
    };
    event(&"x".repeat(EVENT_BYTES - event("").len()))
}

fn completion() -> String {
    let body = |padding: &str| {
        format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{padding}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":100,"completion_tokens":200,"total_tokens":300}}}}"#
        )
    };
    body(&"lorem ipsum ".repeat(100)[..COMPLETION_BYTES - body("").len()])
}

fn models() -> String {
    let mut list = String::from(r#"{"object":"list","data":["#);
    for (index, id) in ["bench", "bench-stream-100-20", "bench-stream-40-200"].iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(
            list,
            r#"{comma}{{"id":"{id}","object":"model","created":1700000000,"owned_by":"bench"}}"#
        );
    }
    list + "]}"
}

fn error(message: &str) -> String {
    format!(r#"{{"error":{{"message":"{message}","type":"bench_error","param":null,"code":null}}}}"#)
}

fn json_reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    #[test]
    fn bodies_are_valid_and_as_large_as_promised() {
        assert_eq!(completion().len(), COMPLETION_BYTES);
        assert_eq!(content_event().len(), EVENT_BYTES);
        for body in [completion(), models()] {
            assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
        }
    }

    #[test]
    fn every_event_of_a_stream_is_json_until_done() {
        let replies = Replies::new();
        let plan = StreamPlan { chunks: 3, interval: Duration::ZERO, usage: true };
        let mut out = Vec::new();
        replies.push_chunk(&mut out, 12_345);
        replies.push_end(&mut out, &plan);
        let text = String::from_utf8(out).unwrap_or_default();
        let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(events.last(), Some(&"[DONE]"));
        assert_eq!(events.len(), 4);
        for event in &events[..3] {
            assert!(serde_json::from_str::<Value>(event).is_ok(), "{event}");
        }
        assert!(events[0].contains("#12345x"));
    }
}
