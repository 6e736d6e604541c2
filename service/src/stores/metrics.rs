//! Counters and histograms for Prometheus, of bounded cardinality.
//!
//! The handles of a model, a route or an endpoint are looked up once by name and then only counted up.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::access::AccessRecord;
use crate::domain::usage::{End, Provenance, UsageRecord};
use crate::error::Kind;
use crate::ports::{AccessSink, MetricsPage, UpstreamObserver, UsageSink};

/// Model names come from callers: more distinct ones than this are counted as `other`.
const MAX_MODELS: usize = 200;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HttpLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CompletionLabels {
    endpoint: String,
    operation: String,
    streamed: String,
    end: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    endpoint: String,
    model: String,
    kind: String,
    provenance: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    endpoint: String,
    kind: String,
}

/// Histograms of seconds, from 1 ms to 10 minutes.
#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0,
        ])
    }
}

type Histograms<L> = Family<L, Histogram, Seconds>;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    http: Family<HttpLabels, Counter>,
    http_seconds: Histograms<RouteLabels>,
    completions: Family<CompletionLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    first_token: Histograms<EndpointLabels>,
    upstream_head: Histograms<EndpointLabels>,
    upstream_errors: Family<ErrorLabels, Counter>,
    models: Handles<ModelHandles>,
    routes: Handles<(Counter, Histogram)>,
    endpoints: Handles<Histogram>,
}

/// The handles of one model at one endpoint for one operation.
struct ModelHandles {
    ends: HashMap<(End, bool), Counter>,
    tokens: HashMap<Provenance, [Counter; 4]>,
    first_token: Histogram,
}

/// Handles by name, found without building labels.
struct Handles<T>(RwLock<HashMap<String, Arc<T>>>);

impl<T> Handles<T> {
    fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(found) = self.0.read().get(name) {
            return Arc::clone(found);
        }
        let mut handles = self.0.write();
        Arc::clone(handles.entry(name.to_owned()).or_insert_with(|| Arc::new(make())))
    }

    fn has_room_for(&self, name: &str, max: usize) -> bool {
        let handles = self.0.read();
        handles.len() < max || handles.contains_key(name)
    }
}

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("llm_proxy");
        let build = ConstGauge::new(1_i64);
        let labels = [("version".into(), version.to_owned().into())];
        registry.sub_registry_with_labels(labels.into_iter()).register("build", "The running version", build);
        let mut metrics = Self {
            registry,
            http: Family::default(),
            http_seconds: Family::new_with_constructor(Seconds),
            completions: Family::default(),
            tokens: Family::default(),
            first_token: Family::new_with_constructor(Seconds),
            upstream_head: Family::new_with_constructor(Seconds),
            upstream_errors: Family::default(),
            models: Handles::new(),
            routes: Handles::new(),
            endpoints: Handles::new(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("http_requests", "HTTP requests by route and status", self.http.clone());
        let help = "From a request's head to the end of its answer";
        r.register_with_unit("http_request_duration", help, Unit::Seconds, self.http_seconds.clone());
        r.register("completions", "Answers by how they ended", self.completions.clone());
        r.register("tokens", "Tokens by model, kind and provenance", self.tokens.clone());
        let help = "From a request's arrival to its first text";
        r.register_with_unit("time_to_first_token", help, Unit::Seconds, self.first_token.clone());
        let help = "From a call of an upstream to the head of its answer";
        r.register_with_unit("upstream_head", help, Unit::Seconds, self.upstream_head.clone());
        r.register("upstream_errors", "Failed calls of upstreams by kind", self.upstream_errors.clone());
    }

    fn model_handles(&self, record: &UsageRecord<'_>, model: &str) -> ModelHandles {
        let endpoint = || record.endpoint.to_owned();
        let ends = [End::Complete, End::Truncated, End::Failed, End::Cancelled];
        let ends = ends.into_iter().flat_map(|end| [(end, false), (end, true)]).map(|(end, streamed)| {
            let labels = CompletionLabels {
                endpoint: endpoint(),
                operation: record.operation.to_owned(),
                streamed: streamed.to_string(),
                end: end.name().to_owned(),
            };
            ((end, streamed), self.completions.get_or_create_owned(&labels))
        });
        let provenances = [Provenance::Reported, Provenance::Counted, Provenance::Estimated];
        let tokens = provenances.into_iter().map(|provenance| {
            let counters = ["prompt", "completion", "cached", "reasoning"].map(|kind| {
                let labels = TokenLabels {
                    endpoint: endpoint(),
                    model: model.to_owned(),
                    kind: kind.to_owned(),
                    provenance: provenance.name().to_owned(),
                };
                self.tokens.get_or_create_owned(&labels)
            });
            (provenance, counters)
        });
        let first_token = self.first_token.get_or_create_owned(&EndpointLabels { endpoint: endpoint() });
        ModelHandles { ends: ends.collect(), tokens: tokens.collect(), first_token }
    }
}

