//! The health of one proxy: what is told about it. Nothing is decided by it: a proxy has no breaker, and whoever
//! has another way takes it after the first failure. One is shared by all workers.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::health::{LastError, last_error};
use crate::error::Error;

/// The health of one proxy.
#[derive(Debug)]
pub struct ProxyHealth {
    /// What the last success is counted from.
    began: Instant,
    /// When something came through last: milliseconds since `began` and one; 0 for never.
    last_success: AtomicU64,
    consecutive_failures: AtomicU32,
    last_error: Mutex<Option<(Instant, LastError)>>,
}

/// A proxy's health at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyReport {
    /// Failures since something came through last.
    pub consecutive_failures: u32,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// How long ago something came through.
    pub last_success: Option<Duration>,
}

impl ProxyHealth {
    /// One that nothing is known of.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            last_success: AtomicU64::new(0),
            consecutive_failures: AtomicU32::new(0),
            last_error: Mutex::new(None),
        }
    }

    /// What became of a request that went through it: an error that says nothing about it changes nothing.
    pub fn failed(&self, error: &Error, now: Instant) {
        if error.counts_against_the_proxy() {
            self.consecutive_failures.fetch_add(1, Ordering::Relaxed);
            *self.last_error.lock() = Some((now, last_error(error)));
        } else if error.is_an_answer() {
            self.passed(now);
        }
    }

    /// An answer of the target's came through.
    pub fn passed(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_millis();
        self.last_success.store(u64::try_from(since).unwrap_or(u64::MAX - 1) + 1, Ordering::Relaxed);
        if self.consecutive_failures.load(Ordering::Relaxed) > 0 {
            self.consecutive_failures.store(0, Ordering::Relaxed);
        }
    }

    /// What is known at `now`.
    #[must_use]
    pub fn report(&self, now: Instant) -> ProxyReport {
        let ago = |then: Instant| now.saturating_duration_since(then);
        let last_error = self.last_error.lock();
        let last_success = self.last_success.load(Ordering::Relaxed).checked_sub(1);
        ProxyReport {
            consecutive_failures: self.consecutive_failures.load(Ordering::Relaxed),
            last_error: last_error.as_ref().map(|(at, error)| LastError { ago: ago(*at), ..error.clone() }),
            last_success: last_success.map(|since| ago(self.began + Duration::from_millis(since))),
        }
    }
}

impl ProxyReport {
    /// Whether the last that is known of it is a failure.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.consecutive_failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Kind, TLS_INTERCEPTION, TUNNEL_DROPPED};
    use rstest::rstest;

    fn after(seconds: u64, began: Instant) -> Instant {
        began + Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_known_at_first() {
        let now = Instant::now();
        let report = ProxyHealth::new(now).report(now);
        assert!(!report.is_failing());
        assert_eq!((report.last_error, report.last_success), (None, None));
    }

    #[test]
    fn failures_count_until_something_comes_through() {
        let began = Instant::now();
        let health = ProxyHealth::new(began);
        for second in 1..=2 {
            health.failed(&Error::new(Kind::ProxyUnavailable, "gone"), after(second, began));
        }
        let report = health.report(after(5, began));
        assert_eq!((report.is_failing(), report.consecutive_failures), (true, 2));
        let error = LastError {
            code: "proxy_unreachable".to_owned(),
            message: "gone".to_owned(),
            ago: Duration::from_secs(3),
        };
        assert_eq!((report.last_error, report.last_success), (Some(error), None));

        health.passed(after(6, began));
        let report = health.report(after(10, began));
        assert!(!report.is_failing());
        assert_eq!(report.last_success, Some(Duration::from_secs(4)));
        assert_eq!(report.last_error.map(|error| error.ago), Some(Duration::from_secs(8)));
    }

    #[test]
    fn something_that_comes_through_in_the_first_instant_is_told() {
        let now = Instant::now();
        let health = ProxyHealth::new(now);
        health.passed(now);
        assert_eq!(health.report(now).last_success, Some(Duration::ZERO));
    }

    #[rstest]
    #[case::a_rule(Error::new(Kind::ProxyRefused, ""), true, false)]
    #[case::a_tunnel(Error::new(Kind::TunnelFailed, ""), true, false)]
    #[case::a_tunnel_that_broke(Error::new(Kind::Truncated, "").with_code(TUNNEL_DROPPED), true, false)]
    #[case::somebody_who_reads_along(
        Error::new(Kind::TlsFailure, "").with_code(TLS_INTERCEPTION), true, false)]
    #[case::the_targets_certificate(Error::new(Kind::TlsFailure, ""), false, false)]
    #[case::a_slow_target(Error::new(Kind::UpstreamTimeout, ""), false, false)]
    #[case::a_target_that_refuses(Error::new(Kind::BackendAuthentication, ""), false, true)]
    #[case::a_target_that_is_full(Error::new(Kind::UpstreamFailure, ""), false, true)]
    #[case::our_own_deadline(Error::new(Kind::DeadlineExceeded, ""), false, false)]
    fn an_error_tells_of_the_proxy_or_of_the_target(
        #[case] error: Error,
        #[case] is_failing: bool,
        #[case] has_passed: bool,
    ) {
        let now = Instant::now();
        let health = ProxyHealth::new(now);
        health.failed(&error, now);
        let report = health.report(now);
        assert_eq!((report.is_failing(), report.last_success.is_some()), (is_failing, has_passed));
    }
}
