//! Anthropic's Messages API.
//!
//! - API: <https://platform.claude.com/docs/en/api/messages>

pub mod error;
pub mod request;
pub mod response;
pub mod stream;
