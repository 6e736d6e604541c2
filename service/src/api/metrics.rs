//! `GET /metrics`: the counts for Prometheus.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::services::observability::Observability;

/// OpenMetrics' text. Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/>
pub async fn metrics(observability: Data<Observability>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(observability.metrics_page())
}
