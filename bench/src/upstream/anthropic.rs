//! Messages as Anthropic writes them.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/streaming>

use super::answers::{filled_up, framed, numbered_text};
use super::plan::StreamPlan;

const IDENTITY: &str = r#""id":"msg_bench","type":"message","role":"assistant","model":"bench""#;

/// A whole answer.
pub(super) fn message() -> String {
    filled_up(|text| {
        format!(
            r#"{{{IDENTITY},"content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":100,"output_tokens":200}}}}"#
        )
    })
}

/// What goes before the first chunk of a stream, framed.
pub(super) fn opening() -> Vec<u8> {
    let start = format!(
        r#""message":{{{IDENTITY},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":11,"output_tokens":1}}}}"#
    );
    let block = r#""index":0,"content_block":{"type":"text","text":""}"#;
    let events = [event("message_start", &start), event("content_block_start", block)];
    events.iter().flat_map(|event| framed(event)).collect()
}

/// A chunk of a stream.
pub(super) fn content_event() -> String {
    let text = numbered_text();
    let delta = format!(r#""index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#);
    event("content_block_delta", &delta)
}

/// Appends the end of the text, usage and why the answer ended, the end of the message.
pub(super) fn push_end(out: &mut Vec<u8>, plan: &StreamPlan) {
    let chunks = plan.chunks;
    let delta = format!(
        r#""delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{chunks}}}"#
    );
    out.extend(framed(&event("content_block_stop", r#""index":0"#)));
    out.extend(framed(&event("message_delta", &delta)));
    out.extend(framed("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

fn event(name: &str, members: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\",{members}}}\n\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_events_of_a_stream_come_in_the_order_that_is_documented() {
        let plan = StreamPlan { chunks: 1, interval: Duration::ZERO, usage: false };
        let mut out = opening();
        out.extend(framed(&content_event()));
        push_end(&mut out, &plan);
        let text = String::from_utf8(out).unwrap_or_default();
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        let expected = [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(names, expected);
    }
}
