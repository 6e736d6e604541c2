//! Bytes to events and back: framing, without any vendor's meaning.
//!
//! Knows where an SSE event or a line of JSON ends and how to change a range of bytes. Refuses to know JSON fields,
//! providers and sockets.

pub mod ndjson;
pub mod numbering;
pub mod splice;
pub mod sse;

/// An event or a line grew beyond the limit without ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;
