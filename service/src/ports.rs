//! What the services need from the outside and do not want to know: where records go.
//!
//! Knows the records. Refuses to know who keeps them.

use std::time::Duration;

use crate::domain::access::AccessRecord;
use crate::domain::notice::NoticeEvent;
use crate::domain::usage::UsageRecord;
use crate::error::Kind;

/// Takes one record a completed, failed or cancelled request. Must not block.
pub trait UsageSink: Send + Sync {
    /// Takes a record.
    fn record(&self, record: &UsageRecord<'_>);
}

/// Takes one record a HTTP request. Must not block.
pub trait AccessSink: Send + Sync {
    /// Takes a record.
    fn access(&self, record: &AccessRecord<'_>);
}

/// Takes what upstreams do. Must not block.
pub trait UpstreamObserver: Send + Sync {
    /// A call of `endpoint` failed.
    fn upstream_error(&self, endpoint: &str, kind: Kind);
    /// A call of `endpoint` got the head of its answer after `wait`.
    fn upstream_head(&self, endpoint: &str, wait: Duration);
}

/// Counts what is told about retries, failovers and outages. Must not block.
pub trait NoticeSink: Send + Sync {
    /// Takes what happened.
    fn notice(&self, event: &NoticeEvent);
}

/// Takes repeats of requests that were given an answer which was asked for already. Must not block.
pub trait ReplayObserver: Send + Sync {
    /// One such repeat.
    fn replayed(&self);
}

/// Takes finished log lines, each with its line end. Must not block for long.
pub trait LineSink: Send + Sync {
    /// Takes a line.
    fn write_line(&self, line: &[u8]);
}

/// Shows everything that was counted, as a page for Prometheus.
pub trait MetricsPage: Send + Sync {
    /// The page in OpenMetrics' text format; `endpoints` are those that are configured now.
    fn page(&self, endpoints: &[EndpointState]) -> String;
}

/// How one endpoint is doing at the moment.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointState {
    /// Its name.
    pub endpoint: String,
    /// Every state that there is, by its name, and whether the endpoint is in it.
    pub states: Vec<(&'static str, bool)>,
    /// From 0 to 1.
    pub success_rate: f64,
    /// Requests.
    pub in_flight: usize,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// How often its breaker has opened since the start.
    pub openings: u64,
}
