//! One attempt at an endpoint, from its permit to its outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Health;
use crate::error::Error;

/// The guard of one attempt. Its first final verdict counts, and no further one. Dropped without any, the
/// attempt says nothing about the endpoint, and a probe's permit goes back: its client has left, or made a
/// mistake of its own.
#[derive(Debug)]
pub struct Pass {
    health: Arc<Health>,
    stage: Stage,
    has_answered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The outcome is one of many.
    Ordinary,
    /// The outcome decides whether the breaker closes.
    Probe,
    /// The outcome is known.
    Judged,
}

impl Pass {
    pub(super) const fn ordinary(health: Arc<Health>) -> Self {
        Self { health, stage: Stage::Ordinary, has_answered: false }
    }

    pub(super) const fn probe(health: Arc<Health>) -> Self {
        Self { health, stage: Stage::Probe, has_answered: false }
    }

    /// Whether this is the one request that an open breaker let through.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.stage == Stage::Probe
    }

    /// The first byte of an answer came after `wait`. `true` where this closed the breaker. Failures before
    /// it stay counted, because a stream may break off yet: only [`Pass::succeeded`] forgets them.
    pub fn answered(&mut self, wait: Duration, now: Instant) -> bool {
        if self.has_answered || self.stage == Stage::Judged {
            return false;
        }
        self.has_answered = true;
        self.health.waits.note(wait, now);
        let closes = self.is_probe();
        if closes {
            self.stage = Stage::Ordinary;
            self.health.locked(|inner| inner.breaker.probe_answered());
        }
        closes
    }

    /// The answer is complete.
    pub fn succeeded(&mut self, now: Instant) {
        match std::mem::replace(&mut self.stage, Stage::Judged) {
            Stage::Judged => {}
            stage => self.health.succeeded(now, stage == Stage::Probe),
        }
    }

    /// The attempt failed. `true` where this opened the breaker; a probe's failure leaves it open. An error
    /// that says nothing about the endpoint only gives a probe's permit back.
    pub fn failed(&mut self, error: &Error, now: Instant) -> bool {
        if !error.counts_against_the_endpoint() {
            self.give_back(now);
            return false;
        }
        match std::mem::replace(&mut self.stage, Stage::Judged) {
            Stage::Judged => false,
            stage => self.health.failed(error, now, stage == Stage::Probe),
        }
    }

    fn give_back(&mut self, now: Instant) {
        if std::mem::replace(&mut self.stage, Stage::Judged) == Stage::Probe {
            self.health.locked(|inner| inner.breaker.probe_abandoned(now));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.give_back(Instant::now());
    }
}
