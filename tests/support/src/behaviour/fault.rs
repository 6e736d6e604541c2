//! What goes wrong, and where.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One fault: `{"at": {"events": 3}, "do": "reset"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where in the response.
    pub at: Point,
    /// What happens there.
    #[serde(rename = "do")]
    pub action: Action,
}

/// A place in the response. A place beyond its end is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Before the first byte of the head.
    BeforeHead,
    /// After this many bytes of the head.
    HeadBytes(usize),
    /// After this many events; 0 is between head and body. The first chunk of a chat stream
    /// (the role), the usage and `[DONE]` are events too; a body that is no stream is one event.
    Events(usize),
    /// After this many bytes of the body as they are on the wire, compression and chunk sizes
    /// included, so that a chunk may be cut anywhere.
    BodyBytes(usize),
    /// After the complete response, terminator included, on a connection that may live on.
    End,
}

/// What happens. The first four end the response; after the others it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// TCP reset.
    Reset,
    /// FIN: a truncation, unless the framing is close-delimited.
    Close,
    /// Silence until the peer leaves.
    Stall,
    /// End the body correctly (terminator, gzip trailer) but early, so without `[DONE]`.
    /// Only at an event; elsewhere it is `close`.
    CleanEnd,
    /// Silence for so many milliseconds.
    PauseMs(u64),
    /// Bytes that make no sense.
    Garbage(Garbage),
    /// This text, as it is.
    Insert(String),
    /// An error in the middle of a stream.
    ErrorEvent(ApiError),
    /// One event of about this many bytes: a chat chunk with a long text.
    HugeEvent(usize),
    /// A line in the place of a chunk's size that is none.
    BadChunkSize,
}

/// Bytes that make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    /// A line that is no SSE field, and no head of HTTP either.
    Line,
    /// An event whose JSON stops in the middle.
    BrokenJson,
    /// An event whose text is not UTF-8.
    InvalidUtf8,
    /// Bytes from 0 to 255.
    Binary,
}

/// A provider's error, as a body or as an event in a stream. What is left out gets a value that
/// goes with the status and the style.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiError {
    /// Whose form it has.
    pub style: ErrorStyle,
    /// `error.message`.
    pub message: Option<String>,
    /// `error.type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `error.code`: a string, a number or null.
    pub code: Option<Value>,
}

/// Whose form an error has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorStyle {
    /// `data: {"error": {"message", "type", "param", "code"}}`.
    #[default]
    Openai,
    /// `event: error`, `data: {"type": "error", "error": {"type", "message"}}`.
    Anthropic,
}
