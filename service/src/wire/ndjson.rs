//! Newline-delimited JSON: finding whole lines in a stream of bytes.
//!
//! Source: <https://github.com/ndjson/ndjson-spec>. A line ends with LF; a CR before it belongs to the
//! white space of JSON. Empty lines say nothing.

use bytes::{Bytes, BytesMut};

use super::TooLarge;

/// Cuts a stream of bytes at the ends of lines.
#[derive(Debug, Default)]
pub struct Lines {
    carry: BytesMut,
}

impl Lines {
    /// Takes a chunk and gives all the lines that are whole now, as one buffer; empty if none is.
    ///
    /// # Errors
    /// An unfinished line is longer than `max_line_bytes`.
    pub fn push(&mut self, chunk: Bytes, max_line_bytes: usize) -> Result<Bytes, TooLarge> {
        let whole = match (self.carry.is_empty(), memchr::memrchr(b'\n', &chunk)) {
            (true, Some(end)) if end + 1 == chunk.len() => chunk,
            (_, Some(end)) => {
                self.carry.extend_from_slice(&chunk[..=end]);
                let whole = self.carry.split().freeze();
                self.carry.extend_from_slice(&chunk[end + 1..]);
                whole
            }
            (_, None) => {
                self.carry.extend_from_slice(&chunk);
                Bytes::new()
            }
        };
        if self.carry.len() > max_line_bytes { Err(TooLarge) } else { Ok(whole) }
    }

    /// What came after the last whole line: the last line of a stream that ends without LF.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.carry
    }
}

/// The lines in `buffer` that say something, without their ends.
pub fn lines(buffer: &[u8]) -> impl Iterator<Item = &[u8]> {
    buffer.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"{\"a\":1}\n\r\n{\"b\":\"\\n\"}\r\n{\"c\":3}";

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_cut() {
        for at in 0..=STREAM.len() {
            let mut cutter = Lines::default();
            let mut found: Vec<Vec<u8>> = Vec::new();
            for part in [&STREAM[..at], &STREAM[at..]] {
                let whole = cutter.push(Bytes::copy_from_slice(part), 100).expect("small");
                found.extend(lines(&whole).map(<[u8]>::to_vec));
            }
            assert_eq!(found, [b"{\"a\":1}".to_vec(), b"{\"b\":\"\\n\"}".to_vec()], "cut at {at}");
            assert_eq!(cutter.rest(), b"{\"c\":3}");
        }
    }

    #[test]
    fn a_chunk_of_whole_lines_is_not_copied() {
        let chunk = Bytes::from_static(b"{}\n{}\n");
        let whole = Lines::default().push(chunk.clone(), 100).expect("small");
        assert_eq!(whole.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert_eq!(Lines::default().push(Bytes::from_static(b"12345"), 4), Err(TooLarge));
    }
}
