//! The models that can be asked for.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::Api;
use crate::api::error_response::Fault;
use crate::api::openapi::{ErrorEnvelope, ModelList};

/// Lists the models, as the backend does; kept for ten seconds.
///
/// # Errors
/// As OpenAI's envelope.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "models",
    responses(
        (status = 200, description = "OpenAI's list of models", body = ModelList),
        (status = 503, description = "The backend cannot be reached", body = ErrorEnvelope),
    ),
)]
pub async fn models(api: Data<Api>) -> Result<HttpResponse, Fault> {
    let list = api.catalog.list(&api.engine, &api.client).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(list))
}

/// The same under our own path.
///
/// # Errors
/// As OpenAI's envelope.
#[utoipa::path(
    get,
    path = "/v1/llm/models",
    tag = "models",
    responses((status = 200, description = "As for /v1/models", body = ModelList)),
)]
pub async fn models_alias(api: Data<Api>) -> Result<HttpResponse, Fault> {
    models(api).await
}
