//! How the endpoints and the proxies before them are doing.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::Api;
use crate::api::openapi::HealthRow;
use crate::services::health::{Moment, page};

/// Tells how each configured endpoint is doing, by its name, and behind them each proxy on the way to one of them, by
/// its URL. Asks nobody.
#[utoipa::path(
    get,
    path = "/v1/llm/health",
    tag = "health",
    responses((
        status = 200,
        description = "Every configured endpoint by its name, then every proxy that they are reached through by its URL",
        body = std::collections::HashMap<String, HealthRow>,
    )),
)]
pub async fn llm_health(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(page(&api.engine.routing, Moment::now()))
}
