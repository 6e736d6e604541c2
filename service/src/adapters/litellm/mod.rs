//! A LiteLLM proxy: OpenAI's format, relayed.
//!
//! - API: <https://docs.litellm.ai/docs/proxy/user_keys>, <https://docs.litellm.ai/docs/proxy/health>
//! - Response headers: <https://docs.litellm.ai/docs/proxy/response_headers>
//!
//! Quirks: `GET /health` calls every model and costs money, `/health/liveliness` (its spelling) does
//! not. Usage comes in a stream only when `stream_options.include_usage` asks for it.

pub mod error;
pub mod request;

/// Answers 200 while the process is up; needs no key.
pub const LIVENESS_PATH: &str = "/health/liveliness";
