//! What `/v1/llm/health` and `/metrics` tell about the endpoints, and the former about proxies.

mod proxies;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use proxies::ProxyRow;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::routing::{Routing, Vitals};
use crate::domain::timestamp::rfc3339_seconds;
use crate::ports::EndpointState;
use crate::resilience::health::{HealthReport, LastError, State};

/// Every configured endpoint by its name, whether it was asked yet or not: the one in front first, then
/// those of the configuration, in its order. Behind them every proxy on the way to one of them, by its URL.
/// Serializes as a JSON object.
pub struct Page {
    endpoints: Vec<(String, Row)>,
    proxies: Vec<(String, ProxyRow)>,
}

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut page = serializer.serialize_map(Some(self.endpoints.len() + self.proxies.len()))?;
        for (name, row) in &self.endpoints {
            page.serialize_entry(name, row)?;
        }
        for (url, row) in &self.proxies {
            page.serialize_entry(url, row)?;
        }
        page.end()
    }
}

/// One endpoint. Where it serves many models, each is judged apart, and this is the sum: counts and waits of
/// all, the state that they share, `degraded` where they differ, the breaker that opened first, and the one
/// that is probed first.
#[derive(serde::Serialize)]
struct Row {
    provider: &'static str,
    in_flight: usize,
    /// Where it is reached over TLS and does not have to prove who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl_verify: Option<bool>,
    #[serde(flatten)]
    health: Told,
    /// Those models of which anything is known, as the endpoint calls them.
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<BTreeMap<String, Told>>,
}

#[derive(serde::Serialize)]
struct Told {
    state: &'static str,
    success_rate: f64,
    requests: u64,
    consecutive_failures: u32,
    last_error: Option<ToldError>,
    latency_ms: Latency,
    opened_at: Option<String>,
    probes_at: Option<String>,
    rests_until: Option<String>,
}

#[derive(serde::Serialize)]
struct ToldError {
    code: String,
    message: String,
    seconds_ago: u64,
}

#[derive(serde::Serialize)]
struct Latency {
    p50: Option<f64>,
    p95: Option<f64>,
}

/// One moment, on both clocks.
#[derive(Clone, Copy)]
pub struct Moment {
    instant: Instant,
    /// Since the Unix epoch.
    wall: Duration,
}

impl Moment {
    /// This one.
    #[must_use]
    pub fn now() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { instant: Instant::now(), wall }
    }

    fn before(self, ago: Duration) -> String {
        rfc3339_seconds(self.wall.saturating_sub(ago))
    }

    fn after(self, time: Duration) -> String {
        rfc3339_seconds(self.wall.saturating_add(time))
    }
}

/// The page.
#[must_use]
pub fn page(routing: &Routing, now: Moment) -> Page {
    let vitals = routing.vitals();
    let row = |vitals: &Vitals| (vitals.endpoint.name.clone(), Row::of(vitals, now));
    Page { endpoints: vitals.iter().map(row).collect(), proxies: proxies::rows(&vitals, now) }
}

/// The same for metrics, without what is told of each model: callers choose their names.
#[must_use]
pub fn states(routing: &Routing, now: Instant) -> Vec<EndpointState> {
    routing.vitals().iter().map(|vitals| endpoint_state(vitals, now)).collect()
}

fn endpoint_state(vitals: &Vitals, now: Instant) -> EndpointState {
    let report = vitals.health.report(now);
    EndpointState {
        endpoint: vitals.endpoint.name.clone(),
        states: State::ALL.iter().map(|state| (state.name(), *state == report.state)).collect(),
        success_rate: report.success_rate,
        in_flight: vitals.load.in_flight(),
        consecutive_failures: report.consecutive_failures,
        openings: report.openings,
    }
}

impl Row {
    fn of(vitals: &Vitals, now: Moment) -> Self {
        let models = vitals.health.models(now.instant);
        let told = |models: Vec<(String, HealthReport)>| {
            models.into_iter().map(|(name, report)| (name, Told::of(report, now))).collect()
        };
        let endpoint = &vitals.endpoint;
        let is_believed = endpoint.url.scheme == http::uri::Scheme::HTTPS && !endpoint.egress.tls.verify;
        Self {
            provider: endpoint.provider.name(),
            ssl_verify: is_believed.then_some(false),
            in_flight: vitals.load.in_flight(),
            health: Told::of(vitals.health.report(now.instant), now),
            models: models.map(told),
        }
    }
}

impl Told {
    fn of(report: HealthReport, now: Moment) -> Self {
        Self {
            state: report.state.name(),
            success_rate: (report.success_rate * 10_000.0).round() / 10_000.0,
            requests: report.requests,
            consecutive_failures: report.consecutive_failures,
            last_error: report.last_error.map(ToldError::of),
            latency_ms: Latency {
                p50: report.latency_p50.map(milliseconds),
                p95: report.latency_p95.map(milliseconds),
            },
            opened_at: report.open_for.map(|ago| now.before(ago)),
            probes_at: report.probes_in.map(|time| now.after(time)),
            rests_until: report.rests_for.map(|time| now.after(time)),
        }
    }
}

impl ToldError {
    fn of(error: LastError) -> Self {
        Self { code: error.code, message: error.message, seconds_ago: error.ago.as_secs() }
    }
}

fn milliseconds(wait: Duration) -> f64 {
    wait.as_secs_f64() * 1_000.0
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
