//! `/api/tags`, `/api/show`, `/api/ps`, `/api/version`: what Ollama's clients ask before they ask a model.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::adapters::ClientFormat;
use crate::adapters::ollama::catalog;
use crate::api::answer::asked;
use crate::api::openapi::{OllamaError, OllamaShowRequest};
use crate::api::{Api, error_response};
use crate::domain::abilities::Abilities;
use crate::domain::chat::parse_json;
use crate::domain::envelope::Operation;
use crate::error::{Error, Result};

const FORMAT: ClientFormat = ClientFormat::OllamaChat;

/// When every model was last changed, as far as anybody knows: the same for all, so that a list is the
/// same twice.
const MODIFIED: Duration = Duration::from_secs(1_700_000_000);

/// Lists the models, in Ollama's format.
#[utoipa::path(get, path = "/api/tags", operation_id = "ollama_tags", tag = "ollama",
    responses((status = 200, description = "Ollama's list of models")))]
pub async fn tags(api: Data<Api>) -> HttpResponse {
    match names(&api).await {
        Ok(names) => json(catalog::tags(names.iter().map(String::as_str), MODIFIED)),
        Err(error) => error_response::answer(FORMAT, &error),
    }
}

async fn names(api: &Api) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct List {
        data: Vec<Model>,
    }
    #[derive(serde::Deserialize)]
    struct Model {
        id: String,
    }
    let list = api.catalog.list(&api.engine, &api.client).await?;
    let list: List = parse_json(&list)?;
    Ok(list.data.into_iter().map(|model| model.id).collect())
}

/// Describes a model, in Ollama's format, as far as the configuration tells.
#[utoipa::path(post, path = "/api/show", operation_id = "ollama_show", tag = "ollama", request_body = OllamaShowRequest,
    responses(
        (status = 200, description = "Ollama's description of a model"),
        (status = 404, description = "No such model", body = OllamaError),
    ))]
pub async fn show(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    let body = match asked(Operation::Chat, FORMAT, &req, payload, &api).await {
        Ok(asked) => asked.body,
        Err(response) => return response,
    };
    let shown = shown(&api, &body);
    shown.map_or_else(|error| error_response::answer(FORMAT, &error), json)
}

fn shown(api: &Api, body: &Bytes) -> Result<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct Asked {
        #[serde(default, alias = "name")]
        model: Option<String>,
    }
    let asked: Asked = parse_json(body)?;
    let missing = || Error::invalid("model", "`model` is required").with_code("missing_required_parameter");
    let model = asked.model.filter(|model| !model.is_empty()).ok_or_else(missing)?;
    api.engine.routing.route(&model)?;
    let endpoints = api.engine.routing.endpoints_of(&model);
    let abilities = Abilities::of(endpoints.iter().map(|endpoint| endpoint.abilities));
    Ok(catalog::show(&model, &abilities, MODIFIED))
}

/// The models in memory: none, they are elsewhere.
#[utoipa::path(get, path = "/api/ps", operation_id = "ollama_ps", tag = "ollama",
    responses((status = 200, description = "An empty list")))]
pub async fn ps() -> HttpResponse {
    json(catalog::ps())
}

/// The version of Ollama whose format this is.
#[utoipa::path(get, path = "/api/version", operation_id = "ollama_version", tag = "ollama",
    responses((status = 200, description = "Ollama's version")))]
pub async fn version() -> HttpResponse {
    json(catalog::version())
}

fn json(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}
