//! A whole answer of Google's, as deltas.

use super::error::{in_band, malformed};
use super::reader::Reader;
use super::wire::Chunk;
use crate::adapters::Expect;
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// What the answer says.
///
/// # Errors
/// It reports an error, or is no `GenerateContentResponse` with a candidate or a reason for none.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let mut reader = Reader::new(&expect.request_id);
    let mut deltas = Vec::new();
    reader.read(chunk(endpoint, body)?, &mut deltas);
    if reader.seen().next().is_none() {
        let message = format!("{} answered with no candidate", endpoint.name);
        return Err(Error::new(Kind::MalformedAnswer, message));
    }
    // The body came whole: a candidate without a reason has ended as well.
    let ends = reader.seen().filter(|(_, is_finished)| !is_finished);
    deltas.extend(ends.map(|(choice, _)| Delta::Finish { choice, reason: FinishReason::Stop, native: None }));
    Ok(deltas)
}

/// A whole answer, or a piece of a stream.
///
/// # Errors
/// It reports an error, or is not what Google documents.
pub(super) fn chunk<'a>(endpoint: &Endpoint, json: &'a [u8]) -> Result<Chunk<'a>> {
    let is_array = json.trim_ascii_start().starts_with(b"[");
    if let Some(error) = is_array.then(|| in_band(endpoint, json)).flatten() {
        return Err(error);
    }
    let chunk: Chunk<'a> = serde_json::from_slice(json).map_err(|error| malformed(endpoint, &error))?;
    match chunk.error.and_then(|_| in_band(endpoint, json)) {
        Some(error) => Err(error),
        None => Ok(chunk),
    }
}
