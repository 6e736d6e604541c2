//! Reads one HTTP response as it arrives, byte boundaries where they may.

use std::fmt;

/// Why a response cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The head is not HTTP.
    Head,
    /// A chunk's size or frame is wrong.
    Chunk,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "malformed head",
            Self::Chunk => "malformed chunk",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// Body with so many bytes left.
    Length(usize),
    /// In the line that gives a chunk's size.
    ChunkSize(usize),
    /// In a chunk's data, so many bytes left.
    Chunk(usize),
    /// Between a chunk's data and the next size.
    ChunkEnd,
    /// After the last chunk, until the empty line.
    Trailer {
        line_bytes: usize,
    },
    Done,
}

/// The decoder of one response; `reset` for the next one on the same connection.
#[derive(Debug)]
pub struct Response {
    state: State,
    head: Vec<u8>,
    status: u16,
}

impl Response {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Head, head: Vec::new(), status: 0 }
    }

    /// Ready for the next response.
    pub fn reset(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.status = 0;
    }

    /// The status, zero until the head was read.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the body has ended as its framing promised.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes in `bytes` and hands every piece of the body to `on_body`, without copies.
    ///
    /// # Errors
    /// The bytes are not a response.
    pub fn feed(&mut self, mut bytes: &[u8], mut on_body: impl FnMut(&[u8])) -> Result<(), Malformed> {
        while !bytes.is_empty() && self.state != State::Done {
            bytes = match self.state {
                State::Head => self.feed_head(bytes)?,
                State::Length(left) => {
                    let (body, rest) = bytes.split_at(left.min(bytes.len()));
                    on_body(body);
                    self.state = length_left(left - body.len());
                    rest
                }
                State::Chunk(left) => {
                    let (body, rest) = bytes.split_at(left.min(bytes.len()));
                    on_body(body);
                    let left = left - body.len();
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    rest
                }
                State::ChunkSize(_) | State::ChunkEnd | State::Trailer { .. } => {
                    self.state = framing(self.state, bytes[0])?;
                    &bytes[1..]
                }
                State::Done => &[],
            };
        }
        Ok(())
    }

    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let known = self.head.len();
        self.head.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head_bytes) = head.parse(&self.head).map_err(|_| Malformed::Head)?
        else {
            return Ok(&[]);
        };
        self.status = head.code.unwrap_or(0);
        self.state = State::Done;
        for header in head.headers.iter() {
            if header.name.eq_ignore_ascii_case("transfer-encoding") {
                self.state = State::ChunkSize(0);
            } else if header.name.eq_ignore_ascii_case("content-length") {
                let length = std::str::from_utf8(header.value).unwrap_or_default().trim();
                self.state = length_left(length.parse().map_err(|_| Malformed::Head)?);
            }
        }
        Ok(&bytes[head_bytes - known..])
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

fn length_left(left: usize) -> State {
    if left == 0 { State::Done } else { State::Length(left) }
}

/// One byte of chunked framing. Chunk extensions are not expected.
fn framing(state: State, byte: u8) -> Result<State, Malformed> {
    Ok(match (state, byte) {
        (State::ChunkSize(size), digit) if digit.is_ascii_hexdigit() => {
            let digit = char::from(digit).to_digit(16).unwrap_or(0) as usize;
            State::ChunkSize(size.checked_mul(16).ok_or(Malformed::Chunk)? + digit)
        }
        (state @ (State::ChunkSize(_) | State::ChunkEnd | State::Trailer { .. }), b'\r') => state,
        (State::ChunkSize(0), b'\n') => State::Trailer { line_bytes: 0 },
        (State::ChunkSize(size), b'\n') => State::Chunk(size),
        (State::ChunkEnd, b'\n') => State::ChunkSize(0),
        (State::Trailer { line_bytes: 0 }, b'\n') => State::Done,
        (State::Trailer { .. }, b'\n') => State::Trailer { line_bytes: 0 },
        (State::Trailer { line_bytes }, _) => State::Trailer { line_bytes: line_bytes + 1 },
        _ => return Err(Malformed::Chunk),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\nB\r\n wide world\r\n0\r\n\r\n";
    const LENGTH: &[u8] = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy";

    fn read_in_two(bytes: &[u8], split: usize) -> (Response, Vec<u8>) {
        let mut response = Response::new();
        let mut body = Vec::new();
        for part in [&bytes[..split], &bytes[split..]] {
            let fed = response.feed(part, |piece| body.extend_from_slice(piece));
            assert_eq!(fed, Ok(()));
        }
        (response, body)
    }

    #[test]
    fn the_body_does_not_depend_on_where_reads_end() {
        for split in 0..CHUNKED.len() {
            let (response, body) = read_in_two(CHUNKED, split);
            assert_eq!((body.as_slice(), response.status()), (&b"hello wide world"[..], 200));
            assert!(response.is_done(), "split at {split}");
        }
    }

    #[test]
    fn a_length_is_believed() {
        let (response, body) = read_in_two(LENGTH, 10);
        assert_eq!((body.as_slice(), response.status()), (&b"busy"[..], 503));
        let (response, _) = read_in_two(&LENGTH[..LENGTH.len() - 1], 10);
        assert!(!response.is_done());
    }
}
