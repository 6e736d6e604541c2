//! Server-Sent Events: finding whole events in a stream of bytes, and reading one.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.
//! A line ends with LF, CR LF or CR; an empty line ends an event; a stream may begin with a BOM.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::{memchr2, memrchr2};

use super::TooLarge;

/// Cuts a stream of bytes at the ends of events.
///
/// Only whole events come out, so that an event can be judged before any of it is passed on, and a
/// stream that breaks does so between events. A chunk that ends where an event ends, which is nearly
/// every chunk, is passed through without a copy.
#[derive(Debug, Default)]
pub struct Splitter {
    carry: BytesMut,
    started: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    /// Takes a chunk and gives all the events that are whole now, as one buffer; empty if none is.
    ///
    /// # Errors
    /// An unfinished event is longer than `max_event_bytes`.
    pub fn push(&mut self, chunk: Bytes, max_event_bytes: usize) -> Result<Bytes, TooLarge> {
        let whole = if self.carry.is_empty() && self.started && chunk.ends_with(b"\n\n") {
            chunk
        } else {
            self.push_slowly(&chunk)
        };
        if self.carry.len() > max_event_bytes {
            return Err(TooLarge);
        }
        Ok(whole)
    }

    fn push_slowly(&mut self, chunk: &[u8]) -> Bytes {
        let searched = self.carry.len().saturating_sub(3);
        self.carry.extend_from_slice(chunk);
        if !self.started && !self.skip_bom() {
            return Bytes::new();
        }
        match last_event_end(&self.carry, searched.min(self.carry.len())) {
            Some(end) => self.carry.split_to(end).freeze(),
            None => Bytes::new(),
        }
    }

    /// Drops a BOM at the start. False while it cannot be told yet whether there is one.
    fn skip_bom(&mut self) -> bool {
        if self.carry.len() < BOM.len() && BOM.starts_with(&self.carry) {
            return false;
        }
        if self.carry.starts_with(BOM) {
            let _bom = self.carry.split_to(BOM.len());
        }
        self.started = true;
        true
    }

    /// What came after the last whole event: not empty where a stream was cut inside an event.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.carry
    }
}

/// The offset behind the last empty line of `buffer`, looking no further back than `from`.
///
/// A CR at the very end does not end a line yet: an LF may follow and belong to it.
fn last_event_end(buffer: &[u8], from: usize) -> Option<usize> {
    let mut end = buffer.len();
    if buffer.last() == Some(&b'\r') {
        end -= 1;
    }
    while let Some(at) = memrchr2(b'\n', b'\r', &buffer[from..end]).map(|at| from + at) {
        let terminator = if buffer[at] == b'\n' && at > 0 && buffer[at - 1] == b'\r' { at - 1 } else { at };
        if terminator > 0 && matches!(buffer[terminator - 1], b'\n' | b'\r') {
            return Some(at + 1);
        }
        end = terminator.max(from);
    }
    None
}

/// The events in `buffer`, which holds whole events only, each with the empty line that ends it.
pub fn events(buffer: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = buffer;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (event, tail) = rest.split_at(first_event_end(rest));
        rest = tail;
        Some(event)
    })
}

fn first_event_end(buffer: &[u8]) -> usize {
    let blank = memchr::memchr_iter(b'\n', buffer).find(|at| buffer.get(at + 1) == Some(&b'\n'));
    let lf = blank.map_or(buffer.len(), |at| at + 2);
    match memchr::memchr(b'\r', &buffer[..lf]) {
        None => lf,
        Some(_) => first_event_end_with_cr(buffer),
    }
}

fn first_event_end_with_cr(buffer: &[u8]) -> usize {
    let mut line_start = 0;
    while let Some((line_end, next)) = line_end(buffer, line_start) {
        if line_end == line_start {
            return next;
        }
        line_start = next;
    }
    buffer.len()
}

/// Where the line that starts at `from` ends, and where the next one starts.
fn line_end(buffer: &[u8], from: usize) -> Option<(usize, usize)> {
    let end = from + memchr2(b'\n', b'\r', &buffer[from..])?;
    let crlf = buffer[end] == b'\r' && buffer.get(end + 1) == Some(&b'\n');
    Some((end, end + 1 + usize::from(crlf)))
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Only comments, ids or retry times: nothing for the application.
    Nothing,
    /// Data, with the name of the event where it has one.
    Data {
        /// The value of the last `event:` line.
        name: Option<&'a [u8]>,
        /// The `data:` lines, joined with LF.
        data: Cow<'a, [u8]>,
    },
    /// A line that is no field of an event stream: this is not SSE.
    Malformed,
}

/// Reads one event, as [`events`] cuts it.
#[must_use]
pub fn parse(event: &[u8]) -> Event<'_> {
    let mut name = None;
    let mut data: Option<Cow<'_, [u8]>> = None;
    for line in lines(event) {
        let (field, value) = split_field(line);
        match field {
            b"data" => match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(so_far) => {
                    so_far.to_mut().push(b'\n');
                    so_far.to_mut().extend_from_slice(value);
                }
            },
            b"event" => name = Some(value),
            b"" | b"id" | b"retry" => {}
            _ => return Event::Malformed,
        }
    }
    data.map_or(Event::Nothing, |data| Event::Data { name, data })
}

/// The id of an event, which is to be sent as `Last-Event-ID` by who comes back; `None` where it has none.
#[must_use]
pub fn id(event: &[u8]) -> Option<&[u8]> {
    lines(event).map(split_field).filter(|(field, _)| *field == b"id").map(|(_, id)| id).last()
}

/// The lines of an event without their ends.
pub(super) fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= event.len() {
            return None;
        }
        let (end, next) = line_end(event, at).unwrap_or((event.len(), event.len()));
        let line = &event[at..end];
        at = next;
        Some(line)
    })
}

fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = memchr::memchr(b':', line).unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default();
    (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
}

/// The event that ends a complete OpenAI stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// Whether an event's data is that of [`DONE`].
#[must_use]
pub fn is_done(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}

/// A comment that keeps idle timers from firing.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// An event with `json` as its data; `json` must not contain line ends.
#[must_use]
pub fn data_event(json: &str) -> Bytes {
    let mut event = BytesMut::with_capacity(json.len() + 8);
    event.extend_from_slice(b"data: ");
    event.extend_from_slice(json.as_bytes());
    event.extend_from_slice(b"\n\n");
    event.freeze()
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
