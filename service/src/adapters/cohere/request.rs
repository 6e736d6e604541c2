//! OpenAI's request as cohere's.

use crate::adapters::params::unsupported;
use crate::adapters::{Ask, Prepared};
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// The call that asks.
///
/// # Errors
/// The request cannot be expressed in the vendor's format.
pub fn prepare(endpoint: &Endpoint, _ask: &Ask<'_>) -> Result<Prepared> {
    Err(unsupported(endpoint, "model", "not built yet"))
}
