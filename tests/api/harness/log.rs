//! The lines that the service under test writes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use llm_proxy::telemetry::Log;
use serde_json::Value;

/// Keeps what is written to it. Clones keep the same.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log, and all that was written to it.
#[derive(Clone)]
pub struct Lines {
    kept: Kept,
    pub log: Log,
}

impl Lines {
    pub fn start() -> Self {
        let kept = Kept::default();
        let log = Log::start(kept.clone()).unwrap();
        Self { kept, log }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.log.flush();
        String::from_utf8(self.kept.0.lock().unwrap().clone()).unwrap()
    }

    /// The records of a target: `usage` or `access`.
    pub fn records(&self, target: &str) -> Vec<Value> {
        let text = self.text();
        let lines =
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
        lines.filter(|record: &Value| record["target"] == target).collect()
    }
}
