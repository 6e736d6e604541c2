//! A stream, where it is cut, and whether all of it had been said by then.

use std::io;

use llm_proxy_test_support::{Action, ApiError, Behaviour, ErrorStyle, FaultUpstream, Point};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::records::{Counted, Due};

/// What is said, with all that JSON escapes, and characters that a cut can halve.
const PIECES: [&str; 12] = [
    "Hello",
    " wörld",
    ",\nthis",
    " \"is\"",
    " a",
    " text\t",
    "日本語",
    " with\\",
    " braces {}",
    " 🦀",
    " and",
    " an end.",
];

/// What an upstream does to one stream. Places are bytes of the body on the wire, or events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Whole,
    /// FIN, without the framing's end.
    Close(usize),
    /// A reset, which may take with it what was sent before.
    Reset(usize),
    /// Silence.
    Stall(usize),
    /// The framing's end after so many events.
    CleanEnd(usize),
    /// An error event after so many events.
    Error(usize),
}

/// An upstream with a stream of its format.
#[derive(Debug)]
pub struct Source {
    /// What the models' names begin with.
    pub model: &'static str,
    /// LiteLLM's prefix of the format.
    pub prefix: &'static str,
    /// The upstream.
    pub server: FaultUpstream,
    /// How its answers have to be recorded.
    pub due: Due,
    whole: Behaviour,
    error_style: ErrorStyle,
    events: usize,
    /// Bytes of the body on the wire.
    wire_bytes: usize,
    /// So many of them say that it is complete.
    said_all_at: usize,
}

impl Source {
    /// Chat completions, which are relayed.
    ///
    /// # Errors
    /// The upstream does not answer.
    pub async fn relayed() -> io::Result<Self> {
        let whole = Behaviour::chat_stream(PIECES);
        // The role, the finish, the usage, `[DONE]`.
        let events = PIECES.len() + 4;
        let source = Self::new("relayed", "openai", whole, events, Counted::Escaped, ErrorStyle::Openai);
        source.measured("[DONE]").await
    }

    /// Anthropic's messages, which are translated.
    ///
    /// # Errors
    /// The upstream does not answer.
    pub async fn translated() -> io::Result<Self> {
        let events = anthropic();
        let (count, whole) = (events.len(), Behaviour::named_sse(events));
        let source =
            Self::new("translated", "anthropic", whole, count, Counted::Plain, ErrorStyle::Anthropic);
        source.measured(r#"{"type":"message_stop"}"#).await
    }

    fn new(
        model: &'static str,
        prefix: &'static str,
        whole: Behaviour,
        events: usize,
        counted: Counted,
        error_style: ErrorStyle,
    ) -> Self {
        let server = FaultUpstream::start();
        let due = Due { counted, reported: PIECES.len() as u64 };
        Self { model, prefix, server, due, whole, error_style, events, wire_bytes: 0, said_all_at: 0 }
    }

    /// Looks at the stream as it is on the wire.
    async fn measured(mut self, end: &str) -> io::Result<Self> {
        self.server.default_behaviour(self.whole.clone());
        let model = format!("{}-000", self.model);
        let body = json!({"model": model, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "stream-000000"}]});
        let wire = wire(self.server.port(), &body.to_string()).await?;
        let missing = || io::Error::other(format!("no {end} on the wire"));
        let at = find(&wire, end.as_bytes()).ok_or_else(missing)?;
        (self.wire_bytes, self.said_all_at) = (wire.len(), at + end.len());
        self.server.take_requests();
        Ok(self)
    }

    /// Draws a cut for each of the next `count` requests.
    pub fn arrange(&self, count: usize, random: &mut fastrand::Rng) -> Vec<Cut> {
        let cuts: Vec<_> = (0..count).map(|_| self.draw(random)).collect();
        let behaviours = cuts.iter().chain([&Cut::Whole]).map(|cut| self.behaviour(*cut));
        self.server.default_sequence(behaviours);
        cuts
    }

    fn draw(&self, random: &mut fastrand::Rng) -> Cut {
        let (byte, event) = (random.usize(..self.wire_bytes), random.usize(..self.events));
        match random.u8(..20) {
            0..6 => Cut::Close(byte),
            6..11 => Cut::Reset(byte),
            11..13 => Cut::Stall(byte),
            13..17 => Cut::CleanEnd(event),
            17 => Cut::Error(event),
            _ => Cut::Whole,
        }
    }

    fn behaviour(&self, cut: Cut) -> Behaviour {
        let whole = self.whole.clone();
        match cut {
            Cut::Whole => whole,
            Cut::Close(byte) => whole.fault(Point::BodyBytes(byte), Action::Close),
            Cut::Reset(byte) => whole.fault(Point::BodyBytes(byte), Action::Reset),
            Cut::Stall(byte) => whole.fault(Point::BodyBytes(byte), Action::Stall),
            Cut::CleanEnd(event) => whole.clean_end_after_events(event),
            Cut::Error(event) => {
                let error = ApiError { style: self.error_style, ..ApiError::default() };
                whole.after_events(event, Action::ErrorEvent(error)).clean_end_after_events(event)
            }
        }
    }

    /// Whether the upstream said before the cut that the stream is complete.
    pub fn said_all(&self, cut: Cut) -> bool {
        match cut {
            Cut::Whole => true,
            Cut::Close(byte) | Cut::Reset(byte) | Cut::Stall(byte) => byte >= self.said_all_at,
            // The last event is the one that says so.
            Cut::CleanEnd(event) | Cut::Error(event) => event >= self.events,
        }
    }
}

