//! What is told about an endpoint's health.

use std::time::Duration;

use super::waits::percentile;

/// How an endpoint is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It answers.
    Healthy,
    /// It is asked, but it has failed lately, or asked to be left alone for a while.
    Degraded,
    /// One request is under way to find out whether it is back; nobody else is let through.
    Probing,
    /// Nobody is let through.
    Open,
}

impl State {
    /// Every state, from the best to the worst.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Probing, Self::Open];

    /// Its name on pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Probing => "probing",
            Self::Open => "open",
        }
    }
}

/// The last failure that counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// The error's machine-readable code.
    pub code: String,
    /// Its message, free of secrets and prompts, cut where it is long.
    pub message: String,
    /// How long ago.
    pub ago: Duration,
}

/// An endpoint's health at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthReport {
    /// How it is doing.
    pub state: State,
    /// The part of the requests of the last five minutes that succeeded; 1 where there were none.
    pub success_rate: f64,
    /// Requests of the last five minutes whose outcome says something about the endpoint.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// The wait that half of the last answers did not exceed.
    pub latency_p50: Option<Duration>,
    /// The wait that 95 of 100 of the last answers did not exceed.
    pub latency_p95: Option<Duration>,
    /// How long the breaker has been open.
    pub open_for: Option<Duration>,
    /// How long until a request may go through to find out; zero where the next one may. `None` unless the
    /// breaker is open.
    pub probes_in: Option<Duration>,
    /// For how long the endpoint asked to be left alone.
    pub rests_for: Option<Duration>,
    /// How often its breaker opened since the start; a failed probe does not count.
    pub openings: u64,
    /// The waits for the last answers, sorted.
    pub(super) waits_us: Vec<u32>,
}

impl HealthReport {
    /// A report on one that nothing is known of.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            state: State::Healthy,
            success_rate: 1.0,
            requests: 0,
            failures: 0,
            consecutive_failures: 0,
            last_error: None,
            latency_p50: None,
            latency_p95: None,
            open_for: None,
            probes_in: None,
            rests_for: None,
            openings: 0,
            waits_us: Vec::new(),
        }
    }

    /// One report on many, as on the models of one endpoint: their counts and waits together; the state that
    /// all of them share, or degraded where they differ; the longest open one, and the one that is probed
    /// first.
    #[must_use]
    pub fn of_all(reports: &[Self]) -> Self {
        let Some(first) = reports.first() else { return Self::unknown() };
        let is_shared = reports.iter().all(|report| report.state == first.state);
        let mut waits_us: Vec<u32> = reports.iter().flat_map(|report| &report.waits_us).copied().collect();
        waits_us.sort_unstable();
        let longest = |get: fn(&Self) -> Option<Duration>| reports.iter().filter_map(get).max();
        let summed = Self {
            state: if is_shared { first.state } else { State::Degraded },
            requests: reports.iter().map(|report| report.requests).sum(),
            failures: reports.iter().map(|report| report.failures).sum(),
            consecutive_failures: reports.iter().map(|r| r.consecutive_failures).max().unwrap_or(0),
            last_error: last(reports),
            open_for: longest(|report| report.open_for),
            probes_in: reports.iter().filter_map(|report| report.probes_in).min(),
            rests_for: longest(|report| report.rests_for),
            openings: reports.iter().map(|report| report.openings).sum(),
            ..Self::unknown()
        };
        summed.with_waits(waits_us).with_rate()
    }

    /// With percentiles of `sorted_us`.
    pub(super) fn with_waits(mut self, sorted_us: Vec<u32>) -> Self {
        self.latency_p50 = percentile(&sorted_us, 50);
        self.latency_p95 = percentile(&sorted_us, 95);
        self.waits_us = sorted_us;
        self
    }

    /// With the success rate that its counts make.
    #[expect(clippy::cast_precision_loss, reason = "requests of five minutes are far below 2^52")]
    pub(super) fn with_rate(mut self) -> Self {
        if self.requests > 0 {
            self.success_rate = 1.0 - self.failures as f64 / self.requests as f64;
        }
        self
    }
}

fn last(reports: &[HealthReport]) -> Option<LastError> {
    reports.iter().filter_map(|report| report.last_error.as_ref()).min_by_key(|error| error.ago).cloned()
}
