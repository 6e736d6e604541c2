//! The canonical types: what a request, an answer and its cost are, whatever vendor serves them.
//!
//! Knows OpenAI's wire format, which is the canonical one. Refuses to know vendors, sockets, clocks,
//! settings and HTTP servers.

pub mod abilities;
pub mod access;
pub mod call;
pub mod caller;
pub mod chat;
pub mod delta;
pub mod egress;
pub mod embedding;
pub mod endpoint;
pub mod envelope;
pub mod host;
pub mod model;
pub mod no_proxy;
pub mod notice;
pub mod proxy;
pub mod secret;
pub mod timestamp;
pub mod usage;
pub mod vendors;
