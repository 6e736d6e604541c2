//! The service's usage records, and whether they agree with what callers received.

use std::collections::HashMap;

use serde::Deserialize;

use crate::client::Answer;

/// One usage record, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    request_id: String,
    /// `complete`, `truncated`, `failed` or `cancelled`.
    pub end: String,
    /// Where the token counts come from.
    pub provenance: String,
    /// Events with text that were passed on.
    pub relayed_deltas: u64,
    /// Bytes of that text.
    pub relayed_text_bytes: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Upstream calls.
    pub attempts: u64,
}

/// All records of a run, by request.
#[derive(Debug, Default)]
pub struct Records(HashMap<String, Vec<Record>>);

/// How the answers of an upstream have to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// How their text is counted.
    pub counted: Counted,
    /// Tokens that the upstream reports at the end.
    pub reported: u64,
}

/// Whether an answer's bytes of text are counted as they stand in the JSON, or as they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A relay looks at the bytes that pass.
    Escaped,
    /// A translation reads them.
    Plain,
}

impl Record {
    /// The record that this log line is, if it is one.
    pub fn of_line(line: &str) -> Option<Self> {
        // Most lines are none, and parsing them would cost the run more than the requests.
        line.contains(r#""target":"usage""#).then(|| serde_json::from_str(line).ok())?
    }
}

impl Records {
    /// One more.
    pub fn add(&mut self, record: Record) {
        self.0.entry(record.request_id.clone()).or_default().push(record);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many there are of each end, for people.
    pub fn ends(&self) -> String {
        let ends = ["complete", "truncated", "failed", "cancelled"].map(|end| {
            let count = self.0.values().flatten().filter(|record| record.end == end).count();
            format!("{count} {end}")
        });
        ends.join(", ")
    }

    /// Upstream calls of all requests.
    pub fn attempts(&self) -> u64 {
        self.0.values().flatten().map(|record| record.attempts).sum()
    }

    /// The one record of this request.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn of(&self, id: &str) -> Result<&Record, String> {
        match self.0.get(id).map(Vec::as_slice) {
            Some([record]) => Ok(record),
            found => Err(format!("{} records", found.map_or(0, <[_]>::len))),
        }
    }
}

/// Whether the record of a streamed answer that its caller read to the end says what the caller saw.
///
/// # Errors
/// What it says instead.
pub fn agrees(record: &Record, answer: &Answer, due: Due) -> Result<(), String> {
    let received = &answer.received;
    let text_bytes = match due.counted {
        Counted::Escaped => received.escaped_bytes,
        Counted::Plain => received.text_bytes,
    };
    let said = (record.relayed_deltas, record.relayed_text_bytes);
    if said != (received.deltas, text_bytes) {
        return Err(format!("recorded {said:?}, received {:?}", (received.deltas, text_bytes)));
    }
    if !tokens_fit(record, due.reported) {
        return Err(format!("recorded {} tokens as {}", record.completion_tokens, record.provenance));
    }
    let is_right = match record.end.as_str() {
        "complete" => answer.is_success(),
        "truncated" | "failed" => !answer.is_success(),
        _ => false,
    };
    is_right.then_some(()).ok_or_else(|| format!("recorded as {}, received {answer:?}", record.end))
}

/// Reported by the upstream, or counted: a token or more an event.
fn tokens_fit(record: &Record, reported: u64) -> bool {
    let (tokens, deltas) = (record.completion_tokens, record.relayed_deltas);
    match record.provenance.as_str() {
        "reported" => tokens == reported,
        _ => tokens >= deltas && (tokens > 0) == (deltas > 0),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::received::Received;
    use rstest::rstest;

    const LINE: &str = r#"{"timestamp":"t","target":"usage","request_id":"r","end":"complete","provenance":"counted","relayed_deltas":1,"relayed_text_bytes":2,"completion_tokens":2,"attempts":3}"#;

    fn answer(body: &str) -> Answer {
        let mut received = Received::new(true);
        received.feed(body.as_bytes());
        let (sent_at, took) = (Instant::now(), Duration::ZERO);
        Answer { status: 200, received, ended: true, sent_at, took }
    }

    #[rstest]
    #[case::whole(
        "complete",
        1,
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\"}}]}\ndata: [DONE]\n",
        true
    )]
    #[case::another_count(
        "complete",
        2,
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\"}}]}\ndata: [DONE]\n",
        false
    )]
    #[case::cut("truncated", 1, "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\"}}]}\n", true)]
    #[case::cut_but_called_whole(
        "complete",
        1,
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\"}}]}\n",
        false
    )]
    #[case::whole_but_called_cut("truncated", 0, "data: [DONE]\n", false)]
    #[case::nobody_left("cancelled", 0, "", false)]
    fn a_record_says_what_its_caller_saw(
        #[case] end: &str,
        #[case] deltas: u64,
        #[case] body: &str,
        #[case] expected: bool,
    ) {
        let bytes = deltas * 2;
        let end = end.into();
        let completion_tokens = deltas;
        let record =
            Record { end, relayed_deltas: deltas, relayed_text_bytes: bytes, completion_tokens, ..one() };
        let due = Due { counted: Counted::Escaped, reported: 12 };
        assert_eq!(agrees(&record, &answer(body), due).is_ok(), expected);
    }

    #[rstest]
    #[case::as_reported("reported", 12, 3, true)]
    #[case::not_as_reported("reported", 3, 3, false)]
    #[case::counted("counted", 3, 3, true)]
    #[case::less_than_was_relayed("counted", 2, 3, false)]
    #[case::nothing_for_something("counted", 0, 3, false)]
    #[case::something_for_nothing("counted", 1, 0, false)]
    fn tokens_are_reported_or_counted(
        #[case] provenance: &str,
        #[case] completion_tokens: u64,
        #[case] relayed_deltas: u64,
        #[case] expected: bool,
    ) {
        let provenance = provenance.into();
        let record = Record { provenance, completion_tokens, relayed_deltas, ..one() };
        assert_eq!(tokens_fit(&record, 12), expected);
    }

    fn one() -> Record {
        Record::of_line(LINE).expect("a record")
    }

    #[test]
    fn a_request_has_one_record() {
        let mut records = Records::default();
        records.add(one());
        assert_eq!(records.of("r"), Ok(&one()));
        assert!(records.of("another").is_err());
        records.add(one());
        assert!(records.of("r").is_err());
        assert_eq!((records.len(), records.attempts()), (2, 6));
    }

    #[test]
    fn other_lines_are_no_records() {
        assert_eq!(Record::of_line(&LINE.replace("usage", "access")), None);
    }
}
