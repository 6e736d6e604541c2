//! Starting to stop: what is in flight, who is told to hurry.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result, RetryAfter};

/// Shared by all workers; clones are the same lifecycle.
#[derive(Clone, Default)]
pub struct Lifecycle(Arc<State>);

#[derive(Default)]
struct State {
    draining: AtomicBool,
    closing: CancellationToken,
    in_flight: AtomicUsize,
    cut: CancellationToken,
}

/// One request in flight; it is over when this is dropped.
pub struct InFlight {
    lifecycle: Lifecycle,
    _turn: Option<OwnedSemaphorePermit>,
}

impl InFlight {
    /// The same, with the turn that it has for as long as it is in flight.
    #[must_use]
    pub fn with(mut self, turn: Option<OwnedSemaphorePermit>) -> Self {
        self._turn = turn;
        self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.lifecycle.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lifecycle {
    /// Counts a request in.
    ///
    /// # Errors
    /// [`Kind::ShuttingDown`]: no new requests any more.
    pub fn admit(&self) -> Result<InFlight> {
        if self.is_draining() {
            return Err(stopping());
        }
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(InFlight { lifecycle: self.clone(), _turn: None })
    }

    /// Whether the service is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// How many requests are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// From now on readiness fails and no request is admitted.
    pub fn start_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// The drain window is over: every open answer ends with an error.
    pub fn cut(&self) {
        self.0.cut.cancel();
    }

    /// Nothing is open any more: connections that wait for another request are closed.
    pub fn close(&self) {
        self.0.closing.cancel();
    }

    /// Cancelled when connections that wait for another request are to be closed.
    #[must_use]
    pub fn closing_signal(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// Cancelled when the drain window is over.
    #[must_use]
    pub fn cut_signal(&self) -> CancellationToken {
        self.0.cut.clone()
    }
}

/// What an answer that did not end in time is told.
#[must_use]
pub fn stopping() -> Error {
    let soon = RetryAfter::Delay(std::time::Duration::from_secs(1));
    Error::new(Kind::ShuttingDown, "the service is stopping").with_retry_after(soon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_flight_until_its_guard_is_dropped_and_none_is_admitted_after() {
        let lifecycle = Lifecycle::default();
        let guard = lifecycle.admit().expect("admitted");
        lifecycle.start_draining();
        assert_eq!(lifecycle.in_flight(), 1);
        assert!(lifecycle.admit().is_err());
        drop(guard);
        assert_eq!(lifecycle.in_flight(), 0);
    }
}
