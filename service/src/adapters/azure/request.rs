//! OpenAI's request under Azure's paths.

use crate::adapters::params::unsupported;
use crate::adapters::{Ask, Prepared};
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// The call that asks.
///
/// # Errors
/// [`crate::error::Kind::Internal`]: the endpoint's URL or key cannot be sent.
pub fn prepare(endpoint: &Endpoint, _ask: &Ask<'_>) -> Result<Prepared> {
    Err(unsupported(endpoint, "model", "not built yet"))
}
