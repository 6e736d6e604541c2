//! What a caller has received of one answer, counted apart from the service: its JSON is parsed.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The body so far: the events of a stream, or an answer in one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    streamed: bool,
    /// A line that has not ended, or the whole body.
    pending: Vec<u8>,
    /// Events that carried text.
    pub deltas: u64,
    /// Bytes of that text.
    pub text_bytes: u64,
    /// Bytes of that text as it is escaped in the JSON.
    pub escaped_bytes: u64,
    /// Whether `data: [DONE]` came.
    pub done: bool,
    /// Whether an error event came.
    pub error: bool,
    /// Whether an event was no JSON, or something came behind the end.
    pub broken: bool,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, alias = "message")]
    delta: Option<Delta<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl Received {
    /// Nothing yet of a stream, or of an answer in one piece.
    pub fn new(streamed: bool) -> Self {
        Self { streamed, ..Self::default() }
    }

    /// Takes in a piece of the body.
    pub fn feed(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
        if !self.streamed {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line(&rest[..end]);
            rest = &rest[end + 1..];
        }
        self.pending = rest.to_vec();
    }

    /// Whether the service says that this is all of the answer.
    pub fn is_complete(&self) -> bool {
        if self.streamed {
            return self.done && !self.error && !self.broken;
        }
        let text = |body: &[u8]| text_of(&serde_json::from_slice::<Chunk<'_>>(body).ok()?);
        text(&self.pending).is_some_and(|(bytes, _)| bytes > 0)
    }

    fn line(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) else { return };
        self.broken |= self.done || self.error;
        if data == b"[DONE]" {
            self.done = true;
            return;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            self.broken = true;
            return;
        };
        self.error |= chunk.error.is_some();
        if let Some((text, escaped)) = text_of(&chunk).filter(|(text, _)| *text > 0) {
            self.deltas += 1;
            self.text_bytes += text;
            self.escaped_bytes += escaped;
        }
    }
}

/// Bytes of the text of all choices, plain and escaped; none if no choice has any.
fn text_of(chunk: &Chunk<'_>) -> Option<(u64, u64)> {
    let deltas = chunk.choices.iter().flatten().filter_map(|choice| choice.delta.as_ref());
    let strings = deltas.filter_map(|delta| {
        let raw = delta.content?.get();
        let text: String = serde_json::from_str(raw).ok()?;
        Some((text.len() as u64, raw.len() as u64 - 2))
    });
    strings.reduce(|(text, escaped), (more, more_escaped)| (text + more, escaped + more_escaped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const STREAM: &str = concat!(
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        ": keep-alive\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\\u00e9\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"bcd\"}}]}\n\n",
    );

    fn stream(end: &str, split: usize) -> Received {
        let text = format!("{STREAM}{end}");
        let mut received = Received::new(true);
        received.feed(&text.as_bytes()[..split]);
        received.feed(&text.as_bytes()[split..]);
        received
    }

    #[test]
    fn text_is_counted_wherever_reads_end() {
        for split in 0..STREAM.len() {
            let received = stream("", split);
            assert_eq!((received.deltas, received.text_bytes, received.escaped_bytes), (2, 7, 12));
        }
    }

    #[rstest]
    #[case::done("data: [DONE]\n\n", true)]
    #[case::nothing("", false)]
    #[case::an_error("data: {\"error\":{\"message\":\"x\"}}\n\n", false)]
    #[case::an_end_behind_an_error("data: {\"error\":{}}\n\ndata: [DONE]\n\n", false)]
    #[case::half_an_event("data: {\"choices\":[\n\ndata: [DONE]\n\n", false)]
    #[case::half_an_end("data: [DONE", false)]
    fn only_done_completes_a_stream(#[case] end: &str, #[case] complete: bool) {
        assert_eq!(stream(end, 0).is_complete(), complete);
    }

    #[rstest]
    #[case::an_answer(r#"{"choices":[{"message":{"content":"hi"}}]}"#, true)]
    #[case::half_of_it(r#"{"choices":[{"message":{"content":"hi"#, false)]
    #[case::nothing_said(r#"{"choices":[]}"#, false)]
    #[case::an_error(r#"{"error":{"message":"x"}}"#, false)]
    fn an_answer_in_one_piece_has_a_text(#[case] body: &str, #[case] complete: bool) {
        let mut received = Received::new(false);
        received.feed(body.as_bytes());
        assert_eq!(received.is_complete(), complete);
    }
}
