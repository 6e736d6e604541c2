//! A stream of Anthropic's, as deltas.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/streaming>

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::{Blocks, Piece};
use super::error::in_band;
use super::response::{Message, push_end};
use super::usage::Usage;
use crate::adapters::openai::error::malformed;
use crate::adapters::{Event, Expect, Flow, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// Any event: one reading does for all of them, because most are pieces of text.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(default, borrow)]
    delta: Option<Piece<'a>>,
    #[serde(default, borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(default, borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    usage: Option<Usage>,
}

/// Reads one stream.
pub struct Stream {
    endpoint: Endpoint,
    blocks: Blocks,
    usage: Usage,
    ended: bool,
}

impl Stream {
    /// For one answer of `endpoint`.
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        let blocks = Blocks::new(expect.json_tool);
        Self { endpoint: endpoint.clone(), blocks, usage: Usage::default(), ended: false }
    }

    fn event(&mut self, json: &[u8], deltas: &mut Vec<Delta>) -> Result<Flow> {
        let wire: Wire<'_> = serde_json::from_slice(json).map_err(|error| self.malformed(&error))?;
        match (&*wire.kind, wire.delta, wire.content_block) {
            ("content_block_delta", Some(piece), _) => {
                let said = self.blocks.piece(wire.index, piece, json, deltas);
                said.map_err(|error| self.malformed(&error))?;
            }
            ("content_block_start", _, Some(block)) => {
                let begun = self.blocks.start(wire.index, block, deltas);
                begun.map_err(|error| self.malformed(&error))?;
            }
            ("content_block_stop", ..) => self.blocks.stop(wire.index, deltas),
            ("message_start", ..) => {
                let message = wire.message.unwrap_or_default();
                self.usage.update(message.usage.unwrap_or_default());
                deltas.push(Delta::Start { id: message.id, model: message.model });
            }
            ("message_delta", end, _) => self.end(end, wire.usage, deltas),
            ("message_stop", ..) if self.ended => return Ok(Flow::Complete),
            ("message_stop", ..) => return Err(self.without_reason()),
            ("error", ..) => return Err(in_band(&self.endpoint, json)),
            // `ping`, and what the vendor reserves the right to add.
            _ => {}
        }
        Ok(Flow::More)
    }

    fn end(&mut self, end: Option<Piece<'_>>, usage: Option<Usage>, deltas: &mut Vec<Delta>) {
        if let Some(Piece { stop_reason: Some(reason), stop_details, .. }) = end {
            self.ended = true;
            self.blocks.stop_all(deltas);
            push_end(&self.blocks, &reason, stop_details, deltas);
        }
        if let Some(usage) = usage {
            self.usage.update(usage);
            deltas.push(Delta::Usage(self.usage.tokens()));
        }
    }

    fn malformed(&self, error: &serde_json::Error) -> Error {
        malformed(&self.endpoint, "event of a message", error)
    }

    fn without_reason(&self) -> Error {
        let message = format!("{} ended its answer without a `stop_reason`", self.endpoint.name);
        Error::new(Kind::MalformedAnswer, message)
    }
}

impl Machine for Stream {
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow> {
        match event {
            Event::Data { data, .. } => self.event(data, deltas),
            Event::Eof => Ok(Flow::More),
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
