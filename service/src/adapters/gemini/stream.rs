//! A stream of Google's, as deltas: `?alt=sse`, each event a piece in the form of a whole answer.
//! Source: <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>

use super::reader::Reader;
use super::response::chunk;
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    reader: Reader,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        Self { endpoint: endpoint.clone(), reader: Reader::new(&expect.request_id) }
    }

    /// Nothing but the end of the body says that no more candidates and no more usage come.
    fn end(&self) -> Flow {
        let begun = self.reader.seen().next().is_some();
        let finished = self.reader.seen().all(|(_, is_finished)| is_finished);
        if begun && finished { Flow::Complete } else { Flow::More }
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { data, .. } = event else { return Ok(self.end()) };
        self.reader.read(chunk(&self.endpoint, data)?, deltas);
        Ok(Flow::More)
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
