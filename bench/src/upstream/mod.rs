//! An OpenAI-compatible upstream that costs next to nothing.
//!
//! It knows just enough HTTP to be a test upstream: `Content-Length` bodies, keep-alive,
//! pipelining. It never parses JSON: what it must know of a request (model, stream, usage) is
//! found by scanning.

pub mod connection;
pub mod plan;
pub mod replies;
pub mod request;
pub mod server;
pub mod wheel;
