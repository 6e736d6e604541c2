//! A stream in OpenAI's form, as deltas: for callers of other formats.

use serde::Deserialize;

use super::calls::Calls;
use super::error::{in_band, malformed};
use super::message::{Choice, named, usage};
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
    started: bool,
    calls: Calls,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        Self { endpoint: endpoint.clone(), started: false, calls: Calls::of(&expect.request_id) }
    }

    fn chunk(&mut self, json: &[u8], deltas: &mut Vec<Delta>) -> Result<()> {
        let chunk: Chunk =
            serde_json::from_slice(json).map_err(|error| malformed(&self.endpoint, "chunk", &error))?;
        if !self.started {
            self.start(named(chunk.id), named(chunk.model), deltas);
        }
        for mut choice in chunk.choices.into_iter().flatten() {
            let delta = choice.delta.take().unwrap_or_default();
            let (index, calls) = (choice.index, &mut self.calls);
            let end = choice.read(delta, &self.endpoint, &mut |call| calls.place(index, call), deltas)?;
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
