//! The generic driver of translated streams: bytes in, deltas out, whatever the vendor.

use bytes::Bytes;

use super::inspect;
use crate::adapters::{self, Event, Expect, Flow, Framing, Machine};
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::wire::ndjson::{self, Lines};
use crate::wire::sse::{self, Splitter};

/// An event or line larger than this is none of any model: the stream is broken.
pub(super) const MAX_EVENT_BYTES: usize = 16 << 20;

/// Reads one stream of an endpoint's: cuts it into events and has the provider's machine read each.
pub struct Reader {
    cutter: Cutter,
    machine: Box<dyn Machine>,
    name: String,
}

enum Cutter {
    Sse(Splitter),
    Ndjson(Lines),
}

impl Reader {
    /// For one answer of `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint, expect: &Expect) -> Self {
        let cutter = match adapters::framing(endpoint.provider) {
            Framing::Sse => Cutter::Sse(Splitter::default()),
            Framing::Ndjson => Cutter::Ndjson(Lines::default()),
        };
        let machine = adapters::machine(endpoint, expect);
        Self { cutter, machine, name: endpoint.name.clone() }
    }

    /// Takes bytes as they come, and appends what they say to `deltas`.
    ///
    /// # Errors
    /// What the vendor reports, or [`Kind::MalformedAnswer`]; deltas appended before count.
    pub fn push(&mut self, chunk: Bytes, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let whole = match &mut self.cutter {
            Cutter::Sse(splitter) => splitter.push(chunk, MAX_EVENT_BYTES),
            Cutter::Ndjson(lines) => lines.push(chunk, MAX_EVENT_BYTES),
        };
        let whole = whole.map_err(|_| too_large())?;
        match &self.cutter {
            Cutter::Sse(_) => {
                for event in sse::events(&whole) {
                    if self.sse(event, deltas)? == Flow::Complete {
                        return Ok(Flow::Complete);
                    }
                }
            }
            Cutter::Ndjson(_) => {
                for data in ndjson::lines(&whole) {
                    if self.machine.on_event(Event::Data { name: None, data }, deltas)? == Flow::Complete {
                        return Ok(Flow::Complete);
                    }
                }
            }
        }
        Ok(Flow::More)
    }

    /// The body is over, as its framing says properly: `Flow::More` means that the answer is not.
    ///
    /// # Errors
    /// As for [`Reader::push`].
    pub fn end(&mut self, deltas: &mut Vec<Delta>) -> Result<Flow> {
        let rest = match &self.cutter {
            Cutter::Sse(splitter) => splitter.rest().to_vec(),
            Cutter::Ndjson(lines) => lines.rest().to_vec(),
        };
        // The last event may lack its empty line, the last line its end; half an event says nothing.
        let flow = match (&self.cutter, sse::parse(&rest)) {
            (Cutter::Sse(_), sse::Event::Data { data, .. })
                if inspect::is_object(&data) || sse::is_done(&data) =>
            {
                self.sse(&rest, deltas)?
            }
            (Cutter::Ndjson(_), _) if inspect::is_object(&rest) => {
                self.machine.on_event(Event::Data { name: None, data: &rest }, deltas)?
            }
            _ => Flow::More,
        };
        if flow == Flow::Complete { Ok(flow) } else { self.machine.on_event(Event::Eof, deltas) }
    }

    fn sse(&mut self, event: &[u8], deltas: &mut Vec<Delta>) -> Result<Flow> {
        match sse::parse(event) {
            sse::Event::Nothing => Ok(Flow::More),
            sse::Event::Malformed => {
                let message = format!("{} broke its stream: a line that is no Server-Sent Event", self.name);
                Err(Error::new(Kind::MalformedAnswer, message))
            }
            sse::Event::Data { name, data } => {
                self.machine.on_event(Event::Data { name, data: &data }, deltas)
            }
        }
    }
}

/// An event grew beyond [`MAX_EVENT_BYTES`].
pub(super) fn too_large() -> Error {
    let message = format!("an event is larger than {MAX_EVENT_BYTES} bytes");
    Error::new(Kind::MalformedAnswer, message).with_code("event_too_large")
}
