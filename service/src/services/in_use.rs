//! An endpoint that is in use for a request: its load, its turn, and the verdict on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::overload::Turns;
use super::routing::{self, Hop};
use crate::error::{Error, Kind, Result, RetryAfter};
use crate::outbound::deadline::Deadline;
use crate::resilience::health::Pass;
use crate::resilience::proxy::ProxyHealth;

/// One attempt at an endpoint. Dropped without a verdict, it says nothing about the endpoint.
pub struct InUse {
    load: routing::InUse,
    pass: Pass,
    /// Of the proxy on the way.
    proxy: Option<Arc<ProxyHealth>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl InUse {
    /// Waits for a turn at the endpoint, and takes it.
    ///
    /// # Errors
    /// [`Kind::Overloaded`]: no turn came in time. [`Kind::BackendUnavailable`]: its breaker has opened.
    pub async fn begin(hop: &Hop, turns: &Turns, deadline: Deadline) -> Result<Self> {
        let turn = turns.at(hop, deadline).await?;
        let pass = hop.health.begin(Instant::now()).map_err(|opens_at| {
            let wait = opens_at.saturating_duration_since(Instant::now());
            let message = format!("{} has failed and is left alone for now", hop.endpoint.name);
            Error::new(Kind::BackendUnavailable, message).with_retry_after(RetryAfter::Delay(wait))
        })?;
        Ok(Self { load: hop.load.begin(), pass, proxy: hop.proxy.clone(), _turn: turn })
    }

    /// An answer has begun; the wait for its head. Says whether this closed the endpoint's breaker.
    pub fn answered(&mut self, wait: Duration) -> bool {
        self.load.answered(wait);
        let now = Instant::now();
        if let Some(proxy) = &self.proxy {
            proxy.passed(now);
        }
        self.pass.answered(wait, now)
    }

    /// The answer was whole.
    pub fn succeeded(&mut self) {
        self.pass.succeeded(Instant::now());
    }

    /// The attempt failed, or the answer broke off.
    pub fn failed(&mut self, error: &Error) {
        let now = Instant::now();
        if let Some(proxy) = &self.proxy {
            proxy.failed(error, now);
        }
        self.pass.failed(error, now);
    }

    /// The answer cost so many tokens until it was over.
    pub fn spent(&self, tokens: u64) {
        self.load.spent(tokens);
    }
}
