//! Counters and histograms for Prometheus, of bounded cardinality.
//!
//! What a request counts up is looked up by endpoint, model and route once, and kept as handles: no
//! labels are built while a request is served.

mod endpoints;
mod handles;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::access::AccessRecord;
use crate::domain::envelope::Operation;
use crate::domain::notice::NoticeEvent;
use crate::domain::usage::{End, Provenance, UsageRecord};
use crate::error::Kind;
use crate::ports::{
    AccessSink, EndpointState, MetricsPage, NoticeSink, ReplayObserver, UpstreamObserver, UsageSink,
};
use handles::Handles;

/// Model names come from callers: more distinct ones than this are counted as `other`.
const MAX_MODELS: usize = 200;

const PREFIX: &str = "llm_proxy";

const TOKEN_KINDS: [&str; 4] = ["prompt", "completion", "cached", "reasoning"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HttpLabels {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CompletionLabels {
    endpoint: String,
    operation: &'static str,
    streamed: &'static str,
    end: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    endpoint: String,
    model: String,
    kind: &'static str,
    provenance: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    endpoint: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct NoticeLabels {
    r#type: &'static str,
}

/// Histograms of seconds, from 1 ms to 10 minutes.
#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
            600.0,
        ])
    }
}

type Histograms<L> = Family<L, Histogram, Seconds>;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    families: Families,
    endpoints: Handles<String, EndpointHandles>,
    routes: Handles<(&'static str, &'static str, u16), RouteHandles>,
}

struct Families {
    http: Family<HttpLabels, Counter>,
    http_seconds: Histograms<RouteLabels>,
    completions: Family<CompletionLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    first_token: Histograms<EndpointLabels>,
    upstream_head: Histograms<EndpointLabels>,
    upstream_errors: Family<ErrorLabels, Counter>,
    notices: Family<NoticeLabels, Counter>,
    replays: Counter,
}

struct RouteHandles {
    requests: Counter,
    seconds: Histogram,
}

/// The handles of one endpoint.
struct EndpointHandles {
    name: String,
    /// By operation, by end, and by whether it was streamed.
    ends: [[[Counter; 2]; End::ALL.len()]; Operation::ALL.len()],
    first_token: Histogram,
    head: Histogram,
    models: Handles<String, ModelHandles>,
}

/// The handles of one model: by provenance, then by kind of token.
type ModelHandles = [[Counter; TOKEN_KINDS.len()]; Provenance::ALL.len()];

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = ConstGauge::new(1_i64);
        let labels = [("version".into(), version.to_owned().into())];
        registry.sub_registry_with_labels(labels.into_iter()).register("build", "The running version", build);
        let families = Families::register(&mut registry);
        Self { registry, families, endpoints: Handles::default(), routes: Handles::default() }
    }

    fn endpoint(&self, name: &str) -> Arc<EndpointHandles> {
        self.endpoints.get(name, || (name.to_owned(), self.families.of_endpoint(name)))
    }
}

impl Families {
    fn register(r: &mut Registry) -> Self {
        let families = Self {
            http: Family::default(),
            http_seconds: Family::new_with_constructor(Seconds),
            completions: Family::default(),
            tokens: Family::default(),
            first_token: Family::new_with_constructor(Seconds),
            upstream_head: Family::new_with_constructor(Seconds),
            upstream_errors: Family::default(),
            notices: Family::default(),
            replays: Counter::default(),
        };
        r.register("http_requests", "HTTP requests by route and status", families.http.clone());
        let help = "From a request's head to the end of its answer";
        r.register_with_unit("http_request_duration", help, Unit::Seconds, families.http_seconds.clone());
        r.register("completions", "Answers by how they ended", families.completions.clone());
        r.register("tokens", "Tokens by model, kind and provenance", families.tokens.clone());
        let help = "From a request's arrival to its first text";
        r.register_with_unit("time_to_first_token", help, Unit::Seconds, families.first_token.clone());
        let help = "From a call of an upstream to the head of its answer";
        r.register_with_unit("upstream_head", help, Unit::Seconds, families.upstream_head.clone());
        r.register("upstream_errors", "Failed calls of upstreams by kind", families.upstream_errors.clone());
        r.register("notices", "Retries, failovers, outages and what came of them", families.notices.clone());
        let help = "Repeats that were given an answer which was asked for already";
        r.register("idempotent_replays", help, families.replays.clone());
        families
    }

    fn of_endpoint(&self, name: &str) -> EndpointHandles {
        let labels = EndpointLabels { endpoint: name.to_owned() };
        let ends = Operation::ALL.map(|operation| {
            End::ALL.map(|end| {
                ["false", "true"].map(|streamed| {
                    let endpoint = name.to_owned();
                    let (operation, end) = (operation.name(), end.name());
                    let labels = CompletionLabels { endpoint, operation, streamed, end };
                    self.completions.get_or_create_owned(&labels)
                })
            })
        });
        EndpointHandles {
            name: name.to_owned(),
            ends,
            first_token: self.first_token.get_or_create_owned(&labels),
            head: self.upstream_head.get_or_create_owned(&labels),
            models: Handles::default(),
        }
    }

