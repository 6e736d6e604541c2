//! OpenAI's models at Microsoft: the same format under other paths, with the key in `api-key`.
//!
//! - API by deployments: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>
//! - The v1 API: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle>
//! - Content filters: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-filter>
//! - Streams: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-streaming>
//!
//! Quirks: a stream begins with a chunk that has no id, no model and no choices, only
//! `prompt_filter_results`; with asynchronous filters there are choices without a delta as well. A
//! prompt that the filter stops is a 400 with code `content_filter`; an answer that it stops ends with
//! that finish reason, and lacks its text where nothing of it may be seen. What the filters found is
//! passed on to OpenAI's clients with the bytes; other formats have no place for it. Versions before
//! 2024-09-01 do not know `stream_options`: their streams have no usage.

pub mod request;
