//! OpenAI, and everybody who speaks its format: relayed, or read into deltas for callers of other
//! formats.
//!
//! - Chat: <https://platform.openai.com/docs/api-reference/chat/create>
//! - Streams: <https://platform.openai.com/docs/api-reference/chat-streaming/streaming>
//! - Errors: <https://platform.openai.com/docs/guides/error-codes>
//!
//! What OpenAI's clients get is relayed, so that nothing is lost to them. For other formats an answer is
//! read into deltas, which have no place for `service_tier`, `system_fingerprint`, Azure's filter results
//! and the sound of an audio answer: of that only the transcript is read, as its text.
//!
//! Quirks: usage comes in a stream only when `stream_options.include_usage` asks for it, in a chunk
//! without choices (LiteLLM: with an empty delta). `DeepSeek`, vLLM and LiteLLM put what the model thinks
//! into `reasoning_content`, OpenRouter and newer vLLM into `reasoning`; OpenRouter sends it once more, with
//! signatures, in `reasoning_details`. Some servers count tokens in every chunk; the last count holds. A
//! failure in the middle comes as an error object beside or in place of the choices, or only as
//! `finish_reason` `error` (OpenRouter), `abort` (vLLM), `insufficient_system_resource` (`DeepSeek`). Some compatible servers send
//! a tool call's id and name again with every piece of its arguments, or leave out its index.

mod calls;
mod cause;
mod described;
pub mod embeddings;
pub mod error;
mod message;
pub mod render;
pub mod request;
pub mod response;
pub mod stream;
mod waits;
