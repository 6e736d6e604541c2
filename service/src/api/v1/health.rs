//! Whether the service is there, alive, and ready. Open to everyone: nothing here is a secret.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::adapters::liveness_path;
use crate::api::Api;
use crate::outbound::probe;

/// How long the backend may take to say that it is up.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of the service.
#[derive(Serialize, ToSchema)]
pub struct Health<'a> {
    /// `ok`, `unavailable` or `stopping`.
    status: &'a str,
    /// The version that runs.
    version: &'a str,
    /// `litellm`, `native` or `mock`.
    mode: &'a str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl<'a> Health<'a> {
    fn of(api: &'a Api, status: &'a str, reason: Option<String>) -> Self {
        Self { status, version: &api.about.version, mode: &api.about.mode, reason }
    }
}

/// Says that the service runs, in which version and mode. Asks no backend.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "It runs", body = Health)))]
pub async fn health(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(Health::of(&api, "ok", None))
}

/// Says that the process is alive.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, description = "It is alive", body = Health)))]
pub async fn live(api: Data<Api>) -> HttpResponse {
    health(api).await
}

/// Says whether requests can be served: the backend answers, and the service is not stopping.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses(
        (status = 200, description = "It is ready", body = Health),
        (status = 503, description = "It is not", body = Health),
    ))]
pub async fn ready(api: Data<Api>) -> HttpResponse {
    if api.engine.lifecycle.is_draining() {
        let reason = Some("the service is stopping".to_owned());
        return HttpResponse::ServiceUnavailable().json(Health::of(&api, "stopping", reason));
    }
    match backend(&api).await {
        Ok(()) => HttpResponse::Ok().json(Health::of(&api, "ok", None)),
        Err(reason) => HttpResponse::ServiceUnavailable().json(Health::of(&api, "unavailable", Some(reason))),
    }
}

async fn backend(api: &Api) -> Result<(), String> {
    // Without a LiteLLM in front, or with endpoints behind it, there is somebody to serve.
    let Some(endpoint) = api.engine.routing.litellm() else { return Ok(()) };
    let Some(path) = liveness_path(endpoint.provider) else { return Ok(()) };
    if api.engine.routing.has_models() {
        return Ok(());
    }
    let probe = || probe::endpoint_answers(&api.client, endpoint, path, PROBE_TIMEOUT);
    api.readiness.check(probe).await
}
