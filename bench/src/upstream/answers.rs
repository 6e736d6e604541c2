//! The answers of one format, built once: the whole one, and the parts of a stream.

use super::plan::StreamPlan;
use super::{anthropic, openai};

/// Size of a whole answer's body.
pub const WHOLE_BYTES: usize = 1024;
/// Size of the text in one chunk of a stream, the same in every format.
pub const TEXT_BYTES: usize = 31;

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

/// Whose format an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Chat completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

/// The prebuilt answers of one format.
#[derive(Debug)]
pub struct Answers {
    /// An answer of 1 KB with usage, head included.
    pub whole: Vec<u8>,
    opening: Vec<u8>,
    chunk: Vec<u8>,
    number_at: usize,
    push_end: fn(&mut Vec<u8>, &StreamPlan),
}

impl Answers {
    /// Builds them all.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let (whole, opening, event, push_end): (_, _, _, fn(&mut Vec<u8>, &StreamPlan)) = match format {
            Format::OpenAi => (openai::completion(), Vec::new(), openai::content_event(), openai::push_end),
            Format::Anthropic => {
                (anthropic::message(), anthropic::opening(), anthropic::content_event(), anthropic::push_end)
            }
        };
        let chunk = framed(&event);
        let number_at = memchr::memchr(b'#', &chunk).map_or(0, |at| at + 1);
        let opening = [STREAM_HEAD.as_bytes(), &opening].concat();
        Self { whole: json_reply("200 OK", &whole), opening, chunk, number_at, push_end }
    }

    /// Appends what goes before the first chunk, the head included.
    pub fn push_opening(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opening);
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

    /// Appends what ends a stream.
    pub fn push_end(&self, out: &mut Vec<u8>, plan: &StreamPlan) {
        (self.push_end)(out, plan);
        out.extend_from_slice(b"0\r\n\r\n");
    }
}

/// The text of a chunk, with zeros where its number goes.
pub(super) fn numbered_text() -> String {
    format!("#{:x<1$}", "00000", TEXT_BYTES - 1)
}

/// Fills the text of `body` up, so that it has [`WHOLE_BYTES`].
pub(super) fn filled_up(body: impl Fn(&str) -> String) -> String {
    body(&"lorem ipsum ".repeat(100)[..WHOLE_BYTES - body("").len()])
}

/// One part of a chunked body.
pub(super) fn framed(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

/// A JSON document with its head.
pub(super) fn json_reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    const BOTH: [Format; 2] = [Format::OpenAi, Format::Anthropic];

    fn stream(format: Format) -> Vec<String> {
        let answers = Answers::new(format);
        let plan = StreamPlan { chunks: 1, interval: Duration::ZERO, usage: true };
        let mut out = Vec::new();
        answers.push_opening(&mut out);
        answers.push_chunk(&mut out, 12_345);
        answers.push_end(&mut out, &plan);
        let text = String::from_utf8(out).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }

    #[test]
    fn every_event_of_a_stream_is_json_until_done() {
        let mut events = stream(Format::OpenAi);
        assert_eq!(events.pop().as_deref(), Some("[DONE]"));
        assert_eq!(events.len(), 3);
        events.extend(stream(Format::Anthropic));
        for event in &events {
            assert!(serde_json::from_str::<Value>(event).is_ok(), "{event}");
        }
    }

    #[test]
    fn a_chunk_has_its_number_and_the_same_text_in_every_format() {
        let text = format!("\"#12345{}\"", "x".repeat(TEXT_BYTES - 6));
        for format in BOTH {
            let events = stream(format);
            let chunks = events.iter().filter(|event| event.contains(&text)).count();
            assert_eq!(chunks, 1, "{events:?}");
        }
    }

    #[test]
    fn whole_answers_are_json_and_as_large_as_promised() {
        for body in [openai::completion(), anthropic::message()] {
            assert_eq!(body.len(), WHOLE_BYTES);
            assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
        }
    }
}
