//! An upstream that answers like OpenAI and like Anthropic, and costs next to nothing.
//!
//! It knows just enough HTTP to be a test upstream: `Content-Length` bodies, keep-alive,
//! pipelining. It never parses JSON: what it must know of a request (model, stream, usage) is
//! found by scanning.

pub mod answers;
mod anthropic;
pub mod connection;
mod openai;
pub mod plan;
pub mod replies;
pub mod request;
pub mod server;
pub mod wheel;
