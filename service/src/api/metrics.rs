//! `GET /metrics`: the counts for Prometheus.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::services::observability::Observability;

/// Shows the counts for Prometheus, as OpenMetrics' text.
///
/// Needs the key, unless `METRICS_OPEN` is set. Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/>
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "Counters and histograms", content_type = "application/openmetrics-text")),
)]
pub async fn metrics(observability: Data<Observability>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(observability.metrics_page())
}
