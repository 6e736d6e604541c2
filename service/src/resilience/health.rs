//! The health of one endpoint, or of one model at an endpoint that serves many: whether it may be asked, and
//! what is told about it. One is shared by all workers.

mod pass;
mod report;
mod waits;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub use pass::Pass;
pub use report::{HealthReport, LastError, State};
use waits::Waits;

use super::breaker::{Admission, Breaker, BreakerSettings, Circuit, Recent};
use super::window::Window;
use crate::error::Error;

/// Spans of ten seconds that outcomes are remembered for: five minutes.
const SPANS: usize = 30;

/// Those of them that the breaker looks at: a minute.
const BREAKER_SPANS: u64 = 6;

/// An endpoint that succeeds less often is degraded…
const DEGRADED_BELOW: f64 = 0.9;

/// …once so many outcomes are known.
const DEGRADED_MIN_REQUESTS: u64 = 5;

/// The longest message of a last error, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// The health of one endpoint.
#[derive(Debug)]
pub struct Health {
    /// Closed, and not resting: nothing has to be looked up before a request. Written under the lock.
    is_calm: AtomicBool,
    waits: Waits,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    breaker: Breaker,
    outcomes: Window<Recent, SPANS, 10>,
    last_error: Option<(Instant, LastError)>,
    rests_until: Option<Instant>,
    openings: u64,
}

impl Health {
    /// One that nothing is known of.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        let inner = Inner {
            breaker: Breaker::new(settings),
            outcomes: Window::default(),
            last_error: None,
            rests_until: None,
            openings: 0,
        };
        Self { is_calm: AtomicBool::new(true), waits: Waits::default(), inner: Mutex::new(inner) }
    }

    /// Whether a request may go through now. Takes nothing.
    #[must_use]
    pub fn admits(&self, now: Instant) -> bool {
        self.opens_at(now).is_none()
    }

    /// When a request may go through to find out whether the endpoint is back; `None` where one may now.
    #[must_use]
    pub fn opens_at(&self, now: Instant) -> Option<Instant> {
        self.unless_calm(|inner| inner.breaker.opens_at(now))
    }

    /// Until when the endpoint asked to be left alone. It may be asked all the same: last.
    #[must_use]
    pub fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.unless_calm(|inner| {
            inner.rests_until = inner.rests_until.filter(|until| *until > now);
            inner.rests_until
        })
    }

    /// The endpoint asks to be left alone until then. An earlier wish that lasts longer still holds.
    pub fn rest(&self, until: Instant) {
        self.locked(|inner| inner.rests_until = inner.rests_until.max(Some(until)));
    }

    /// Lets a request through.
    ///
    /// # Errors
    /// When it may go through, where it may not now.
    pub fn begin(self: &Arc<Self>, now: Instant) -> Result<Pass, Instant> {
        let admitted = self.unless_calm(|inner| Some(inner.breaker.admit(now)));
        match admitted.unwrap_or(Admission::Free) {
            Admission::Free => Ok(Pass::ordinary(Arc::clone(self))),
            Admission::Probe => Ok(Pass::probe(Arc::clone(self))),
            Admission::Refused(until) => Err(until),
        }
    }

    /// Whether the breaker is open, and no request is under way to find out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_open = |inner: &mut Inner| matches!(inner.breaker.circuit(), Circuit::Open { .. });
        self.unless_calm(|inner| Some(is_open(inner))).unwrap_or(false)
    }

    /// An active probe, made while the breaker was open, found the endpoint up or down. Up: the next request
    /// may go through to find out, unless that has failed once already since the breaker opened. Down: no
    /// request need find out for a while.
    pub fn probed(&self, up: bool, now: Instant) {
        self.locked(|inner| if up { inner.breaker.found_up(now) } else { inner.breaker.found_down(now) });
    }

    /// Whether nothing is known of it: no outcome of the last five minutes, and nothing wrong.
    #[must_use]
    pub fn is_idle(&self, now: Instant) -> bool {
        let has_outcomes = |inner: &mut Inner| inner.recent(now, SPANS as u64).outcomes > 0;
        self.rests_until(now).is_none() && self.is_calm.load(Ordering::Acquire) && !self.locked(has_outcomes)
    }

    /// How often its breaker opened since the start; a failed probe does not count.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.inner.lock().openings
    }

    /// The code of the last failure, and when it was.
    #[must_use]
    pub fn last_failure(&self) -> Option<(Instant, String)> {
        self.locked(|inner| inner.last_error.as_ref().map(|(at, error)| (*at, error.code.clone())))
    }

    /// What is known at `now`.
    #[must_use]
    pub fn report(&self, now: Instant) -> HealthReport {
        self.locked(|inner| inner.report(now)).with_waits(self.waits.sorted_us(now))
    }

    /// What `ask` says; `None` where nothing is wrong, which costs no lock.
    fn unless_calm<T>(&self, ask: impl FnOnce(&mut Inner) -> Option<T>) -> Option<T> {
        if self.is_calm.load(Ordering::Acquire) {
            return None;
        }
        self.locked(ask)
    }

    fn locked<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner.lock();
        let result = change(&mut inner);
        let is_calm = inner.breaker.circuit() == Circuit::Closed && inner.rests_until.is_none();
        self.is_calm.store(is_calm, Ordering::Release);
        result
    }

    fn succeeded(&self, now: Instant, is_probe: bool) {
        self.locked(|inner| {
            inner.outcomes.current(now).outcomes += 1;
            if is_probe {
                inner.breaker.probe_answered();
            }
            inner.breaker.succeeded(now);
        });
    }

    fn failed(&self, error: &Error, now: Instant, is_probe: bool) -> bool {
        self.locked(|inner| {
            let opened = inner.failed(now, is_probe);
            inner.openings += u64::from(opened);
            inner.last_error = Some((now, last_error(error)));
            opened
        })
    }
}

