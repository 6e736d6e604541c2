//! The service's own jobs on a conversation.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::adapters::ClientFormat;
use crate::api::answer::asked;
use crate::api::error_response::failed;
use crate::api::openapi::{ConversationRequest, ErrorEnvelope, SummaryResponse, TitleResponse};
use crate::api::{Api, headers};
use crate::domain::envelope::Operation;
use crate::services::completion::Failed;
use crate::services::tasks::{Done, Task};

/// Summarizes a conversation, by the model of the role `summarizer`.
#[utoipa::path(
    post,
    path = "/v1/llm/summarize",
    tag = "tasks",
    request_body = ConversationRequest,
    responses(
        (status = 200, description = "The summary", body = SummaryResponse),
        (status = 400, description = "The conversation is malformed", body = ErrorEnvelope),
    ),
)]
pub async fn summarize(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(Task::Summary, "summary", &req, payload, &api).await
}

/// Finds a title for a conversation, by the model of the role `title-generator`.
#[utoipa::path(
    post,
    path = "/v1/llm/title",
    tag = "tasks",
    request_body = ConversationRequest,
    responses(
        (status = 200, description = "The title", body = TitleResponse),
        (status = 400, description = "The conversation is malformed", body = ErrorEnvelope),
    ),
)]
pub async fn title(req: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    answer(Task::Title, "title", &req, payload, &api).await
}

async fn answer(task: Task, name: &str, req: &HttpRequest, payload: Payload, api: &Api) -> HttpResponse {
    let asked = match asked(Operation::Chat, ClientFormat::Openai, req, payload, api).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let done = async {
        let request = task.request(asked).map_err(Failed::from)?;
        task.read(api.engine.complete(&api.client, request).await?)
    };
    match done.await {
        Ok(done) => response(name, done),
        Err(failure) => failed(ClientFormat::Openai, &failure),
    }
}

fn response(name: &str, Done { text, model, usage, by }: Done) -> HttpResponse {
    let mut body = json!({name: text, "model": model, "usage": usage});
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, value| *value != Value::Null);
    }
    let mut response = HttpResponse::Ok().json(body);
    headers::add_served_by(response.headers_mut(), &by);
    response
}
