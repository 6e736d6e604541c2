//! Status line, headers, and how the body's end is told.

use serde::{Deserialize, Serialize};

/// The response's head. `{"status": 429, "headers": [["retry-after", "7"]]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Head {
    /// The status code, 200 by default.
    pub status: u16,
    /// Headers in order. One named like a computed header (`content-type`, `content-length`,
    /// `transfer-encoding`, `content-encoding`, `connection`) replaces it.
    pub headers: Vec<(String, String)>,
    /// Replaces the body's own content type; an empty string leaves the header out.
    pub content_type: Option<String>,
    /// How the body's end is told.
    pub framing: Framing,
    /// Whether the connection serves another request.
    pub connection: Persistence,
    /// Compression of the body.
    pub encoding: Encoding,
    /// Write the head in pieces of this many bytes; 1 is the slow head.
    pub write_size: Option<usize>,
    /// The time between those pieces.
    pub write_gap_ms: u64,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            content_type: None,
            framing: Framing::Auto,
            connection: Persistence::Auto,
            encoding: Encoding::Identity,
            write_size: None,
            write_gap_ms: 0,
        }
    }
}

/// How the body's end is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Chunked for streams, Content-Length for the rest, as most servers do.
    #[default]
    Auto,
    /// The right Content-Length.
    ContentLength,
    /// A Content-Length that is wrong by this much. Positive: declares more than it sends, then
    /// closes. Negative: sends more than it declares.
    ContentLengthOffBy(i64),
    /// One chunk an event.
    Chunked,
    /// Neither: the body ends where the connection does.
    CloseDelimited,
}

/// Whether the connection serves another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// As the request asks, by HTTP's rules.
    #[default]
    Auto,
    /// Say `connection: keep-alive`, and keep it.
    KeepAlive,
    /// Say `connection: close`, and close. (Closing unannounced is a fault at `end`.)
    Close,
}

/// Compression of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As it is.
    #[default]
    Identity,
    /// gzip in one member, flushed after each event, whether or not the request accepts it.
    Gzip,
}
