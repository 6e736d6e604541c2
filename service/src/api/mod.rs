//! The HTTP surface: routes, bodies in, answers out.
//!
//! Knows actix-web. Refuses to know upstreams and vendors: it asks the services.

mod answer;
mod body;
pub mod error_response;
mod events_body;
pub mod head_errors;
mod headers;
mod metrics;
pub mod ollama;
pub mod openapi;
mod repeats;
mod stream_body;
pub mod v1;
mod whole_body;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};

use crate::outbound::client::Client;
use crate::services::catalog::Catalog;
use crate::services::completion::Engine;
use crate::services::doctor::Doctor;
use crate::services::idempotency::Repeats;
use crate::services::readiness::Readiness;

/// What every handler may use; one a worker, most of it shared.
pub struct Api {
    /// Answers requests.
    pub engine: Arc<Engine>,
    /// Attaches repeats to the answers that they repeat.
    pub repeats: Arc<Repeats>,
    /// Lists models.
    pub catalog: Arc<Catalog>,
    /// Knows whether the backend answers.
    pub readiness: Arc<Readiness>,
    /// Finds out what is wrong with an endpoint.
    pub doctor: Arc<Doctor>,
    /// This worker's connections.
    pub client: Client,
    /// What `/health` tells.
    pub about: About,
    /// What a body may be.
    pub body_limits: BodyLimits,
}

/// What `/health` tells.
#[derive(Clone)]
pub struct About {
    /// The version.
    pub version: String,
    /// `litellm`, `native` or `mock`.
    pub mode: String,
}

/// What a request's body may be.
#[derive(Clone, Copy)]
pub struct BodyLimits {
    /// Its size.
    pub max_bytes: usize,
    /// How long it may take to arrive.
    pub timeout: Duration,
}

/// Every route's path, for metrics.
pub const ROUTES: &[&str] = &[
    "/health",
    "/health/live",
    "/health/ready",
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/llm/models",
    "/v1/llm/events",
    "/v1/llm/health",
    "/v1/llm/doctor",
    "/v1/llm/summarize",
    "/v1/llm/title",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/api/embeddings",
    "/api/tags",
    "/api/show",
    "/api/ps",
    "/api/version",
    "/openapi.json",
    "/docs",
    "/metrics",
];

/// The routes. A known path with a wrong method is 405, an unknown path 404.
pub fn routes(config: &mut ServiceConfig) {
    let get = |path: &str| web::resource(path).default_service(web::to(error_response::only_get));
    let post = |path: &str| web::resource(path).default_service(web::to(error_response::only_post));
    config
        .service(post("/v1/chat/completions").route(web::post().to(v1::chat::chat)))
        .service(post("/chat/completions").route(web::post().to(v1::chat::chat_alias)))
        .service(post("/v1/completions").route(web::post().to(v1::chat::completions)))
        .service(post("/v1/embeddings").route(web::post().to(v1::embeddings::embeddings)))
        .service(post("/v1/llm/summarize").route(web::post().to(v1::tasks::summarize)))
        .service(post("/v1/llm/title").route(web::post().to(v1::tasks::title)))
        .service(get("/v1/models").route(web::get().to(v1::models::models)))
        .service(get("/v1/llm/models").route(web::get().to(v1::models::models_alias)))
        .service(get("/v1/llm/events").route(web::get().to(v1::events::events)))
        .service(get("/v1/llm/health").route(web::get().to(v1::llm_health::llm_health)))
        .service(get("/v1/llm/doctor").route(web::get().to(v1::doctor::doctor)))
        .service(post("/api/chat").route(web::post().to(ollama::answers::chat)))
        .service(post("/api/generate").route(web::post().to(ollama::answers::generate)))
        .service(post("/api/embed").route(web::post().to(ollama::answers::embed)))
        .service(post("/api/embeddings").route(web::post().to(ollama::answers::embeddings)))
        .service(get("/api/tags").route(web::get().to(ollama::catalog::tags)))
        .service(post("/api/show").route(web::post().to(ollama::catalog::show)))
        .service(get("/api/ps").route(web::get().to(ollama::catalog::ps)))
        .service(get("/api/version").route(web::get().to(ollama::catalog::version)))
        .service(get("/health").route(web::get().to(v1::health::health)))
        .service(get("/health/live").route(web::get().to(v1::health::live)))
        .service(get("/health/ready").route(web::get().to(v1::health::ready)))
        .service(get("/metrics").route(web::get().to(metrics::metrics)))
        .configure(openapi::routes)
        .default_service(web::to(error_response::unknown_path));
}
