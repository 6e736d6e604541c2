//! Records as log lines, in the form of all other lines.
//!
//! They are written here and not by `tracing` or serde: a relayed request has two of them, and with
//! those they took a fifth of its time.

mod line;

use std::sync::Arc;

use crate::config::settings::LogFormat;
use crate::domain::access::AccessRecord;
use crate::domain::usage::{Tokens, UsageRecord};
use crate::ports::{AccessSink, LineSink, UsageSink};
use line::Line;

/// Writes a line a record.
pub struct RecordLog {
    format: LogFormat,
    lines: Arc<dyn LineSink>,
}

impl RecordLog {
    /// Writes to `lines` in `format`.
    pub fn new(format: LogFormat, lines: Arc<dyn LineSink>) -> Self {
        Self { format, lines }
    }

    fn write(&self, target: &str, members: impl FnOnce(&mut Line)) {
        let mut line = Line::begin(self.format, target);
        members(&mut line);
        self.lines.write_line(line.end().as_bytes());
    }
}

impl UsageSink for RecordLog {
    fn record(&self, record: &UsageRecord<'_>) {
        self.write("usage", |line| {
            line.text("request_id", record.request_id);
            line.text("operation", record.operation.name());
            line.text("model", record.model);
            line.text("endpoint", record.endpoint);
            line.flag("streamed", record.streamed);
            line.text("end", record.end.name());
            line.optional_text("error", record.error);
            line.optional_text("finish_reason", record.finish_reason);
            tokens(line, &record.tokens);
            line.text("provenance", record.provenance.name());
            line.number("relayed_deltas", record.relayed.deltas);
            line.number("relayed_text_bytes", record.relayed.text_bytes);
            line.optional_decimal("time_to_first_token_ms", record.time_to_first_token_ms);
            line.optional_decimal("duration_ms", Some(record.duration_ms));
            line.number("attempts", u64::from(record.attempts));
        });
    }
}

fn tokens(line: &mut Line, tokens: &Tokens) {
    line.number("prompt_tokens", tokens.prompt_tokens);
    line.number("completion_tokens", tokens.completion_tokens);
    line.number("total_tokens", tokens.total_tokens);
    line.number("cached_tokens", tokens.prompt_tokens_details.cached_tokens);
    line.number("reasoning_tokens", tokens.completion_tokens_details.reasoning_tokens);
}

impl AccessSink for RecordLog {
    fn access(&self, record: &AccessRecord<'_>) {
        self.write("access", |line| {
            line.text("request_id", record.request_id);
            line.text("method", record.method);
            line.text("path", record.path);
            line.number("status", u64::from(record.status));
            line.optional_decimal("duration_ms", Some(record.duration_ms));
            if let Some(peer) = record.peer {
                line.text("peer", &peer.to_string());
            }
            line.flag("finished", record.finished);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Lines(Mutex<String>);

    impl LineSink for Lines {
        fn write_line(&self, line: &[u8]) {
            self.0.lock().push_str(&String::from_utf8_lossy(line));
        }
    }

    fn line(format: LogFormat) -> String {
        let lines = Arc::new(Lines::default());
        let log = RecordLog::new(format, Arc::clone(&lines) as Arc<dyn LineSink>);
        log.access(&AccessRecord {
            request_id: "r-1",
            method: "GET",
            path: "/a b\n\u{1}\"é",
            route: "unmatched",
            status: 404,
            duration_ms: 0.25,
            peer: None,
            finished: true,
        });
        lines.0.lock().clone()
    }

    #[test]
    fn a_json_line_is_one_json_object() {
        let line = line(LogFormat::Json);
        let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line.lines().count(), 1);
        assert_eq!(
            (&json["target"], &json["status"], &json["duration_ms"]),
            (&"access".into(), &404.into(), &0.25.into())
        );
        assert_eq!((&json["path"], &json["finished"]), (&"/a b\n\u{1}\"é".into(), &true.into()));
    }

    #[test]
    fn a_text_line_is_one_line_whatever_the_path() {
        let line = line(LogFormat::Text);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("  INFO access: request_id=r-1 method=GET path=\"/a b\\n"), "{line}");
        assert!(line.ends_with(" status=404 duration_ms=0.250 finished=true\n"), "{line}");
    }
}
