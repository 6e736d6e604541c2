//! One stream underway: what came, when, and whether it was whole.

use std::io;
use std::time::{Duration, Instant};

use super::events::Events;
use super::link::Link;

/// What a look at the socket changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing of note.
    Underway,
    /// The first byte of a body came just now, and the status is 200.
    Opened,
    /// The response has ended as its framing promised.
    Ended,
}

/// A stream from its request to its end.
#[derive(Debug)]
pub struct Flight {
    /// Its connection.
    pub link: Link,
    /// What the stream has delivered.
    pub events: Events,
    /// Whether [`Progress::Opened`] was reported.
    pub was_opened: bool,
    /// From the request to the first byte of the body.
    pub first_byte: Option<Duration>,
    /// Reads that brought a part of the body: fewer than chunks means that chunks were glued.
    pub reads: u64,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// The longest time between two reads that brought chunks.
    pub longest_gap: Duration,
    sent_at: Instant,
    last_chunk_at: Option<Instant>,
}

impl Flight {
    /// Sends `request` on `link`, which becomes this stream's.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn launch(mut link: Link, request: &[u8]) -> io::Result<Self> {
        let sent_at = Instant::now();
        link.send(request)?;
        Ok(Self {
            link,
            events: Events::default(),
            was_opened: false,
            first_byte: None,
            reads: 0,
            body_bytes: 0,
            longest_gap: Duration::ZERO,
            sent_at,
            last_chunk_at: None,
        })
    }

    /// Reads once; each gap between chunks goes to `on_gap` too.
    ///
    /// # Errors
    /// The connection is broken or was closed before the response's end.
    pub fn look(&mut self, scratch: &mut [u8], on_gap: impl FnOnce(Duration)) -> io::Result<Progress> {
        let chunks_before = self.events.chunks;
        let (events, mut body_bytes) = (&mut self.events, 0);
        self.link.receive(scratch, |piece| {
            body_bytes += piece.len() as u64;
            events.feed(piece);
        })?;
        let now = Instant::now();
        self.body_bytes += body_bytes;
        self.reads += u64::from(body_bytes > 0);
        if self.events.chunks > chunks_before {
            self.note_chunk(now, on_gap);
        }
        let is_first = body_bytes > 0 && self.first_byte.is_none();
        if is_first {
            self.first_byte = Some(now.duration_since(self.sent_at));
        }
        if self.link.response.is_done() {
            return Ok(Progress::Ended);
        }
        if is_first {
            self.was_opened = self.link.response.status() == 200;
            if self.was_opened {
                return Ok(Progress::Opened);
            }
        }
        Ok(Progress::Underway)
    }

    fn note_chunk(&mut self, now: Instant, on_gap: impl FnOnce(Duration)) {
        if let Some(last) = self.last_chunk_at.replace(now) {
            let gap = now.duration_since(last);
            self.longest_gap = self.longest_gap.max(gap);
            on_gap(gap);
        }
    }
}
