//! The tap: what passes through a relayed stream, seen event by event, parsed only where it must be.

use bytes::{Bytes, BytesMut};

use super::inspect::{self, Accounted};
use crate::adapters::in_band;
use crate::domain::delta::Delta;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::{Relayed, Tokens};
use crate::error::{Error, Kind};
use crate::wire::sse::{self, Event};

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Token counts, where the provider reported them.
    pub tokens: Option<Tokens>,
    /// The finish reason, where one came.
    pub finish_reason: Option<String>,
    /// What the caller was sent.
    pub relayed: Relayed,
    /// Whether anything else was said than text: a refusal, a sound, a call without arguments.
    pub says_more: bool,
}

impl Seen {
    /// Whether the answer has begun: a role alone says nothing yet.
    pub const fn has_begun(&self) -> bool {
        self.relayed.deltas > 0 || self.says_more
    }

    /// What is accounted of a whole answer's deltas.
    pub fn of(deltas: &[Delta]) -> Self {
        let mut seen = Self::default();
        seen.add(deltas);
        seen.relayed.deltas = 1;
        seen
    }

    /// What is accounted of an answer that has no text.
    pub fn of_tokens(tokens: Option<Tokens>) -> Self {
        Self { tokens, relayed: Relayed { deltas: 1, text_bytes: 0 }, ..Self::default() }
    }

    /// Adds what these deltas say.
    pub fn add(&mut self, deltas: &[Delta]) {
        for delta in deltas {
            let text = match delta {
                Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => {
                    text
                }
                Delta::Arguments { json, .. } => json,
                Delta::Finish { reason, .. } => {
                    self.finish_reason.get_or_insert_with(|| reason.name().to_owned());
                    continue;
                }
                Delta::Usage(tokens) => {
                    self.tokens = Some(*tokens);
                    continue;
                }
                _ => continue,
            };
            self.relayed.deltas += u64::from(!text.is_empty());
            self.relayed.text_bytes += text.len() as u64;
        }
    }
}

/// Whether the caller asked for the event that holds the usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageEvent {
    /// It is passed on.
    Wanted,
    /// It was asked for by us, and stays with us.
    Hidden,
}

/// What to do with one event.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Forward,
    Hide,
    Done,
    Fail(Error),
}

/// The events to pass on, and whether the stream ended among them.
#[derive(Debug)]
pub struct Passed {
    /// Whole events; the buffer that came in, where all of it goes on.
    pub forward: Bytes,
    /// How the stream ended, if it did: `Ok` is `[DONE]`, which is among the forwarded events.
    pub end: Option<Result<(), Error>>,
}

impl Passed {
    /// Nothing goes on yet.
    pub const fn nothing() -> Self {
        Self { forward: Bytes::new(), end: None }
    }

    /// This, and behind it what came next.
    pub fn and(self, next: Self) -> Self {
        Self { forward: joined(self.forward, next.forward), end: next.end }
    }

    /// These bytes are the last ones.
    pub const fn complete(last: &'static [u8]) -> Self {
        Self { forward: Bytes::from_static(last), end: Some(Ok(())) }
    }

    /// The stream has failed.
    pub const fn failed(error: Error) -> Self {
        Self { forward: Bytes::new(), end: Some(Err(error)) }
    }
}

/// Both, copied only where there are both.
pub fn joined(first: Bytes, then: Bytes) -> Bytes {
    match (first.is_empty(), then.is_empty()) {
        (true, _) => then,
        (_, true) => first,
        _ => [first, then].concat().into(),
    }
}

/// Watches one OpenAI-format stream.
#[derive(Debug)]
pub struct Tap {
    usage_event: UsageEvent,
    /// What was seen so far.
    pub seen: Seen,
}

impl Tap {
    /// A tap for a stream that begins.
    pub fn new(usage_event: UsageEvent) -> Self {
        Self { usage_event, seen: Seen::default() }
    }

