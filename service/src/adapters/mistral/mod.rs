//! Mistral: OpenAI's format, nearly.
//!
//! - API: <https://docs.mistral.ai/api/>
//! - Reasoning: <https://docs.mistral.ai/capabilities/reasoning/>
//! - Schema: <https://github.com/mistralai/platform-docs-public/blob/main/openapi.yaml>
//!
//! Quirks: a member that Mistral does not know is refused with 422, so that nothing is passed on by
//! habit. `content` may be an array in answers as well: what the model thinks comes as a chunk of type
//! `thinking`, and goes back as one. Ids of calls have nine letters or digits; others are mapped, the
//! same for a call and its result. A conversation that ends with the assistant's words needs `prefix`.
//! Usage comes in the last chunk of a stream, unasked. `reasoning_effort` goes on as it is: which
//! values there are is up to the model. Marks for prompt caching are left out and named:
//! `prompt_cache_key` is Mistral's way.

pub mod error;
mod messages;
pub mod request;
pub mod response;
pub mod stream;
