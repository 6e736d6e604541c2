//! How the service stands failures and load: retries, failover, breakers, limits, repeated requests.

use std::time::Duration;

use serde::Deserialize;

use super::choices::named_choice;
use super::read::{Reader, Text, Zero};
use super::settings::{SettingsError, narrow};

named_choice! {
    /// When a request moves on to the next endpoint of its route.
    Failover {
        /// After the first failure, while another endpoint is healthy.
        Eager = "eager",
        /// When the attempts at one endpoint are used up.
        Patient = "patient",
    }
}

/// Everything that resilience is set by.
#[derive(Clone, Debug, PartialEq)]
pub struct ResilienceSettings {
    /// Attempts an endpoint.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with every further one.
    pub base: Duration,
    /// The longest wait; an upstream that asks for more is not waited for.
    pub max: Duration,
    /// Retries as a share of the traffic.
    pub budget_ratio: f64,
    /// When to move on.
    pub failover: Failover,
    /// Consecutive failures that open a breaker.
    pub breaker_failures: u32,
    /// How long a breaker stays open at first.
    pub breaker_open: Duration,
    /// How often an endpoint whose breaker is open is asked whether it is back; `None`: never.
    pub probe_interval: Option<Duration>,
    /// Requests in flight, all together; `None`: no limit.
    pub max_requests: Option<usize>,
    /// Requests in flight at one endpoint, where its configuration says nothing; `None`: no limit.
    pub max_requests_per_endpoint: Option<usize>,
    /// How long a request may wait for its turn.
    pub queue_timeout: Duration,
    /// How long an answer is kept for a repeat of its request.
    pub idempotency_ttl: Duration,
    /// How many bytes of answers are kept for repeats, all together.
    pub idempotency_max_bytes: usize,
}

/// The variables, as text.
#[derive(Deserialize)]
pub(super) struct Variables {
    retry_attempts: Text,
    retry_base_ms: Text,
    retry_max_ms: Text,
    retry_budget_ratio: Text,
    failover: Text,
    breaker_failures: Text,
    breaker_open_s: Text,
    probe_interval_s: Text,
    max_concurrent_requests: Text,
    max_concurrent_requests_per_endpoint: Text,
    queue_timeout_s: Text,
    idempotency_ttl_s: Text,
    idempotency_max_bytes: Text,
}

/// Reads and checks them.
pub(super) fn read(r: &mut Reader, vars: Variables) -> Result<ResilienceSettings, SettingsError> {
    let ms = Duration::from_millis;
    Ok(ResilienceSettings {
        attempts: narrow(r.number("RETRY_ATTEMPTS", vars.retry_attempts, 3, (1, 100))?),
        base: ms(r.number("RETRY_BASE_MS", vars.retry_base_ms, 1_000, (0, 600_000))?),
        max: ms(r.number("RETRY_MAX_MS", vars.retry_max_ms, 30_000, (0, 600_000))?),
        budget_ratio: r.value("RETRY_BUDGET_RATIO", vars.retry_budget_ratio, 0.2, |text| {
            let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            ratio.ok_or_else(|| "a share from 0 to 1".to_owned())
        })?,
        failover: r.choice("FAILOVER", vars.failover, Failover::Eager, Failover::ALL)?,
        breaker_failures: narrow(r.number("BREAKER_FAILURES", vars.breaker_failures, 3, (1, 10_000))?),
        breaker_open: r.seconds("BREAKER_OPEN_S", vars.breaker_open_s, 120.0, Zero::Refused)?,
        probe_interval: optional(r.seconds(
            "PROBE_INTERVAL_S",
            vars.probe_interval_s,
            0.0,
            Zero::TurnsOff,
        )?),
        max_requests: limit(r, "MAX_CONCURRENT_REQUESTS", vars.max_concurrent_requests, 20_000)?,
        max_requests_per_endpoint: limit(
            r,
            "MAX_CONCURRENT_REQUESTS_PER_ENDPOINT",
            vars.max_concurrent_requests_per_endpoint,
            0,
        )?,
        queue_timeout: r.seconds("QUEUE_TIMEOUT_S", vars.queue_timeout_s, 1.0, Zero::TurnsOff)?,
        idempotency_ttl: r.seconds("IDEMPOTENCY_TTL_S", vars.idempotency_ttl_s, 600.0, Zero::Refused)?,
        idempotency_max_bytes: narrow(r.number(
            "IDEMPOTENCY_MAX_BYTES",
            vars.idempotency_max_bytes,
            64 << 20,
            (1 << 16, 1 << 40),
        )?),
    })
}

fn optional(duration: Duration) -> Option<Duration> {
    Some(duration).filter(|duration| !duration.is_zero())
}

/// A number of requests in flight; zero is no limit.
fn limit(r: &mut Reader, name: &str, text: Text, default: u64) -> Result<Option<usize>, SettingsError> {
    let limit: usize = narrow(r.number(name, text, default, (0, 1 << 20))?);
    Ok(Some(limit).filter(|limit| *limit > 0))
}