    /// Looks at whole events, as the splitter cuts them.
    pub fn pass(&mut self, endpoint: &Endpoint, whole: Bytes) -> Passed {
        let mut kept: Option<BytesMut> = None;
        let mut at = 0;
        let mut end = None;
        for event in sse::events(&whole) {
            match self.judge(endpoint, event) {
                Verdict::Forward => {
                    if let Some(kept) = &mut kept {
                        kept.extend_from_slice(event);
                    }
                    at += event.len();
                    continue;
                }
                Verdict::Hide => {
                    kept.get_or_insert_with(|| BytesMut::from(&whole[..at]));
                    at += event.len();
                    continue;
                }
                Verdict::Done => {
                    if let Some(kept) = &mut kept {
                        kept.extend_from_slice(event);
                    }
                    at += event.len();
                    end = Some(Ok(()));
                }
                Verdict::Fail(error) => end = Some(Err(error)),
            }
            break;
        }
        let forward = kept.map_or_else(|| whole.slice(..at), BytesMut::freeze);
        Passed { forward, end }
    }

    fn judge(&mut self, endpoint: &Endpoint, event: &[u8]) -> Verdict {
        match plain_payload(event) {
            Some(payload) => self.judge_json(endpoint, payload),
            None => self.judge_slowly(endpoint, event),
        }
    }

    fn judge_slowly(&mut self, endpoint: &Endpoint, event: &[u8]) -> Verdict {
        match sse::parse(event) {
            Event::Nothing => Verdict::Forward,
            Event::Malformed => Verdict::Fail(malformed(endpoint, "a line that is no Server-Sent Event")),
            Event::Data { data, .. } if sse::is_done(&data) => Verdict::Done,
            Event::Data { name: Some(b"error"), data } => {
                let error = in_band(endpoint, &data);
                Verdict::Fail(error.unwrap_or_else(|| {
                    let message = format!("{} reported an error in the middle of its answer", endpoint.name);
                    Error::new(Kind::UpstreamFailure, message)
                }))
            }
            Event::Data { data, .. } => self.judge_json(endpoint, &data),
        }
    }

    fn judge_json(&mut self, endpoint: &Endpoint, json: &[u8]) -> Verdict {
        if !inspect::is_object(json) {
            return Verdict::Fail(malformed(endpoint, "an event whose data is no JSON object"));
        }
        if inspect::may_have_error(json)
            && let Some(error) = in_band(endpoint, json)
        {
            return Verdict::Fail(error);
        }
        if let Some(reason) = inspect::finish_reason(json)
            && self.seen.finish_reason.is_none()
        {
            self.seen.finish_reason = Some(reason.to_owned());
        }
        let text_bytes = inspect::text_bytes(json);
        self.seen.relayed.text_bytes += text_bytes;
        self.seen.relayed.deltas += u64::from(text_bytes > 0);
        if !self.seen.has_begun() {
            let chunk = serde_json::from_slice::<Accounted<'_>>(json);
            self.seen.says_more = chunk.is_ok_and(|chunk| !chunk.says_nothing());
        }
        if inspect::may_have_usage(json) { self.judge_usage(json) } else { Verdict::Forward }
    }

    fn judge_usage(&mut self, json: &[u8]) -> Verdict {
        let Ok(chunk) = serde_json::from_slice::<Accounted<'_>>(json) else {
            return Verdict::Forward;
        };
        // Some providers count on: every chunk has the usage so far, and the last one counts.
        self.seen.tokens = chunk.usage.or(self.seen.tokens);
        let hidden = self.usage_event == UsageEvent::Hidden && chunk.usage.is_some() && chunk.says_nothing();
        if hidden { Verdict::Hide } else { Verdict::Forward }
    }
}

/// The payload of an event that is one `data: {…}` line, as nearly all are; `None` for every other event.
fn plain_payload(event: &[u8]) -> Option<&[u8]> {
    let line = event.strip_suffix(b"\n\n")?;
    let payload = line.strip_prefix(b"data:")?;
    let payload = payload.strip_prefix(b" ").unwrap_or(payload);
    let is_plain = payload.first() == Some(&b'{') && memchr::memchr2(b'\n', b'\r', payload).is_none();
    is_plain.then_some(payload)
}

fn malformed(endpoint: &Endpoint, what: &str) -> Error {
    Error::new(Kind::MalformedAnswer, format!("{} broke its stream: {what}", endpoint.name))
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