    fn of_model(&self, endpoint: &str, model: &str) -> ModelHandles {
        Provenance::ALL.map(|provenance| {
            TOKEN_KINDS.map(|kind| {
                let (endpoint, model) = (endpoint.to_owned(), model.to_owned());
                let labels = TokenLabels { endpoint, model, kind, provenance: provenance.name() };
                self.tokens.get_or_create_owned(&labels)
            })
        })
    }
}

impl EndpointHandles {
    fn model(&self, families: &Families, model: &str) -> Arc<ModelHandles> {
        let known = self.models.len() < MAX_MODELS || self.models.contains(model);
        let model = if known { model } else { "other" };
        self.models.get(model, || (model.to_owned(), families.of_model(&self.name, model)))
    }
}

impl UsageSink for Metrics {
    fn record(&self, record: &UsageRecord<'_>) {
        let endpoint = self.endpoint(record.endpoint);
        endpoint.ends[record.operation as usize][record.end as usize][usize::from(record.streamed)].inc();
        if let Some(milliseconds) = record.time_to_first_token_ms {
            endpoint.first_token.observe(milliseconds / 1000.0);
        }
        let tokens = &record.tokens;
        let counts = [
            tokens.prompt_tokens,
            tokens.completion_tokens,
            tokens.prompt_tokens_details.cached_tokens,
            tokens.completion_tokens_details.reasoning_tokens,
        ];
        let model = endpoint.model(&self.families, record.model);
        for (counter, count) in model[record.provenance as usize].iter().zip(counts) {
            counter.inc_by(count);
        }
    }
}

impl AccessSink for Metrics {
    fn access(&self, record: &AccessRecord<'_>) {
        let (route, method, status) = (record.route, known_method(record.method), record.status);
        let key = (route, method, status);
        let handles = self.routes.get(&key, || {
            let requests = self.families.http.get_or_create_owned(&HttpLabels { route, method, status });
            let seconds = self.families.http_seconds.get_or_create_owned(&RouteLabels { route });
            (key, RouteHandles { requests, seconds })
        });
        handles.requests.inc();
        handles.seconds.observe(record.duration_ms / 1000.0);
    }
}

/// Methods come from callers as well.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

impl UpstreamObserver for Metrics {
    fn upstream_error(&self, endpoint: &str, kind: Kind) {
        let labels = ErrorLabels { endpoint: endpoint.to_owned(), kind: kind.name() };
        self.families.upstream_errors.get_or_create(&labels).inc();
    }

    fn upstream_head(&self, endpoint: &str, wait: Duration) {
        self.endpoint(endpoint).head.observe(wait.as_secs_f64());
    }
}

impl NoticeSink for Metrics {
    fn notice(&self, event: &NoticeEvent) {
        self.families.notices.get_or_create(&NoticeLabels { r#type: event.name() }).inc();
    }
}

impl ReplayObserver for Metrics {
    fn replayed(&self) {
        self.families.replays.inc();
    }
}

impl MetricsPage for Metrics {
    fn page(&self, endpoints: &[EndpointState]) -> String {
        let mut page = String::new();
        let endpoints = endpoints::registry(endpoints);
        let written = encode_registry(&mut page, &self.registry)
            .and_then(|()| encode_registry(&mut page, &endpoints))
            .and_then(|()| encode_eof(&mut page));
        match written {
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
            operation: Operation::Chat,
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
        metrics.notice(&NoticeEvent::Outage { endpoint: None, reason: "r".into(), retry_after_ms: None });
        metrics.replayed();
        let page = metrics.page(&[]);
        for line in [
            "llm_proxy_build{version=\"1.2.3\"} 1",
            "llm_proxy_completions_total{endpoint=\"litellm\",operation=\"chat.completions\",streamed=\"true\",end=\"truncated\"} 1",
            "llm_proxy_tokens_total{endpoint=\"litellm\",model=\"gpt-4\",kind=\"completion\",provenance=\"counted\"} 5",
            "llm_proxy_time_to_first_token_seconds_bucket{le=\"0.025\",endpoint=\"litellm\"} 1",
            "llm_proxy_idempotent_replays_total 1",
            "llm_proxy_upstream_errors_total{endpoint=\"litellm\",kind=\"stream_truncated\"} 1",
            "llm_proxy_notices_total{type=\"outage\"} 1",
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
        let page = metrics.page(&[]);
        assert!(page.contains("model=\"other\""));
        assert!(page.matches("kind=\"prompt\",provenance=\"counted\"").count() <= MAX_MODELS + 1);
    }
}
