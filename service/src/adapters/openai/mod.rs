//! OpenAI, and everybody who speaks its format: relayed, or read into deltas for callers of other
//! formats.
//!
//! - Chat: <https://platform.openai.com/docs/api-reference/chat/create>
//! - Streams: <https://platform.openai.com/docs/api-reference/chat-streaming/streaming>
//! - Errors: <https://platform.openai.com/docs/guides/error-codes>
//!
//! Quirks: usage comes in a stream only when `stream_options.include_usage` asks for it, in a chunk
//! without choices (LiteLLM: with an empty delta). `DeepSeek`, vLLM and LiteLLM put what the model thinks
//! into `reasoning_content`, OpenRouter and newer vLLM into `reasoning`. Some compatible servers send
//! a tool call's id and name again with every piece of its arguments, or leave out its index.

mod cause;
mod described;
pub mod embeddings;
pub mod error;
pub mod render;
pub mod request;
pub mod response;
pub mod stream;
mod waits;
