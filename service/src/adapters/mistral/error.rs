//! mistral's refusals.

use crate::adapters::{Refusal, openai};
use crate::domain::endpoint::Endpoint;
use crate::error::Error;

/// What a refusal means.
#[must_use]
pub fn refusal(endpoint: &Endpoint, refusal: &Refusal<'_>) -> Error {
    openai::error::refusal(endpoint, refusal)
}
