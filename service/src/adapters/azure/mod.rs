//! OpenAI's models at Microsoft: the same format under other paths.
//!
//! - API: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>

pub mod request;
