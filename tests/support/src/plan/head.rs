//! The response's head, and whether the connection outlives the response.

use std::fmt::Write;
use std::time::Duration;

use super::Step;
use super::content::Content;
use crate::behaviour::{Behaviour, Encoding, Framing, Persistence};
use crate::record::RecordedRequest;

/// Informational heads, then the delay.
pub(super) fn before(behaviour: &Behaviour) -> Vec<Step> {
    let statuses = behaviour.informational.iter();
    let heads = statuses.map(|&status| format!("HTTP/1.1 {status} {}\r\n\r\n", reason(status)));
    let mut steps: Vec<_> = heads.map(|head| Step::Write(head.into_bytes())).collect();
    if behaviour.delay_ms > 0 {
        steps.push(Step::Pause(Duration::from_millis(behaviour.delay_ms)));
    }
    steps
}

pub(super) fn head(
    behaviour: &Behaviour,
    content: &Content,
    framing: Framing,
    body_length: usize,
    keeps_connection: bool,
) -> Vec<u8> {
    let own = &behaviour.head.headers;
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let status = content.status;
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    let computed = computed(behaviour, content, framing, body_length, keeps_connection);
    let computed = computed.iter().filter(|(name, _)| !is_own(name));
    let own = own.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in computed.map(|(name, value)| (*name, value)).chain(own) {
        let written = write!(head, "{name}: {value}\r\n");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn computed(
    behaviour: &Behaviour,
    content: &Content,
    framing: Framing,
    body_length: usize,
    keeps_connection: bool,
) -> Vec<(&'static str, String)> {
    let content_type = behaviour.head.content_type.as_deref().unwrap_or(content.content_type);
    let mut headers = Vec::new();
    if !matches!(content.status, 204 | 304) {
        if !content_type.is_empty() {
            headers.push(("content-type", content_type.to_owned()));
        }
        if content.is_gzip || behaviour.head.encoding == Encoding::Gzip {
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        headers.extend(framing_header(framing, body_length));
    }
    match behaviour.head.connection {
        Persistence::KeepAlive => headers.push(("connection", "keep-alive".to_owned())),
        _ if keeps_connection || is_unannounced(framing) => {}
        _ => headers.push(("connection", "close".to_owned())),
    }
    headers
}

fn framing_header(framing: Framing, body_length: usize) -> Option<(&'static str, String)> {
    match framing {
        Framing::Auto | Framing::ContentLength => Some(("content-length", body_length.to_string())),
        Framing::ContentLengthOffBy(more) => {
            let declared = (body_length as i64).saturating_add(more).max(0);
            Some(("content-length", declared.to_string()))
        }
        Framing::Chunked => Some(("transfer-encoding", "chunked".to_owned())),
        Framing::CloseDelimited => None,
    }
}

/// A body that turns out too short looks like a crash, which nobody announces.
fn is_unannounced(framing: Framing) -> bool {
    matches!(framing, Framing::ContentLengthOffBy(more) if more > 0)
}

pub(super) fn keeps_connection(behaviour: &Behaviour, request: &RecordedRequest, framing: Framing) -> bool {
    let ends = framing == Framing::CloseDelimited || is_unannounced(framing);
    let says = |token: &str| {
        let values = request.headers("connection");
        values.flat_map(|value| value.split(',')).any(|said| said.trim().eq_ignore_ascii_case(token))
    };
    let wanted = match behaviour.head.connection {
        Persistence::KeepAlive => true,
        Persistence::Close => false,
        Persistence::Auto if request.minor_version == 0 => says("keep-alive"),
        Persistence::Auto => !says("close"),
    };
    wanted && !ends && request.body_complete
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        103 => "Early Hints",
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
