//! What a request body asks for, found by scanning: no JSON is parsed.
//!
//! The model name carries the shape of the stream, because every proxy passes it on and those
//! that must know their models can list it: `bench-stream-100-20` is 100 chunks, one every 20 ms.
//! Something may stand before it: proxies look for a model's version in its name.

use std::time::Duration;

use memchr::memmem;

/// The answer that a body asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// One JSON document.
    Whole,
    /// Server-sent events.
    Stream(StreamPlan),
}

/// The shape of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPlan {
    /// Content chunks, the finishing ones not counted.
    pub chunks: u32,
    /// Time from one chunk to the next.
    pub interval: Duration,
    /// Whether `stream_options.include_usage` was asked for.
    pub usage: bool,
}

/// When the model name says nothing: a short stream for trying things out.
const DEFAULT: StreamPlan = StreamPlan { chunks: 10, interval: Duration::from_millis(20), usage: false };

impl Plan {
    /// Reads the plan from a request body. A key inside a JSON string is escaped and so never
    /// mistaken for one of ours.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        if !value_of(body, b"\"stream\"").is_some_and(|value| value.starts_with(b"true")) {
            return Self::Whole;
        }
        let usage = value_of(body, b"\"include_usage\"").is_some_and(|v| v.starts_with(b"true"));
        let named = value_of(body, b"\"model\"").and_then(stream_of_model).unwrap_or(DEFAULT);
        Self::Stream(StreamPlan { usage, ..named })
    }
}

/// What follows `key` and its colon.
fn value_of<'a>(body: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let after = &body[memmem::find(body, key)? + key.len()..];
    after.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

/// `"…bench-stream-<chunks>-<interval ms>"`, quotes included.
fn stream_of_model(value: &[u8]) -> Option<StreamPlan> {
    let name = value.strip_prefix(b"\"")?;
    let name = std::str::from_utf8(&name[..memchr::memchr(b'"', name)?]).ok()?;
    let (_, shape) = name.split_once("bench-stream-")?;
    let (chunks, interval_ms) = shape.split_once('-')?;
    Some(StreamPlan {
        chunks: chunks.parse().ok()?,
        interval: Duration::from_millis(interval_ms.parse().ok()?),
        usage: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_stream_is_answered_whole() {
        assert_eq!(Plan::of(br#"{"model":"bench","messages":[]}"#), Plan::Whole);
        assert_eq!(Plan::of(br#"{"model":"bench","stream" : false}"#), Plan::Whole);
    }

    #[test]
    fn the_model_name_shapes_the_stream() {
        for name in ["bench-stream-40-200", "claude-sonnet-4-5-bench-stream-40-200"] {
            let body = format!(
                r#"{{"stream": true, "model" : "{name}", "stream_options": {{"include_usage": true}}}}"#
            );
            let plan = StreamPlan { chunks: 40, interval: Duration::from_millis(200), usage: true };
            assert_eq!(Plan::of(body.as_bytes()), Plan::Stream(plan), "{name}");
        }
    }

    #[test]
    fn a_key_inside_a_string_is_not_a_key() {
        let body = br#"{"content":"say \"stream\": true","model":"bench"}"#;
        assert_eq!(Plan::of(body), Plan::Whole);
    }
}
