//! Google's Gemini API: `generateContent`.
//!
//! - API: <https://ai.google.dev/api/generate-content>
//! - Function calling: <https://ai.google.dev/gemini-api/docs/function-calling>
//! - Thinking: <https://ai.google.dev/gemini-api/docs/thinking>
//! - Thought signatures: <https://ai.google.dev/gemini-api/docs/thought-signatures>
//! - Files and URLs: <https://ai.google.dev/gemini-api/docs/file-input-methods>
//! - Errors: <https://ai.google.dev/gemini-api/docs/troubleshooting>
//! - Embeddings: <https://ai.google.dev/api/embeddings>
//!
//! Quirks:
//! - The stream has no last word: it is whole when every candidate has its `finishReason` and the body
//!   ends properly.
//! - A function call comes in one piece. Gemini 3 signs it and refuses a history without the signature:
//!   it goes to the caller as `extra_content.google.thought_signature` of the call, which is Google's own
//!   form for OpenAI's SDKs, and comes back there. The signature of a text is that of the message. What
//!   the model thought needs not come back, and is left out.
//! - A prompt that is blocked gets no candidates: an answer that ends with `content_filter`, as
//!   OpenAI's does.
//! - Repeated beginnings of prompts are cached by themselves, so that `cache_control` is left out
//!   and named. A cache of the caller's own is named by `cached_content`.
//! - Images in answers become `images`, as LiteLLM and OpenRouter have them. Parts that OpenAI has no form
//!   for (executed code, the vendor's own tools) become `parts`, as they are; both may come back.
//! - Errors may be an array of one, in a stream as well.

mod config;
mod contents;
pub mod embeddings;
pub mod error;
mod generation;
mod media;
mod reader;
pub mod request;
pub mod response;
mod schema;
pub mod stream;
mod thinking;
mod tools;
mod turns;
mod wire;