/// The id that begins with `prefix`, where callers put it: in their message.
pub fn id_in(body: &[u8], prefix: &str) -> Option<String> {
    let id = body.get(find(body, prefix.as_bytes())?..)?;
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
    String::from_utf8(id.iter().take_while(is_part).copied().collect()).ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The events of Anthropic's stream: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
fn anthropic() -> Vec<(&'static str, Value)> {
    let message = json!({"id": "msg_chaos", "type": "message", "role": "assistant", "model": "claude",
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 9, "output_tokens": 1}});
    let text = |text| {
        let delta = json!({"type": "text_delta", "text": text});
        let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
        ("content_block_delta", data)
    };
    let block = json!({"type": "text", "text": ""});
    let begin = [
        ("message_start", json!({"type": "message_start", "message": message})),
        ("content_block_start", json!({"type": "content_block_start", "index": 0, "content_block": block})),
    ];
    let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
    let usage = json!({"output_tokens": PIECES.len()});
    let end = [
        ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
        ("message_delta", json!({"type": "message_delta", "delta": delta, "usage": usage})),
        ("message_stop", json!({"type": "message_stop"})),
    ];
    begin.into_iter().chain(PIECES.map(text)).chain(end).collect()
}

/// The body of the answer, framing included.
async fn wire(port: u16, body: &str) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await?;
    let head = find(&answer, b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok(answer.split_off(head + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[tokio::test]
    async fn a_stream_is_complete_from_the_word_that_says_so() {
        let source = Source::relayed().await.expect("an upstream");
        let at = source.said_all_at;
        assert!(at < source.wire_bytes);
        for make in [Cut::Close, Cut::Reset, Cut::Stall] {
            assert_eq!((source.said_all(make(at - 1)), source.said_all(make(at))), (false, true));
        }
        assert!(source.said_all(Cut::Whole));
    }

    #[tokio::test]
    async fn every_place_lies_before_the_end() {
        let source = Source::translated().await.expect("an upstream");
        let mut random = fastrand::Rng::with_seed(1);
        let cuts = source.arrange(1_000, &mut random);
        let events = cuts.iter().filter(|cut| matches!(cut, Cut::CleanEnd(_) | Cut::Error(_)));
        assert!(events.clone().count() > 100 && events.clone().all(|cut| !source.said_all(*cut)));
    }

    #[rstest]
    #[case::of_openai(r#"{"messages":[{"content":"stream-000017"}]}"#, Some("stream-000017"))]
    #[case::of_anthropic(
        r#"{"messages":[{"content":[{"type":"text","text":"stream-1"}]}]}"#,
        Some("stream-1")
    )]
    #[case::of_nobody("{}", None)]
    fn the_id_is_found_in_the_message(#[case] body: &str, #[case] expected: Option<&str>) {
        assert_eq!(id_in(body.as_bytes(), "stream-").as_deref(), expected);
    }
}
