//! What all streams of a run have shown together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::flight::Flight;
use crate::stats::Samples;

/// What all streams together have shown.
#[derive(Debug, Default)]
pub struct Tally {
    completed: u64,
    failures: BTreeMap<String, u64>,
    chunks: u64,
    reads: u64,
    body_bytes: Option<(u64, u64)>,
    /// Every gap between two reads that brought chunks.
    pub gaps: Samples,
    longest_gaps: Samples,
    first_bytes: Samples,
}

impl Tally {
    /// Counts one failure of this kind.
    pub fn count(&mut self, failure: &str) {
        *self.failures.entry(failure.to_owned()).or_default() += 1;
    }

    /// A stream that ended otherwise than by its end.
    pub fn fail(&mut self, flight: &Flight, failure: &str) {
        self.chunks += u64::from(flight.events.chunks);
        self.count(failure);
    }

    /// A response that has ended: whole, or a failure after all.
    pub fn land(&mut self, flight: &Flight, chunks: u32) {
        let status = flight.link.response.status();
        if status != 200 {
            return self.fail(flight, &format!("status {status}"));
        }
        if !flight.events.is_complete(chunks) {
            let kind = if flight.events.error { "error event" } else { "incomplete" };
            return self.fail(flight, kind);
        }
        self.completed += 1;
        self.chunks += u64::from(chunks);
        self.reads += flight.reads;
        let (least, most) = self.body_bytes.unwrap_or((u64::MAX, 0));
        self.body_bytes = Some((least.min(flight.body_bytes), most.max(flight.body_bytes)));
        self.longest_gaps.push_duration(flight.longest_gap);
        self.first_bytes.push_duration(flight.first_byte.unwrap_or_default());
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of reads are far below 2^52")]
    /// The result line, times in milliseconds.
    #[must_use]
    pub fn result(&mut self, elapsed: Duration) -> Value {
        json!({
            "event": "result",
            "elapsed_s": elapsed.as_secs_f64(),
            "completed": self.completed,
            "failures": self.failures,
            "chunks": self.chunks,
            "reads_per_stream": self.reads as f64 / self.completed.max(1) as f64,
            "body_bytes_min": self.body_bytes.map(|(least, _)| least),
            "body_bytes_max": self.body_bytes.map(|(_, most)| most),
            "gap_ms": self.gaps.summary_ms(),
            "longest_gap_ms": self.longest_gaps.summary_ms(),
            "first_byte_ms": self.first_bytes.summary_ms(),
        })
    }
}
