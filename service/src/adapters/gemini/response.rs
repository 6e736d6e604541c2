//! A whole answer of gemini's, as deltas.

use crate::adapters::Expect;
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// What the answer says.
///
/// # Errors
/// It reports an error, or is not what the vendor documents.
pub fn deltas(_endpoint: &Endpoint, _expect: &Expect, _body: &[u8]) -> Result<Vec<Delta>> {
    Ok(Vec::new())
}
