//! The record of one request: opened when it is admitted, written exactly once when it has ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::{Engine, ServedBy};
use super::routing::InUse;
use super::tap::Seen;
use crate::adapters::Timing;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::domain::usage::{End, Provenance, Tokens, UsageRecord, estimate_tokens, milliseconds};
use crate::error::{Blame, Error, Kind};

/// An open record. Dropped before it was closed, it says that the caller left.
pub struct Recorder {
    engine: Arc<Engine>,
    pub(super) about: About,
    first_token: Option<Duration>,
    /// What the tap saw last; counted if the record is closed by a drop.
    pub(super) seen: Seen,
    /// Whether the caller has been sent a part of the answer.
    pub(super) begun: bool,
    in_use: Option<InUse>,
    open: bool,
}

/// What is known of a request before it is answered.
pub struct About {
    pub request_id: String,
    pub operation: Operation,
    pub model: String,
    pub endpoint: Arc<Endpoint>,
    pub streamed: bool,
    pub prompt_bytes: u64,
    pub received: Instant,
    pub attempts: u32,
}

impl Recorder {
    /// Opens the record of a request.
    pub fn open(engine: Arc<Engine>, about: About) -> Self {
        Self {
            engine,
            about,
            first_token: None,
            seen: Seen::default(),
            begun: false,
            in_use: None,
            open: true,
        }
    }

    /// Notes who answers; the endpoint is in use until the record is dropped.
    pub fn served_by(&mut self, by: &ServedBy, in_use: InUse) {
        self.failed_at(by);
        self.in_use = Some(in_use);
    }

    /// Notes who failed last.
    pub fn failed_at(&mut self, by: &ServedBy) {
        self.about.endpoint = Arc::clone(&by.endpoint);
        self.about.attempts = by.attempts;
    }

    /// How long the answer took so far.
    pub fn timing(&self) -> Timing {
        let total = self.about.received.elapsed();
        Timing { first_token: self.first_token.unwrap_or(total), total }
    }

    /// Notes that text is on its way to the caller.
    pub fn token_seen(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.about.received.elapsed());
        }
    }

    /// Closes the record of an answer that is whole.
    pub fn complete(&mut self) {
        self.close(End::Complete, None);
    }

    /// Closes the record of an answer that failed or broke off.
    pub fn fail(&mut self, error: &Error) {
        if error.kind().blame() != Blame::Us {
            self.engine.observer.upstream_error(&self.about.endpoint.name, error.kind());
        }
        self.close(end_of(error.kind(), self.begun), Some(error.kind()));
    }

    fn close(&mut self, end: End, error: Option<Kind>) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        let (tokens, provenance) = self.tokens(end, error);
        if let Some(in_use) = &self.in_use {
            in_use.spent(tokens.total_tokens);
        }
        let record = UsageRecord {
            request_id: &self.about.request_id,
            operation: self.about.operation,
            model: &self.about.model,
            endpoint: &self.about.endpoint.name,
            streamed: self.about.streamed,
            end,
            error: error.map(Kind::name),
            finish_reason: self.seen.finish_reason.as_deref(),
            tokens,
            provenance,
            relayed: self.seen.relayed,
            time_to_first_token_ms: self.first_token.map(milliseconds),
            duration_ms: milliseconds(self.about.received.elapsed()),
            attempts: self.about.attempts,
        };
        for sink in &self.engine.usage {
            sink.record(&record);
        }
    }

    /// What the provider reported, or else a count of what was relayed.
    fn tokens(&self, end: End, error: Option<Kind>) -> (Tokens, Provenance) {
        if let Some(tokens) = self.seen.tokens {
            return (tokens, Provenance::Reported);
        }
        let relayed = self.seen.relayed;
        // A refusal costs nothing; an answer that was begun, or that nobody waited for, cost its prompt.
        let processed = end == End::Complete || error.is_none() || relayed.deltas > 0;
        let prompt_tokens = if processed { estimate_tokens(self.about.prompt_bytes) } else { 0 };
        // A delta is a token or more.
        let completion_tokens = relayed.deltas.max(estimate_tokens(relayed.text_bytes));
        let total_tokens = prompt_tokens + completion_tokens;
        let tokens = Tokens { prompt_tokens, completion_tokens, total_tokens, ..Tokens::default() };
        let provenance = if end == End::Complete { Provenance::Estimated } else { Provenance::Counted };
        (tokens, provenance)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close(End::Cancelled, None);
    }
}

/// An upstream that says that it failed, or never began, has failed; one that breaks off in the middle
/// was truncated.
const fn end_of(kind: Kind, begun: bool) -> End {
    match kind {
        Kind::Truncated => End::Truncated,
        Kind::MalformedAnswer | Kind::UpstreamTimeout | Kind::UpstreamDisconnected if begun => End::Truncated,
        _ => End::Failed,
    }
}