impl UsageSink for Metrics {
    fn record(&self, record: &UsageRecord<'_>) {
        let mut name = String::with_capacity(96);
        let mut model = record.model;
        let _infallible = write!(name, "{} {} {model}", record.endpoint, record.operation);
        if !self.models.has_room_for(&name, MAX_MODELS) {
            model = "other";
            name.clear();
            let _infallible = write!(name, "{} {} {model}", record.endpoint, record.operation);
        }
        let handles = self.models.get(&name, || self.model_handles(record, model));
        if let Some(counter) = handles.ends.get(&(record.end, record.streamed)) {
            counter.inc();
        }
        let tokens = &record.tokens;
        let counts = [
            tokens.prompt_tokens,
            tokens.completion_tokens,
            tokens.prompt_tokens_details.cached_tokens,
            tokens.completion_tokens_details.reasoning_tokens,
        ];
        for (counter, count) in handles.tokens.get(&record.provenance).into_iter().flatten().zip(counts) {
            counter.inc_by(count);
        }
        if let Some(milliseconds) = record.time_to_first_token_ms {
            handles.first_token.observe(milliseconds / 1000.0);
        }
    }
}

impl AccessSink for Metrics {
    fn access(&self, record: &AccessRecord<'_>) {
        let mut name = String::with_capacity(64);
        let method = known_method(record.method);
        let _infallible = write!(name, "{method} {} {}", record.status, record.route);
        let handles = self.routes.get(&name, || {
            let labels = HttpLabels {
                route: record.route.to_owned(),
                method: method.to_owned(),
                status: record.status,
            };
            let route = RouteLabels { route: record.route.to_owned() };
            (self.http.get_or_create_owned(&labels), self.http_seconds.get_or_create_owned(&route))
        });
        handles.0.inc();
        handles.1.observe(record.duration_ms / 1000.0);
    }
}

/// Methods come from callers as well.
fn known_method(method: &str) -> &str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    if KNOWN.contains(&method) { method } else { "other" }
}

impl UpstreamObserver for Metrics {
    fn upstream_error(&self, endpoint: &str, kind: Kind) {
        let labels = ErrorLabels { endpoint: endpoint.to_owned(), kind: kind.name().to_owned() };
        self.upstream_errors.get_or_create(&labels).inc();
    }

    fn upstream_head(&self, endpoint: &str, wait: Duration) {
        let make = || self.upstream_head.get_or_create_owned(&EndpointLabels { endpoint: endpoint.to_owned() });
        self.endpoints.get(endpoint, make).observe(wait.as_secs_f64());
    }
}

impl MetricsPage for Metrics {
    fn page(&self) -> String {
        let mut page = String::new();
        match encode(&mut page, &self.registry) {
            Ok(()) => page,
            Err(error) => format!("# {error}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage::{Relayed, Tokens};

    fn record(model: &str) -> UsageRecord<'_> {
        UsageRecord {
            request_id: "r",
            operation: "chat.completions",
            model,
            endpoint: "litellm",
            streamed: true,
            end: End::Truncated,
            error: None,
            finish_reason: None,
            tokens: Tokens { prompt_tokens: 3, completion_tokens: 5, ..Tokens::default() },
            provenance: Provenance::Counted,
            relayed: Relayed::default(),
            time_to_first_token_ms: Some(12.0),
            duration_ms: 30.0,
            attempts: 1,
        }
    }

    #[test]
    fn what_was_recorded_is_on_the_page() {
        let metrics = Metrics::new("1.2.3");
        metrics.record(&record("gpt-4"));
        metrics.upstream_error("litellm", Kind::Truncated);
        let page = metrics.page();
        for line in [
            "llm_proxy_build{version=\"1.2.3\"} 1",
            "llm_proxy_completions_total{endpoint=\"litellm\",operation=\"chat.completions\",streamed=\"true\",end=\"truncated\"} 1",
            "llm_proxy_tokens_total{endpoint=\"litellm\",model=\"gpt-4\",kind=\"completion\",provenance=\"counted\"} 5",
            "llm_proxy_time_to_first_token_seconds_bucket{le=\"0.025\",endpoint=\"litellm\"} 1",
            "llm_proxy_upstream_errors_total{endpoint=\"litellm\",kind=\"stream_truncated\"} 1",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }

    #[test]
    fn model_names_do_not_grow_the_page_for_ever() {
        let metrics = Metrics::new("1");
        for n in 0..2_000 {
            metrics.record(&record(&format!("invented-{n}")));
        }
        let page = metrics.page();
        assert!(page.contains("model=\"other\""));
        assert!(page.matches("kind=\"prompt\",provenance=\"counted\"").count() <= MAX_MODELS + 1);
    }
}
