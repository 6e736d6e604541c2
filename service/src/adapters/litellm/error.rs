//! LiteLLM's refusals are OpenAI's, with `code` as a string and its own key errors as 401 and 403.

use crate::adapters::{Refusal, openai_error};
use crate::domain::endpoint::Endpoint;
use crate::error::Error;

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    openai_error::refusal(endpoint, refusal)
}
