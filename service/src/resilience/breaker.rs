//! A circuit breaker: who has failed again and again is left alone for a while, then asked once.
//! Source: <https://martinfowler.com/bliki/CircuitBreaker.html>

use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open it.
    pub failures: u32,
    /// How long it stays open at first.
    pub open: Duration,
}

/// Half of so many recent outcomes have to be failures for them to open it without being consecutive.
const MIN_OUTCOMES: u64 = 20;

/// The longest it stays open, in first times.
const MAX_OPEN_FACTOR: u32 = 10;

/// By how much an open time is lengthened at most: breakers that opened together probe apart.
const JITTER: f64 = 0.1;

/// How soon to ask again while a probe is under way.
const PROBE_UNDER_WAY: Duration = Duration::from_secs(1);

/// The outcomes of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// All of them.
    pub outcomes: u64,
    /// Those that failed.
    pub failures: u64,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Every request goes through.
    Closed,
    /// No request goes through until then; the first one after that is the probe.
    Open {
        /// Since then.
        since: Instant,
        /// Until then.
        until: Instant,
        /// Whether an active probe has cut the time short.
        shortened: bool,
    },
    /// One request is under way to find out; all others are held back.
    Probing {
        /// Open since then.
        since: Instant,
        /// Whether it could set out before its time, because of an active probe.
        shortened: bool,
    },
}

/// The breaker of one endpoint.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    circuit: Circuit,
    consecutive_failures: u32,
    lately: Lately,
    /// How often it opened without a success in between.
    openings_in_a_row: u32,
    /// An active probe said that the endpoint is back, and a request found that it is not.
    misled: bool,
}

/// The last outcomes, as far as they are known.
///
/// Of many requests that fail now and then, three in a row fail soon by chance: at 100 requests a second of which
/// 15 in 100 fail, every three seconds. Leaving such an endpoint alone loses more than it saves.
#[derive(Clone, Copy, Debug)]
struct Lately {
    /// One a bit, the newest one last; 1 is a failure.
    outcomes: u64,
    known: u32,
    newest: Option<Instant>,
}

/// Older outcomes say nothing any more.
const LATELY: Duration = Duration::from_secs(60);

impl Lately {
    const NOTHING: Self = Self { outcomes: 0, known: 0, newest: None };

    fn add(&mut self, failed: bool, now: Instant) {
        if self.newest.is_some_and(|newest| now.saturating_duration_since(newest) > LATELY) {
            *self = Self::NOTHING;
        }
        self.outcomes = self.outcomes << 1 | u64::from(failed);
        self.known = (self.known + 1).min(u64::BITS);
        self.newest = Some(now);
    }

    const fn mostly_failed(self) -> bool {
        self.outcomes.count_ones() * 2 >= self.known
    }
}

/// What a request gets that asks to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may go through.
    Free,
    /// It may go through, and its outcome decides.
    Probe,
    /// It may not, before then.
    Refused(Instant),
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(settings: BreakerSettings) -> Self {
        let circuit = Circuit::Closed;
        let lately = Lately::NOTHING;
        Self { settings, circuit, consecutive_failures: 0, lately, openings_in_a_row: 0, misled: false }
    }

    /// Where it stands.
    #[must_use]
    pub const fn circuit(&self) -> Circuit {
        self.circuit
    }

    /// Failures since the last success.
    #[must_use]
    pub const fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// When a request may go through that may not do so now.
    #[must_use]
    pub fn opens_at(&self, now: Instant) -> Option<Instant> {
        match self.circuit {
            Circuit::Closed => None,
            Circuit::Open { until, .. } => Some(until).filter(|until| *until > now),
            Circuit::Probing { .. } => Some(after(now, PROBE_UNDER_WAY)),
        }
    }

    /// Lets a request through or not; one that is let through an open breaker is the probe.
    pub fn admit(&mut self, now: Instant) -> Admission {
        if let Some(at) = self.opens_at(now) {
            return Admission::Refused(at);
        }
        match self.circuit {
            Circuit::Open { since, shortened, .. } => {
                self.circuit = Circuit::Probing { since, shortened };
                Admission::Probe
            }
            _ => Admission::Free,
        }
    }

    /// The probe got an answer. What failed before stays counted: an answer may break off yet.
    pub const fn probe_answered(&mut self) {
        self.circuit = Circuit::Closed;
    }

    /// The probe came to nothing: the next request may be the probe.
    pub const fn probe_abandoned(&mut self, now: Instant) {
        if let Circuit::Probing { since, shortened } = self.circuit {
            self.circuit = Circuit::Open { since, until: now, shortened };
        }
    }

    /// The probe failed; `random` is from 0 to 1.
    pub fn probe_failed(&mut self, now: Instant, random: f64) {
        self.misled |= matches!(self.circuit, Circuit::Probing { shortened: true, .. });
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        self.open(now, random);
    }

    /// A request succeeded. One that set out before the breaker opened does not close it.
    pub fn succeeded(&mut self, now: Instant) {
        self.lately.add(false, now);
        if matches!(self.circuit, Circuit::Closed) {
            self.consecutive_failures = 0;
            self.openings_in_a_row = 0;
            self.misled = false;
        }
    }

    /// A request failed that is not the probe; `recent` counts it already, `random` is from 0 to 1. `true`
    /// where this opened the breaker.
    pub fn failed(&mut self, now: Instant, recent: Recent, random: f64) -> bool {
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        self.lately.add(true, now);
        let too_many = (self.consecutive_failures >= self.settings.failures && self.lately.mostly_failed())
            || (recent.outcomes >= MIN_OUTCOMES.max(u64::from(self.settings.failures))
                && recent.failures * 2 >= recent.outcomes);
        let opens = too_many && self.circuit == Circuit::Closed;
        if opens {
            self.open(now, random);
        }
        opens
    }

    /// An active probe found the endpoint up: the next request may be the probe, before its time. Lists of
    /// models do not prove that a model answers: if that request fails, no active probe is believed any
    /// more until the breaker has closed.
    pub const fn found_up(&mut self, now: Instant) {
        if let (Circuit::Open { since, .. }, false) = (self.circuit, self.misled) {
            self.circuit = Circuit::Open { since, until: now, shortened: true };
        }
    }

    /// An active probe found it down: no request need find out before the first open time is over again. Not for
    /// ever: a list of models that never comes does not prove that no model answers.
    pub fn found_down(&mut self, now: Instant) {
        if let Circuit::Open { since, until, .. } = self.circuit {
            let longest = after(since, self.settings.open.saturating_mul(MAX_OPEN_FACTOR));
            let until = until.max(after(now, self.settings.open).min(longest));
            self.circuit = Circuit::Open { since, until, shortened: false };
        }
    }

    fn open(&mut self, now: Instant, random: f64) {
        self.lately = Lately::NOTHING;
        let since = match self.circuit {
            Circuit::Closed => now,
            Circuit::Open { since, .. } | Circuit::Probing { since, .. } => since,
        };
        let factor = 1_u32.checked_shl(self.openings_in_a_row).unwrap_or(MAX_OPEN_FACTOR);
        let time = self.settings.open.saturating_mul(factor.min(MAX_OPEN_FACTOR));
        let jitter_s = time.as_secs_f64() * JITTER * random.clamp(0.0, 1.0);
        let jitter = Duration::try_from_secs_f64(jitter_s).unwrap_or_default();
        self.openings_in_a_row = self.openings_in_a_row.saturating_add(1);
        let until = after(now, time.saturating_add(jitter));
        self.circuit = Circuit::Open { since, until, shortened: false };
    }
}

/// `now` and `time` later; `now` where there is no such instant.
fn after(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now)
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
