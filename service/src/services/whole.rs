//! An answer that is not streamed: collected, checked, and read where it has to be translated.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::inspect;
use super::tap::Seen;
use crate::adapters::{self, ClientFormat, Expect};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::outbound::answer::Answer;
use crate::outbound::deadline::Deadline;

/// A whole answer larger than this is refused: it would be held in memory.
const MAX_ANSWER_BYTES: usize = 128 << 20;

/// The whole body, if the upstream goes on sending it.
///
/// # Errors
/// It breaks off, stalls, or is larger than 128 MiB.
pub async fn collect(answer: &mut Answer, endpoint: &Endpoint, deadline: Deadline) -> Result<Bytes> {
    let mut next = async || next_in_time(answer, endpoint, deadline).await;
    let Some(first) = next().await? else { return Ok(Bytes::new()) };
    let Some(second) = next().await? else { return Ok(first) };
    let mut body = BytesMut::with_capacity(2 * (first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while let Some(chunk) = next().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let message = format!("{}'s answer is larger than {MAX_ANSWER_BYTES} bytes", endpoint.name);
            return Err(Error::new(Kind::MalformedAnswer, message).with_code("answer_too_large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn next_in_time(answer: &mut Answer, endpoint: &Endpoint, deadline: Deadline) -> Result<Option<Bytes>> {
    let limit = endpoint.deadlines.idle;
    deadline.within(limit, answer.chunk(), || idle(endpoint, limit)).await?.transpose()
}

/// The upstream stopped in the middle of its answer.
pub fn idle(endpoint: &Endpoint, limit: std::time::Duration) -> Error {
    let message = format!("{} sent nothing for {} s", endpoint.name, limit.as_secs_f64());
    Error::new(Kind::UpstreamTimeout, message).with_code("idle_timeout")
}

/// A success in OpenAI's format must be a JSON object without an error in it.
///
/// # Errors
/// It is not, or has one.
pub fn check(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8]) -> Result<()> {
    if inspect::may_have_error(body)
        && let Some(error) = adapters::in_band(endpoint, body)
    {
        return Err(error);
    }
    // Without framing, a lost connection looks like an end: the JSON itself has to tell.
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let trimmed = body.trim_ascii();
    let looks_whole = trimmed.starts_with(b"{") && trimmed.ends_with(b"}");
    if looks_whole && (framed || inspect::is_object(body)) {
        return Ok(());
    }
    let message = format!("{} answered with something that is no JSON object", endpoint.name);
    Err(Error::new(Kind::MalformedAnswer, message))
}

/// What is accounted of a body that is passed on as it is.
pub fn seen(endpoint: &Endpoint, expect: &Expect, format: ClientFormat, body: &[u8]) -> Seen {
    if format != ClientFormat::Openai {
        let deltas = adapters::answer(endpoint, expect, body).unwrap_or_default();
        return Seen::of(&deltas);
    }
    let mut seen = Seen {
        tokens: inspect::whole_usage(body),
        finish_reason: inspect::finish_reason(body).map(str::to_owned),
        ..Seen::default()
    };
    seen.relayed.deltas = 1;
    if seen.tokens.is_none() {
        seen.relayed.text_bytes = inspect::text_bytes(body);
    }
    seen
}
