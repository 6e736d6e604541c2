//! Whom a request asks next, and after which wait.
//!
//! A plan knows the endpoints of one route by their place in it. It is told what came of each attempt, and
//! asked what to do then. It sleeps nowhere and asks no clock.

use std::time::{Duration, Instant};

use super::backoff::Backoff;
use crate::error::{Error, Remedy, RetryAfter};

/// When a request moves on to the next endpoint of its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failover {
    /// After the first failure, while an endpoint is left that has not failed.
    Eager,
    /// When the attempts at one endpoint are used up.
    Patient,
}

/// How requests are retried.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// When to move on.
    pub failover: Failover,
    /// Attempts an endpoint, the first one included.
    pub attempts: u32,
    /// The waits between them. A longer wait than its longest is not waited.
    pub backoff: Backoff,
}

/// What is known of an endpoint beside this request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it may be asked again, where its breaker is open.
    pub opens_at: Option<Instant>,
    /// Whether it has asked to be left alone for a while: then it comes last.
    pub rests: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask this endpoint, after a wait.
    Ask {
        /// Its place in the route.
        at: usize,
        /// The wait.
        wait: Duration,
    },
    /// Nobody is left to ask.
    Nobody {
        /// When the first of those whose breakers are open may be asked again.
        opens_at: Option<Instant>,
    },
}

/// The attempts of one request.
#[derive(Debug)]
pub struct Plan {
    policy: Policy,
    hops: Vec<Hop>,
}

/// What came of the attempts at one endpoint.
#[derive(Clone, Debug, Default)]
struct Hop {
    failures: u32,
    /// It would say the same again.
    is_done: bool,
    /// When it wants to be asked again at the earliest.
    not_before: Option<Instant>,
}

impl Plan {
    /// For a route of so many endpoints.
    #[must_use]
    pub fn new(policy: Policy, hops: usize) -> Self {
        Self { policy, hops: vec![Hop::default(); hops] }
    }

    /// The attempt at the endpoint at that place failed.
    pub fn failed(&mut self, at: usize, error: &Error, now: Instant) {
        let Some(hop) = self.hops.get_mut(at) else { return };
        hop.failures += 1;
        hop.is_done = error.remedy() != Remedy::Again || hop.failures >= self.policy.attempts;
        // How far away a date is depends on two clocks: it is passed on and not waited for.
        if let Some(RetryAfter::Delay(wait)) = error.retry_after() {
            hop.not_before = now.checked_add(*wait);
        }
    }

    /// The endpoint at that place cannot be asked at all.
    pub fn leave_out(&mut self, at: usize) {
        if let Some(hop) = self.hops.get_mut(at) {
            hop.is_done = true;
        }
    }

    /// How many attempts at the endpoint at that place have failed.
    #[must_use]
    pub fn failures(&self, at: usize) -> u32 {
        self.hops.get(at).map_or(0, |hop| hop.failures)
    }

    /// What to do next, so that it is done before `deadline`. `random` is from 0 to 1.
    pub fn next(
        &self,
        now: Instant,
        deadline: Instant,
        random: f64,
        standing: impl Fn(usize) -> Standing,
    ) -> Next {
        let mut opens_at: Option<Instant> = None;
        let mut best: Option<((u32, bool), usize, Duration)> = None;
        for (at, hop) in self.hops.iter().enumerate().filter(|(_, hop)| !hop.is_done) {
            let standing = standing(at);
            if let Some(opens) = standing.opens_at {
                opens_at = Some(opens_at.map_or(opens, |other| other.min(opens)));
                continue;
            }
            let Some(wait) = self.wait(hop, now, deadline, random) else { continue };
            let rank = self.rank(hop, standing.rests);
            if best.is_none_or(|(other, ..)| rank < other) {
                best = Some((rank, at, wait));
            }
        }
        match best {
            Some((_, at, wait)) => Next::Ask { at, wait },
            None => Next::Nobody { opens_at },
        }
    }

    /// Those of a lower rank are asked first; the route's order decides among equals.
    const fn rank(&self, hop: &Hop, rests: bool) -> (u32, bool) {
        match self.policy.failover {
            Failover::Eager => (hop.failures, rests),
            // Who has begun to be asked is asked to the end.
            Failover::Patient => ((hop.failures == 0) as u32, rests),
        }
    }

    /// The wait before this endpoint may be asked; `None` where it is too long.
    fn wait(&self, hop: &Hop, now: Instant, deadline: Instant, random: f64) -> Option<Duration> {
        if hop.failures == 0 {
            return Some(Duration::ZERO).filter(|_| now < deadline);
        }
        let asked_for = hop.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        if asked_for > self.policy.backoff.max {
            return None;
        }
        let wait = self.policy.backoff.wait(hop.failures, random).max(asked_for);
        now.checked_add(wait).filter(|at| *at < deadline).map(|_| wait)
    }
}

#[cfg(test)]
#[path = "failover_tests.rs"]
mod tests;
