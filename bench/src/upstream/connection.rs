//! One connection: bytes in, bytes out, and at most one stream at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::answers::Format;
use super::plan::StreamPlan;
use super::replies::Replies;

/// A stream that is being sent.
#[derive(Debug)]
struct Stream {
    format: Format,
    plan: StreamPlan,
    sent_chunks: u32,
    next_due: Instant,
}

/// What a tick of a stream did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// A chunk went out; the next one is due then.
    Next(Instant),
    /// The stream is complete.
    Finished,
    /// There is no stream on this connection.
    Idle,
}

/// A caller's socket with what is underway on it.
#[derive(Debug)]
pub struct Connection {
    /// The socket, non-blocking.
    pub socket: TcpStream,
    /// Distinguishes this connection from an earlier one under the same token.
    pub generation: u64,
    /// Bytes of requests that are not complete yet.
    pub inbound: Vec<u8>,
    outbound: Vec<u8>,
    stream: Option<Stream>,
}

impl Connection {
    /// A fresh connection.
    ///
    /// # Errors
    /// The socket does not take its options.
    pub fn new(socket: TcpStream, generation: u64) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, generation, inbound: Vec::new(), outbound: Vec::new(), stream: None })
    }

    /// Reads once into `scratch`: `Some(bytes)`, zero bytes when the peer has left, or `None` when
    /// there was nothing.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn read(&mut self, scratch: &mut [u8]) -> io::Result<Option<usize>> {
        match self.socket.read(scratch) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_transient(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a stream is underway, so that further requests must wait.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether bytes wait for room in the socket.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Sends `bytes`, or keeps what does not fit.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_blocked() {
            self.outbound.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = self.write_some(bytes)?;
        self.outbound.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Sends what was kept.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        let kept = std::mem::take(&mut self.outbound);
        self.send(&kept)
    }

    /// Begins a stream: head and first chunk leave at once. Returns when the next chunk is due.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn begin_stream(
        &mut self,
        (format, plan): (Format, StreamPlan),
        now: Instant,
        replies: &Replies,
    ) -> io::Result<Instant> {
        let (answers, mut out) = (replies.of(format), Vec::new());
        answers.push_opening(&mut out);
        answers.push_chunk(&mut out, 0);
        self.send(&out)?;
        let next_due = now + plan.interval;
        self.stream = Some(Stream { format, plan, sent_chunks: 1, next_due });
        Ok(next_due)
    }

    /// Sends the next chunk, or the end, of the stream underway.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn tick(&mut self, replies: &Replies, scratch: &mut Vec<u8>) -> io::Result<Tick> {
        let Some(stream) = &mut self.stream else {
            return Ok(Tick::Idle);
        };
        let answers = replies.of(stream.format);
        scratch.clear();
        let outcome = if stream.sent_chunks < stream.plan.chunks {
            answers.push_chunk(scratch, stream.sent_chunks);
            stream.sent_chunks += 1;
            // Counted from when this one was due, not from when it was sent: no drift.
            stream.next_due += stream.plan.interval;
            Tick::Next(stream.next_due)
        } else {
            answers.push_end(scratch, &stream.plan);
            self.stream = None;
            Tick::Finished
        };
        self.send(scratch)?;
        Ok(outcome)
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.socket.write(bytes) {
            Ok(sent) => Ok(sent),
            Err(error) if is_transient(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
