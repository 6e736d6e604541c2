//! Bytes to events and back: framing, without any vendor's meaning.
//!
//! Knows where an SSE event ends and how to change a range of bytes. Refuses to know JSON fields,
//! providers and sockets.

pub mod splice;
pub mod sse;
