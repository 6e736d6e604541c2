//! Proves that a stream came through whole: numbered chunks, a finish, `[DONE]`.

use memchr::{memchr, memchr_iter, memmem};

/// What one stream has delivered so far. Proxies may re-encode the chunks; the numbers that the
/// upstream writes into their text survive that.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    /// Content chunks that came in order.
    pub chunks: u32,
    /// Whether a `finish_reason` of `stop` came.
    pub finished: bool,
    /// Whether `data: [DONE]` came.
    pub done: bool,
    /// Whether a chunk was missing, doubled or out of order.
    pub disordered: bool,
    /// Whether an error event came.
    pub error: bool,
}

impl Events {
    /// Takes in a piece of the body.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some(end) = memchr(b'\n', piece) {
            let (head, rest) = piece.split_at(end);
            piece = &rest[1..];
            if self.line.is_empty() {
                self.on_line(head);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                self.on_line(&line);
                line.clear();
                self.line = line;
            }
        }
        self.line.extend_from_slice(piece);
    }

    /// Whether all of `chunks` came and the stream was ended as complete.
    #[must_use]
    pub fn is_complete(&self, chunks: u32) -> bool {
        self.chunks == chunks && self.finished && self.done && !self.disordered && !self.error
    }

    fn on_line(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return;
        }
        for at in memchr_iter(b'#', data) {
            self.on_number(&data[at + 1..]);
        }
        self.finished |= memmem::find(data, b"\"stop\"").is_some();
        self.error |= memmem::find(data, b"\"error\"").is_some();
    }

    fn on_number(&mut self, text: &[u8]) {
        let digits = text.get(..5).and_then(|digits| std::str::from_utf8(digits).ok());
        if digits.and_then(|digits| digits.parse().ok()) == Some(self.chunks) && !self.done {
            self.chunks += 1;
        } else {
            self.disordered = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"data: {\"content\":\"#00000 a\"}\n\n: comment\n\n\
        data: {\"content\": \"#00001 b\"}\n\ndata: {\"finish_reason\":\"stop\"}\n\ndata: [DONE]\n\n";

    #[test]
    fn a_whole_stream_is_complete_wherever_reads_end() {
        for split in 0..STREAM.len() {
            let mut events = Events::default();
            events.feed(&STREAM[..split]);
            events.feed(&STREAM[split..]);
            assert!(events.is_complete(2), "split at {split}: {events:?}");
        }
    }

    #[test]
    fn anything_less_is_not() {
        let cut = STREAM.len() - b"data: [DONE]\n\n".len();
        let mut short = Events::default();
        short.feed(&STREAM[..cut]);
        assert!(!short.is_complete(2));
        let mut doubled = Events::default();
        doubled.feed(b"data: \"#00000\"\ndata: \"#00000\"\ndata: \"stop\"\ndata: [DONE]\n");
        assert!(doubled.disordered && !doubled.is_complete(1));
    }
}
