//! The record of one request: opened when it is admitted, written exactly once when it has ended.

use std::sync::Arc;
use std::time::Duration;

use super::completion::{Engine, ServedBy};
use super::in_use::InUse;
use super::request::{Progress, Request};
use super::tap::Seen;
use crate::adapters::Timing;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::{End, Provenance, Tokens, UsageRecord, estimate_tokens, milliseconds};
use crate::error::{Blame, Error, Kind};

/// An open record. Dropped before it was closed, it says that the caller left.
pub struct Recorder {
    engine: Arc<Engine>,
    pub(super) request: Arc<Request>,
    /// Who answers, or failed last; the first of the route until that is known.
    endpoint: Arc<Endpoint>,
    /// Upstream calls made, once that is known.
    attempts: Option<u32>,
    first_token: Option<Duration>,
    /// What the tap saw last; counted if the record is closed by a drop.
    pub(super) seen: Seen,
    /// Whether the caller has been sent a part of the answer.
    pub(super) begun: bool,
    in_use: Option<InUse>,
    open: bool,
}

impl Recorder {
    /// Opens the record of a request.
    pub fn open(engine: Arc<Engine>, request: Arc<Request>) -> Self {
        let endpoint = request.progress().endpoint;
        Self {
            engine,
            request,
            endpoint,
            attempts: None,
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
        self.endpoint = Arc::clone(&by.endpoint);
        self.attempts = Some(by.attempts);
    }

    /// Who answers, or failed last; the first of the route until that is known.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The open record, for somebody else to close: this one says nothing any more.
    pub fn hand_over(&mut self) -> Self {
        let open = std::mem::replace(&mut self.open, false);
        Self {
            engine: Arc::clone(&self.engine),
            request: Arc::clone(&self.request),
            endpoint: Arc::clone(&self.endpoint),
            attempts: self.attempts,
            first_token: self.first_token,
            seen: std::mem::take(&mut self.seen),
            begun: self.begun,
            in_use: self.in_use.take(),
            open,
        }
    }

    /// How long the answer took so far.
    pub fn timing(&self) -> Timing {
        let total = self.request.asked.received.elapsed();
        Timing { first_token: self.first_token.unwrap_or(total), total }
    }

    /// Notes that text is on its way to the caller.
    pub fn token_seen(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.request.asked.received.elapsed());
        }
    }

    /// Closes the record of an answer that is whole.
    pub fn complete(&mut self) {
        self.close(End::Complete, None);
    }

    /// Closes the record of an answer that failed or broke off.
    pub fn fail(&mut self, error: &Error) {
        // What failed before an answer began was counted when it did.
        if let Some(in_use) = &mut self.in_use {
            in_use.failed(error);
            if error.kind().blame() != Blame::Us {
                self.engine.observer.upstream_error(&self.endpoint.name, error.kind());
            }
        }
        self.close(end_of(error.kind(), self.begun), Some(error.kind()));
    }

    fn close(&mut self, end: End, error: Option<Kind>) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        // Closed while the attempts go on: whoever is being asked.
        let Progress { endpoint, calls } = match self.attempts {
            Some(calls) => Progress { endpoint: Arc::clone(&self.endpoint), calls },
            None => self.request.progress(),
        };
        let (tokens, provenance) = self.tokens(end, error, calls);
        if let Some(in_use) = &mut self.in_use {
            in_use.spent(tokens.total_tokens);
            if end == End::Complete {
                in_use.succeeded();
            }
        }
        let Request { asked, envelope, model, .. } = &*self.request;
        let record = UsageRecord {
            request_id: &asked.request_id,
            operation: asked.operation,
            model,
            endpoint: &endpoint.name,
            streamed: envelope.stream,
            end,
            error: error.map(Kind::name),
            finish_reason: self.seen.finish_reason.as_deref(),
            tokens,
            provenance,
            relayed: self.seen.relayed,
            time_to_first_token_ms: self.first_token.map(milliseconds),
            duration_ms: milliseconds(asked.received.elapsed()),
            attempts: calls,
        };
        for sink in &self.engine.usage {
            sink.record(&record);
        }
    }

    /// What the provider reported, or else a count of what was relayed.
    fn tokens(&self, end: End, error: Option<Kind>, calls: u32) -> (Tokens, Provenance) {
        if let Some(tokens) = self.seen.tokens {
            return (tokens, Provenance::Reported);
        }
        let relayed = self.seen.relayed;
        // A refusal costs nothing, nor does what nobody was asked; an answer that was begun, or that nobody
        // waited for, cost its prompt.
        let processed = calls > 0 && (end == End::Complete || error.is_none() || relayed.deltas > 0);
        let prompt_tokens = if processed { estimate_tokens(self.request.envelope.prompt_bytes) } else { 0 };
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
