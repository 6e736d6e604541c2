//! Mistral: OpenAI's format, nearly.
//!
//! - API: <https://docs.mistral.ai/api/>

pub mod error;
pub mod request;
pub mod response;
pub mod stream;
