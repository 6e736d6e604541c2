//! The health of an endpoint, or of a proxy, as it is read: what is missing or new does not matter.

use serde::Deserialize;
use serde_json::Value;

use super::clean::clean;

/// Times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Latency {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// What is known of an endpoint; of a proxy it is less.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    #[serde(skip)]
    pub name: String,
    /// `healthy`, `degraded`, `open` or `probing`; a proxy's may be `failing`.
    pub state: String,
    /// From 0 to 1.
    pub success_rate: Option<f64>,
    pub consecutive_failures: Option<u64>,
    pub requests: Option<u64>,
    pub in_flight: Option<u64>,
    pub latency_ms: Option<Latency>,
    /// RFC 3339, where its breaker is open.
    pub probes_at: Option<String>,
}

impl Endpoint {
    /// Every endpoint and proxy of the answer of `/v1/llm/health`, in its order.
    pub fn all(answer: &Value) -> Vec<Self> {
        let members = answer.as_object().into_iter().flatten();
        members.filter_map(|(name, member)| Self::read(name, member)).collect()
    }

    fn read(name: &str, member: &Value) -> Option<Self> {
        let read = Self::deserialize(member).ok()?;
        let probes_at = read.probes_at.as_deref().map(clean);
        Some(Self { name: clean(name), state: clean(&read.state), probes_at, ..read })
    }
}
