//! How the endpoints are doing.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::Api;
use crate::api::openapi::EndpointHealth;
use crate::services::health::{Moment, page};

/// Tells how each configured endpoint is doing, by its name. Asks no endpoint.
#[utoipa::path(
    get,
    path = "/v1/llm/health",
    tag = "health",
    responses((
        status = 200,
        description = "Every configured endpoint by its name",
        body = std::collections::HashMap<String, EndpointHealth>,
    )),
)]
pub async fn llm_health(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(page(&api.engine.routing, Moment::now()))
}
