//! Cohere's chat API, version 2.
//!
//! - API: <https://docs.cohere.com/reference/chat>

pub mod embeddings;
pub mod error;
pub mod request;
pub mod response;
pub mod stream;
