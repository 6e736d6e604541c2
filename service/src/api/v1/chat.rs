//! Completions: chat, and the older form.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::Api;
use crate::api::answer::answer;
use crate::api::openapi::{ChatRequest, ChatResponse, CompletionRequest, ErrorEnvelope, RepeatHeaders};
use crate::domain::envelope::Operation;

/// Answers a conversation, whole or as Server-Sent Events.
///
/// With `"stream": true` the answer is a stream of `data: {chunk}` events that ends with
/// `data: [DONE]` if, and only if, it is complete; a failure in the middle is a last event
/// `data: {"error": …}`. Unknown members of the request are passed on untouched.
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    tag = "completions",
    request_body = ChatRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "The answer, or a stream of events", body = ChatResponse),
        (status = 400, description = "The request is malformed, or was refused upstream", body = ErrorEnvelope),
        (status = 401, description = "No key, or a wrong one", body = ErrorEnvelope),
        (status = 409, description = "The answer to the request with this `idempotency-key` was not kept", body = ErrorEnvelope),
        (status = 422, description = "The `idempotency-key` was used for another request", body = ErrorEnvelope),
        (status = 429, description = "Rate limit; see `retry-after`", body = ErrorEnvelope),
        (status = 502, description = "The upstream failed", body = ErrorEnvelope),
        (status = 503, description = "The upstream cannot be reached, or the service is stopping", body = ErrorEnvelope),
        (status = 504, description = "The upstream did not answer in time", body = ErrorEnvelope),
    ),
)]
pub async fn chat(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(Operation::Chat, req, payload, api).await
}

/// The same under a shorter path.
#[utoipa::path(
    post,
    path = "/chat/completions",
    tag = "completions",
    request_body = ChatRequest,
    params(RepeatHeaders),
    responses((status = 200, description = "As for /v1/chat/completions", body = ChatResponse)),
)]
pub async fn chat_alias(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    chat(req, payload, api).await
}

/// Continues a text: the older form, relayed.
#[utoipa::path(
    post,
    path = "/v1/completions",
    tag = "completions",
    request_body = CompletionRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "OpenAI's text completion, or a stream of events"),
        (status = 400, description = "The request is malformed, or was refused upstream", body = ErrorEnvelope),
    ),
)]
pub async fn completions(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(Operation::Completions, req, payload, api).await
}
