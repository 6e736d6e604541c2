//! Ollama.
//!
//! - API: <https://github.com/ollama/ollama/blob/main/docs/api.md>

pub mod embeddings;
pub mod error;
pub mod render;
pub mod request;
pub mod response;
pub mod stream;
