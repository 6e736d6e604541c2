//! How many requests may be in flight, in all and at one endpoint, and how long one waits for its turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::routing::Hop;
use crate::error::{Error, Kind, Result, RetryAfter};
use crate::outbound::deadline::Deadline;

/// The turns of all requests; shared by all workers.
pub struct Turns {
    all: Option<Arc<Semaphore>>,
    /// At an endpoint whose configuration says nothing.
    per_endpoint: Option<usize>,
    /// For its turn.
    longest_wait: Duration,
}

impl Turns {
    /// So many in all and at each endpoint; `None` is no limit.
    #[must_use]
    pub fn new(all: Option<usize>, per_endpoint: Option<usize>, longest_wait: Duration) -> Self {
        Self { all: all.map(|limit| Arc::new(Semaphore::new(limit))), per_endpoint, longest_wait }
    }

    /// A turn of the service.
    ///
    /// # Errors
    /// [`Kind::Overloaded`]: none was free in time. [`Kind::DeadlineExceeded`].
    pub async fn of_all(&self, deadline: Deadline) -> Result<Option<OwnedSemaphorePermit>> {
        match &self.all {
            None => Ok(None),
            Some(all) => self.turn(all, "the service", deadline).await.map(Some),
        }
    }

    /// A turn at the endpoint.
    ///
    /// # Errors
    /// [`Kind::Overloaded`]: none was free in time. [`Kind::DeadlineExceeded`].
    pub async fn at(&self, hop: &Hop, deadline: Deadline) -> Result<Option<OwnedSemaphorePermit>> {
        match self.limit(hop) {
            None => Ok(None),
            Some(limit) => self.turn(&hop.load.turns(limit), &hop.endpoint.name, deadline).await.map(Some),
        }
    }

    /// Whether a request would have to wait for its turn at the endpoint.
    #[must_use]
    pub fn is_full(&self, hop: &Hop) -> bool {
        self.limit(hop).is_some_and(|limit| hop.load.turns(limit).available_permits() == 0)
    }

    fn limit(&self, hop: &Hop) -> Option<usize> {
        hop.endpoint.share.max_parallel.or(self.per_endpoint)
    }

    async fn turn(
        &self,
        turns: &Arc<Semaphore>,
        whose: &str,
        deadline: Deadline,
    ) -> Result<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(turns).try_acquire_owned() {
            return Ok(turn);
        }
        let none = || overloaded(whose, self.longest_wait);
        let turn = deadline.within(self.longest_wait, Arc::clone(turns).acquire_owned(), none).await?;
        turn.map_err(|_closed| none())
    }
}

fn overloaded(whose: &str, waited: Duration) -> Error {
    let message = format!(
        "{whose} has as many requests in flight as it may have, and no turn came within {} s",
        waited.as_secs_f64()
    );
    Error::new(Kind::Overloaded, message).with_retry_after(RetryAfter::Delay(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn far() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(600))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_its_turn_and_no_longer_than_it_may() {
        let turns = Turns::new(Some(1), None, Duration::from_secs(2));
        let first = turns.of_all(far()).await.expect("a turn");
        let started = tokio::time::Instant::now();
        let refused = turns.of_all(far()).await.expect_err("no turn");
        assert_eq!((refused.kind(), refused.status()), (Kind::Overloaded, 503));
        assert_eq!(refused.retry_after(), Some(&RetryAfter::Delay(Duration::from_secs(1))));
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        let (second, ()) = tokio::join!(turns.of_all(far()), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        let turns = Turns::new(None, None, Duration::ZERO);
        assert!(turns.of_all(far()).await.expect("a turn").is_none());
    }
}
