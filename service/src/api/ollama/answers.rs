//! `/api/chat`, `/api/generate`, `/api/embed`, `/api/embeddings`.

use std::time::SystemTime;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::adapters::ClientFormat;
use crate::adapters::ollama::errand::Errand;
use crate::adapters::ollama::inbound::{self, Inbound};
use crate::api::Api;
use crate::api::answer::{asked, served};
use crate::api::error_response;
use crate::api::openapi::{
    OllamaChatRequest, OllamaEmbedRequest, OllamaError, OllamaGenerateRequest, RepeatHeaders,
};
use crate::domain::envelope::Operation;
use crate::error::Result;
use crate::services::completion::{Asked, Original};

/// Answers a conversation in Ollama's format: a stream of JSON lines unless `"stream": false`.
#[utoipa::path(
    post,
    path = "/api/chat",
    operation_id = "ollama_chat",
    tag = "ollama",
    request_body = OllamaChatRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "Ollama's answer, or a stream of JSON lines"),
        (status = 400, description = "The request is malformed, or was refused upstream", body = OllamaError),
        (status = 404, description = "No such model", body = OllamaError),
    ),
)]
pub async fn chat(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(ClientFormat::OllamaChat, req, payload, api).await
}

/// Continues a prompt in Ollama's format: a stream of JSON lines unless `"stream": false`.
#[utoipa::path(
    post,
    path = "/api/generate",
    operation_id = "ollama_generate",
    tag = "ollama",
    request_body = OllamaGenerateRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "Ollama's answer, or a stream of JSON lines"),
        (status = 400, description = "The request is malformed, or was refused upstream", body = OllamaError),
    ),
)]
pub async fn generate(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(ClientFormat::OllamaGenerate, req, payload, api).await
}

/// Turns texts into vectors, in Ollama's format.
#[utoipa::path(
    post,
    path = "/api/embed",
    operation_id = "ollama_embed",
    tag = "ollama",
    request_body = OllamaEmbedRequest,
    params(RepeatHeaders),
    responses(
        (status = 200, description = "Ollama's list of embeddings"),
        (status = 400, description = "The request is malformed, or was refused upstream", body = OllamaError),
    ),
)]
pub async fn embed(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(ClientFormat::OllamaEmbed, req, payload, api).await
}

/// Turns one text into a vector: the older form of `/api/embed`.
#[utoipa::path(
    post,
    path = "/api/embeddings",
    operation_id = "ollama_embeddings",
    tag = "ollama",
    request_body = OllamaEmbedRequest,
    params(RepeatHeaders),
    responses((status = 200, description = "One embedding")),
)]
pub async fn embeddings(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(ClientFormat::OllamaEmbeddings, req, payload, api).await
}

async fn answer(format: ClientFormat, req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    // Which operation it is, only the body tells.
    let asked = match asked(Operation::Chat, format, &req, payload, &api).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let inbound = match inbound::parse(format, &asked.body) {
        Ok(inbound) => inbound,
        Err(error) => return error_response::answer(format, &error),
    };
    match inbound.errand {
        Some(errand) => done(format, errand, inbound.model, &api)
            .unwrap_or_else(|error| error_response::answer(format, &error)),
        None => served(translated(asked, inbound), &req, &api).await,
    }
}

/// The request in OpenAI's form, with the caller's own bytes beside it.
fn translated(asked: Asked, inbound: Inbound) -> Asked {
    let Inbound { operation, body, dropped, ollama_only, .. } = inbound;
    let original = Original { body: asked.body, dropped, refused_elsewhere: ollama_only };
    Asked { operation, body, original: Some(original), ..asked }
}

/// Nothing is asked of the model: there is nothing to load but a name.
fn done(format: ClientFormat, errand: Errand, model: Option<String>, api: &Api) -> Result<HttpResponse> {
    let model = model.unwrap_or_else(|| api.engine.routing.default_model());
    api.engine.routing.route(&model)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(HttpResponse::Ok().content_type("application/json").body(errand.answer(format, &model, now)))
}
