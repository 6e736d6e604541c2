//! Cohere's chat API, version 2.
//!
//! - Chat: <https://docs.cohere.com/reference/chat>
//! - Streams: <https://docs.cohere.com/v2/docs/streaming>, <https://docs.cohere.com/docs/tool-use-streaming>
//! - Reasoning: <https://docs.cohere.com/docs/reasoning>
//! - Embeddings: <https://docs.cohere.com/reference/embed>
//! - Errors: <https://docs.cohere.com/reference/errors>
//!
//! Quirks: the model tells its plan for tools apart from its thinking, as `tool_plan`; both are what it
//! thinks. There is no choice of one function: only that one is offered, and a call is required.
//! A stream ends with `message-end`; the `data: [DONE]` after it is documented nowhere. An answer that
//! ends with `ERROR` or `TIMEOUT` is a failure, under HTTP 200. The tokens of `usage.tokens` count
//! Cohere's own prompt as well, those of `usage.billed_units` do not. Marks for prompt caching are left
//! out and named: Cohere has none.

pub mod embeddings;
pub mod error;
mod messages;
pub mod request;
pub mod response;
pub mod stream;
