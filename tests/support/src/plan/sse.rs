//! Events as bytes: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use crate::behaviour::{LineEnd, SseFraming};

/// One event, with its comment before it and the empty line after it.
pub(super) fn event(framing: &SseFraming, name: Option<&str>, data: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    if let Some(comment) = &framing.comment {
        lines.extend([format!(": {comment}"), String::new()]);
    }
    lines.extend(name.map(|name| field(framing, "event", name)));
    let data = if framing.multi_line { spread(data) } else { data.to_owned() };
    lines.extend(data.split('\n').map(|line| field(framing, "data", line)));
    lines.push(String::new());
    let end = line_end(framing);
    lines.into_iter().map(|line| line + end).collect::<String>().into_bytes()
}

/// `[DONE]` at the end and the byte order mark at the start, if there shall be any.
pub(super) fn finish(framing: &SseFraming, mut events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if framing.done {
        events.push(event(&SseFraming { comment: None, ..framing.clone() }, None, "[DONE]"));
    }
    if let (true, Some(first)) = (framing.bom, events.first_mut()) {
        first.splice(0..0, "\u{feff}".bytes());
    }
    events
}

fn field(framing: &SseFraming, name: &str, value: &str) -> String {
    let space = if framing.space { " " } else { "" };
    format!("{name}:{space}{value}")
}

/// An object over three lines; JSON allows white space inside the braces.
fn spread(data: &str) -> String {
    let inner = data.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.map_or_else(|| data.to_owned(), |inner| format!("{{\n{inner}\n}}"))
}

fn line_end(framing: &SseFraming) -> &'static str {
    match framing.line_end {
        LineEnd::Lf => "\n",
        LineEnd::Crlf => "\r\n",
        LineEnd::Cr => "\r",
    }
}
