//! A stream of anthropic's, as deltas.

use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// Reads one stream.
pub struct Stream;

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(_endpoint: &Endpoint, _expect: &Expect) -> Self {
        Self
    }
}

impl Machine for Stream {
    fn on_event(&mut self, _event: Event<'_>, _deltas: &mut Vec<Delta>) -> Result<Flow> {
        Ok(Flow::More)
    }
}
