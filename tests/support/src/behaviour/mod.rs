//! What the upstream does with one request, as plain data.
//!
//! A [`Behaviour`] is made of parts that combine freely; the default is a well-behaved OpenAI
//! server. Its JSON form has the same names, every field may be left out, and an unknown one is
//! refused:
//!
//! ```json
//! {
//!   "read_request_bytes": 100,
//!   "informational": [103],
//!   "delay_ms": 50,
//!   "send_buffer_bytes": 8192,
//!   "head": {"status": 200, "headers": [["x-a", "b"]], "framing": "chunked", "encoding": "gzip"},
//!   "body": {"chat_stream": {"text": ["Hel", "lo"], "usage": "when_asked"}},
//!   "sse": {"line_end": "crlf", "done": true},
//!   "pace": {"gap_ms": 5, "write_size": 7},
//!   "faults": [{"at": {"events": 3}, "do": "reset"}]
//! }
//! ```

mod body;
mod constructors;
mod fault;
mod head;
mod modifiers;

pub use body::{
    Body, Endless, GzipBomb, LineEnd, Ndjson, Pace, Reply, Sse, SseEvent, SseFraming, Text, ToolCall,
    UsageReport,
};
pub use fault::{Action, ApiError, ErrorStyle, Fault, Garbage, Point};
pub use head::{Encoding, Framing, Head, Persistence};

use serde::{Deserialize, Serialize};

/// What the upstream does with one request. The order of the fields is the order in time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Answer (or fail) after this many bytes of the request's body, leave the rest unread, and
    /// close afterwards. The model is not known by then, so this works for a path and for the
    /// default, not for a model.
    pub read_request_bytes: Option<usize>,
    /// Heads sent before the real one, such as 100 and 103.
    pub informational: Vec<u16>,
    /// Silence before the head.
    pub delay_ms: u64,
    /// The socket's send buffer (SO_SNDBUF; the kernel doubles it). A small one makes
    /// [`Connections::bytes_written`](crate::Connections) follow the reader closely.
    pub send_buffer_bytes: Option<usize>,
    /// Status line, headers and the framing of the body.
    pub head: Head,
    /// What is said.
    pub body: Body,
    /// How events are written down; for bodies that are event streams.
    pub sse: SseFraming,
    /// How the body is cut into writes, and the time between them.
    pub pace: Pace,
    /// What goes wrong, and where. Several at one point happen in the order given.
    pub faults: Vec<Fault>,
}
