//! What is wrong with an endpoint.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::Api;
use crate::api::error_response::Fault;
use crate::api::openapi::{DoctorQuery, DoctorReport, ErrorEnvelope};
use crate::error::{Error, Result};
use crate::services::doctor::Options;

/// Examines one endpoint step by step: the way to it, TLS, its answer, our key, the model; an answer and a
/// stream only with `spend=true`. Takes ten seconds a step at most.
///
/// # Errors
/// As OpenAI's envelope.
#[utoipa::path(
    get,
    path = "/v1/llm/doctor",
    tag = "health",
    params(DoctorQuery),
    responses(
        (status = 200, description = "What was found, good or bad", body = DoctorReport),
        (status = 400, description = "`endpoint` is missing, or `spend` is neither true nor false", body = ErrorEnvelope),
        (status = 404, description = "There is no such endpoint; near names are told", body = ErrorEnvelope),
    ),
)]
pub async fn doctor(req: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Fault> {
    let (name, spend) = asked(req.query_string())?;
    let options = Options { spend, mock_timing: api.engine.mock_timing };
    Ok(HttpResponse::Ok().json(api.doctor.examine(&api.engine.routing, &name, options).await?))
}

fn asked(query: &str) -> Result<(String, bool)> {
    let wrong = |param: &str, message: String| Err(Error::invalid(param, message).with_code("invalid_value"));
    let asked = match Query::<DoctorQuery>::from_query(query) {
        Ok(asked) => asked.into_inner(),
        Err(error) => return wrong("endpoint", format!("the query cannot be read: {error}")),
    };
    let spend = match asked.spend.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return wrong("spend", "`spend` has to be true or false".to_owned()),
    };
    match asked.endpoint {
        Some(name) if !name.is_empty() => Ok((name, spend)),
        _ => wrong("endpoint", "`endpoint` has to name one: see /v1/llm/health".to_owned()),
    }
}
