//! Embeddings, relayed.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::Api;
use crate::api::answer::answer;
use crate::api::openapi::{EmbeddingsRequest, ErrorEnvelope, RepeatHeaders};
use crate::domain::envelope::Operation;

/// Turns texts into vectors.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    tag = "embeddings",
    request_body = EmbeddingsRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "OpenAI's list of embeddings"),
        (status = 400, description = "The request is malformed, or was refused upstream", body = ErrorEnvelope),
    ),
)]
pub async fn embeddings(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(Operation::Embeddings, req, payload, api).await
}
