//! `GET /metrics`: the counts for Prometheus.

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::Api;
use crate::services::health;
use crate::services::observability::Observability;

/// Shows the counts for Prometheus, as OpenMetrics' text.
///
/// Needs the key, unless `METRICS_OPEN` is set. Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/>
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "Counters, histograms, and how each endpoint is doing", content_type = "application/openmetrics-text")),
)]
pub async fn metrics(observability: Data<Observability>, api: Data<Api>) -> HttpResponse {
    let endpoints = health::states(&api.engine.routing, Instant::now());
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(observability.metrics_page(&endpoints))
}
