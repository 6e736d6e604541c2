//! Numbers for a stream's events, by which a client can say which one it had last.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id>.
//! The last `id` line of an event counts, and a client keeps an id that comes without data as well. So ids
//! that an upstream wrote are taken out.

use super::sse::{Event, events, lines, parse};

/// Counts the events of one stream that carry data: from 1 on, or behind another stream's.
#[derive(Debug, Default)]
pub struct Numbering {
    last: usize,
}

/// Events with their numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Numbered {
    /// All of them.
    pub bytes: Vec<u8>,
    /// Where in `bytes` each one ends that carries data.
    pub ends: Vec<usize>,
}

impl Numbering {
    /// Goes on behind the number of another stream's last event.
    #[must_use]
    pub const fn behind(last: usize) -> Self {
        Self { last }
    }

    /// Writes the number of each event of `buffer`, which holds whole events only, into it.
    pub fn number(&mut self, buffer: &[u8]) -> Numbered {
        let mut numbered = Numbered { bytes: Vec::with_capacity(buffer.len() + 16), ends: Vec::new() };
        for event in events(buffer) {
            let has_data = matches!(parse(event), Event::Data { .. });
            without_ids(event, &mut numbered.bytes);
            if has_data {
                self.last += 1;
                numbered.bytes.extend_from_slice(format!("id: {}\n", self.last).as_bytes());
            }
            numbered.bytes.push(b'\n');
            if has_data {
                numbered.ends.push(numbered.bytes.len());
            }
        }
        numbered
    }
}

/// Appends the lines of `event` that are neither its id nor its end.
fn without_ids(event: &[u8], out: &mut Vec<u8>) {
    let is_id = |line: &[u8]| line == b"id" || line.starts_with(b"id:");
    for line in lines(event).filter(|line| !line.is_empty() && !is_id(line)) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::data("data: a\n\n", "data: a\nid: 1\n\n")]
    #[case::a_name("event: e\ndata: a\n\n", "event: e\ndata: a\nid: 1\n\n")]
    #[case::several("data: a\n\ndata: b\n\n", "data: a\nid: 1\n\ndata: b\nid: 2\n\n")]
    #[case::the_end("data: [DONE]\n\n", "data: [DONE]\nid: 1\n\n")]
    #[case::a_comment(": keep-alive\n\ndata: a\n\n", ": keep-alive\n\ndata: a\nid: 1\n\n")]
    #[case::an_upstreams_own_id("id: x\ndata: a\nid\n\n", "data: a\nid: 1\n\n")]
    #[case::an_id_without_data("id: x\n\ndata: a\n\n", "\ndata: a\nid: 1\n\n")]
    #[case::a_field_that_begins_alike("ident\n\n", "ident\n\n")]
    #[case::cr_lf("data: a\r\n\r\n", "data: a\nid: 1\n\n")]
    #[case::cr("data: a\r\r", "data: a\nid: 1\n\n")]
    fn what_carries_data_is_numbered(#[case] events: &str, #[case] expected: &str) {
        let numbered = Numbering::default().number(events.as_bytes());
        assert_eq!(String::from_utf8_lossy(&numbered.bytes), expected);
    }

    #[test]
    fn numbers_go_on_from_buffer_to_buffer_and_their_ends_are_told() {
        let mut numbering = Numbering::default();
        numbering.number(b"data: a\n\n: c\n\n");
        let numbered = numbering.number(b": c\n\ndata: b\n\ndata: c\n\n");
        assert_eq!(numbered.bytes, b": c\n\ndata: b\nid: 2\n\ndata: c\nid: 3\n\n");
        assert_eq!(numbered.ends, [20, numbered.bytes.len()]);
    }
}
