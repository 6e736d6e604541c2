//! One log line, member by member.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Rfc3339};

use crate::config::settings::LogFormat;

/// A line that is being written.
pub struct Line {
    text: String,
    json: bool,
}

impl Line {
    /// Time, level and target.
    pub fn begin(format: LogFormat, target: &str) -> Self {
        let json = format == LogFormat::Json;
        let mut text = String::with_capacity(640);
        text.push_str(if json { "{\"timestamp\":\"" } else { "" });
        push_now(&mut text);
        text.push_str(if json { "\",\"level\":\"INFO\",\"target\":\"" } else { "  INFO " });
        text.push_str(target);
        text.push_str(if json { "\"" } else { ":" });
        Self { text, json }
    }

    /// The whole line.
    pub fn end(mut self) -> String {
        self.text.push_str(if self.json { "}\n" } else { "\n" });
        self.text
    }

    fn name(&mut self, name: &str) {
        if self.json {
            self.text.push_str(",\"");
            self.text.push_str(name);
            self.text.push_str("\":");
        } else {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push('=');
        }
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        let plain = !value.is_empty() && value.bytes().all(is_plain);
        if !plain {
            // As JSON in both forms: one line, whatever is in it.
            self.text.push_str(&serde_json::Value::from(value).to_string());
        } else if self.json {
            self.text.push('"');
            self.text.push_str(value);
            self.text.push('"');
        } else {
            self.text.push_str(value);
        }
    }

    /// A member that is left out where it is not known.
    pub fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member that is a whole number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
    }

    /// A member with three decimals, left out where it is not known.
    pub fn optional_decimal(&mut self, name: &str, value: Option<f64>) {
        let Some(value) = value else { return };
        self.name(name);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "durations, far below the limit"
        )]
        let thousandths = (value * 1000.0).round() as u64;
        self.text.push_str(itoa::Buffer::new().format(thousandths / 1000));
        self.text.push('.');
        push_padded(&mut self.text, thousandths % 1000, 3);
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=')
}

fn push_padded(text: &mut String, number: u64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number);
    text.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    text.push_str(digits);
}

/// RFC 3339 in UTC with microseconds, as `tracing` writes it; the part up to the second is kept for
/// the lines of the same second.
fn push_now(text: &mut String) {
    thread_local! {
        static SECOND: RefCell<(u64, String)> = RefCell::default();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(second, prefix)| {
        if *second != now.as_secs() || prefix.is_empty() {
            *second = now.as_secs();
            prefix.clear();
            let _infallible = Rfc3339.format_time(&mut Writer::new(prefix));
            prefix.truncate("2026-01-01T00:00:00".len());
        }
        text.push_str(prefix);
    });
    text.push('.');
    push_padded(text, u64::from(now.subsec_micros()), 6);
    text.push('Z');
}
