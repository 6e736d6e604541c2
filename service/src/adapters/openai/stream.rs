//! A stream in OpenAI's form, as deltas: for callers of other formats.

use serde::Deserialize;

pub use super::calls::Calls;
use super::error::{in_band, malformed};
pub use super::message::finish_of;
use super::message::{Choice, Reading, named, usage};
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};
use crate::wire::sse;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Tokens>,
}

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    request_id: String,
    started: bool,
    calls: Calls,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        let request_id = expect.request_id.clone();
        Self { endpoint: endpoint.clone(), request_id, started: false, calls: Calls::default() }
    }

    fn chunk(&mut self, json: &[u8], deltas: &mut Vec<Delta>) -> Result<()> {
        let chunk: Chunk =
            serde_json::from_slice(json).map_err(|error| malformed(&self.endpoint, "chunk", &error))?;
        if !self.started {
            self.start(named(chunk.id), named(chunk.model), deltas);
        }
        let Self { endpoint, request_id, calls, .. } = self;
        let mut reading = Reading { endpoint, request_id, calls, in_pieces: true };
        for mut choice in chunk.choices.into_iter().flatten() {
            let delta = choice.delta.take().unwrap_or_default();
            let end = choice.read(delta, &mut reading, deltas)?;
            deltas.extend(end);
        }
        deltas.extend(usage(chunk.usage));
        Ok(())
    }

    /// The first chunk may be without a name: Azure's is about the prompt only.
    fn start(&mut self, id: Option<String>, model: Option<String>, deltas: &mut Vec<Delta>) {
        if id.is_some() || model.is_some() {
            self.started = true;
            deltas.push(Delta::Start { id, model });
        }
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let Event::Data { name, data } = event else { return Ok(Flow::More) };
        if sse::is_done(data) {
            return Ok(Flow::Complete);
        }
        if let Some(error) = in_band(&self.endpoint, data) {
            return Err(error);
        }
        if name == Some(b"error") {
            let message = format!("{} reported an error in the middle of its answer", self.endpoint.name);
            return Err(Error::new(Kind::UpstreamFailure, message));
        }
        self.chunk(data, deltas)?;
        Ok(Flow::More)
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