impl Inner {
    fn failed(&mut self, now: Instant, is_probe: bool) -> bool {
        let current = self.outcomes.current(now);
        current.outcomes += 1;
        current.failures += 1;
        if is_probe {
            self.breaker.probe_failed(now, fastrand::f64());
            return false;
        }
        let recent = self.recent(now, BREAKER_SPANS);
        self.breaker.failed(now, recent, fastrand::f64())
    }

    fn recent(&self, now: Instant, spans: u64) -> Recent {
        self.outcomes.last(now, spans).fold(Recent::default(), |sum, span| Recent {
            outcomes: sum.outcomes + span.outcomes,
            failures: sum.failures + span.failures,
        })
    }

    fn report(&mut self, now: Instant) -> HealthReport {
        self.rests_until = self.rests_until.filter(|until| *until > now);
        let recent = self.recent(now, SPANS as u64);
        let (since, until) = match self.breaker.circuit() {
            Circuit::Closed => (None, None),
            Circuit::Open { since, until, .. } => (Some(since), Some(until)),
            Circuit::Probing { since, .. } => (Some(since), None),
        };
        let ago = |then: Instant| now.saturating_duration_since(then);
        let last_error = self.last_error.as_ref();
        let known = HealthReport {
            requests: recent.outcomes,
            failures: recent.failures,
            consecutive_failures: self.breaker.consecutive_failures(),
            last_error: last_error.map(|(at, error)| LastError { ago: ago(*at), ..error.clone() }),
            open_for: since.map(ago),
            probes_in: until.map(|until| until.saturating_duration_since(now)),
            rests_for: self.rests_until.map(|until| until.saturating_duration_since(now)),
            openings: self.openings,
            ..HealthReport::unknown()
        };
        let known = known.with_rate();
        HealthReport { state: self.state(&known), ..known }
    }

    fn state(&self, known: &HealthReport) -> State {
        let fails_often = known.requests >= DEGRADED_MIN_REQUESTS && known.success_rate < DEGRADED_BELOW;
        match self.breaker.circuit() {
            Circuit::Open { .. } => State::Open,
            Circuit::Probing { .. } => State::Probing,
            Circuit::Closed if known.consecutive_failures > 0 || fails_often || known.rests_for.is_some() => {
                State::Degraded
            }
            Circuit::Closed => State::Healthy,
        }
    }
}

pub(super) fn last_error(error: &Error) -> LastError {
    let message = error.message().chars().take(MAX_MESSAGE_CHARS).collect();
    LastError { code: error.code().to_owned(), message, ago: Duration::ZERO }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
