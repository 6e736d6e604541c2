//! Google's `generateContent`.
//!
//! - API: <https://ai.google.dev/api/generate-content>

pub mod embeddings;
pub mod error;
pub mod request;
pub mod response;
pub mod stream;
