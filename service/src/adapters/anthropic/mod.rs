//! Anthropic's Messages API.
//!
//! - API: <https://platform.claude.com/docs/en/api/messages>
//! - Versions: <https://platform.claude.com/docs/en/api/migration-2026-10-21>
//! - Streams: <https://platform.claude.com/docs/en/build-with-claude/streaming>
//! - Thinking: <https://platform.claude.com/docs/en/build-with-claude/thinking>
//! - Structured outputs: <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
//! - Errors: <https://platform.claude.com/docs/en/api/errors>
//!
//! Quirks. Input tokens are told without those of the cache. Empty texts are refused, and white space at
//! the end of an assistant's last words. What a model takes follows its version, which is read from its
//! name: see `model.rs`. Thinking is handed back as it came, with its signature, or not at all:
//! `thinking_blocks` carries it both ways. Blocks that OpenAI has no member for (server tools and their
//! results, and what is still to be invented) come out as `content_blocks` and are put back from there;
//! citations come out as `citations`, without the place in the text that they stand at. The `name` of a
//! participant, the `name` of a schema and the `detail` of an image have no place in this format.

mod blocks;
mod content;
pub mod error;
mod format;
mod messages;
mod model;
pub mod prefill;
pub mod request;
pub mod response;
mod sampling;
mod schema;
pub mod stream;
mod thinking;
mod tools;
mod usage;
