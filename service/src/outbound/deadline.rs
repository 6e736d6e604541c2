//! One deadline for a whole request, and the limits of its parts.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::error::{Error, Kind, Result};

/// When a request has to be answered, whatever part of it takes the time.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    total: Duration,
}

impl Deadline {
    /// `total` after the request was `received`.
    #[must_use]
    pub fn after(received: Instant, total: Duration) -> Self {
        Self { at: received + total, total }
    }

    /// This deadline, or `total` after `started` where that is earlier.
    #[must_use]
    pub fn or_after(self, started: Instant, total: Duration) -> Self {
        let other = Self::after(started, total);
        if other.at < self.at { other } else { self }
    }

    /// The moment.
    #[must_use]
    pub const fn at(self) -> Instant {
        self.at
    }

    /// The output of `part`, if it comes within `limit` and before the deadline.
    ///
    /// # Errors
    /// `too_slow` beyond the limit, [`Kind::DeadlineExceeded`] beyond the deadline.
    pub async fn within<F: Future>(
        self,
        limit: Duration,
        part: F,
        too_slow: impl FnOnce() -> Error,
    ) -> Result<F::Output> {
        let left = self.at.saturating_duration_since(Instant::now());
        timeout(limit.min(left), part)
            .await
            .map_err(|_| if left < limit { self.exceeded() } else { too_slow() })
    }

    /// What the caller is told when it is over.
    #[must_use]
    pub fn exceeded(self) -> Error {
        let message = format!("the request was not answered within {} s", self.total.as_secs_f64());
        Error::new(Kind::DeadlineExceeded, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn kind_after(limit_s: u64, total_s: u64) -> Kind {
        let deadline = Deadline::after(Instant::now(), Duration::from_secs(total_s));
        let too_slow = || Error::new(Kind::UpstreamTimeout, "too slow");
        let never = std::future::pending::<()>();
        deadline.within(Duration::from_secs(limit_s), never, too_slow).await.expect_err("never").kind()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_first_is_the_reason() {
        assert_eq!(kind_after(5, 60).await, Kind::UpstreamTimeout);
        assert_eq!(kind_after(60, 5).await, Kind::DeadlineExceeded);
    }
}
