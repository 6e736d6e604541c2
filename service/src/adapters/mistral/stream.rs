//! A stream of Mistral's, as deltas.
//! Source: <https://docs.mistral.ai/api/#tag/chat>

use super::response::Answer;
use crate::adapters::openai::calls::Calls;
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;
use crate::wire::sse;

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    started: bool,
    calls: Calls,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        Self { endpoint: endpoint.clone(), started: false, calls: Calls::of(&expect.request_id) }
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { data, .. } = event else { return Ok(Flow::More) };
        if sse::is_done(data) {
            return Ok(Flow::Complete);
        }
        let mut chunk = Answer::parse(&self.endpoint, data)?;
        if !self.started {
            self.started = true;
            deltas.push(Delta::Start { id: chunk.id.take(), model: chunk.model.take() });
        }
        chunk.read(&self.endpoint, &mut self.calls, deltas)?;
        Ok(Flow::More)
    }
}
