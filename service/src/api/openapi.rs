//! The description of the HTTP surface, and a page that shows it without the internet.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{error_response, metrics, ollama, v1};

/// What a request says that may be repeated.
#[derive(Serialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[serde(rename_all = "kebab-case")]
pub struct RepeatHeaders {
    /// The request's name, 1 to 255 visible ASCII characters. A repeat with the same body gets the answer that is
    /// there or on its way, with `x-llm-proxy-idempotent-replay: true` and the first request's id in
    /// `x-llm-proxy-original-request-id`. With another body it is 422.
    idempotency_key: Option<String>,
    /// With a key: the id of the last event that came; the stream goes on behind it.
    last_event_id: Option<u64>,
}

/// Which endpoint is examined, and how far.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DoctorQuery {
    /// An endpoint of `/v1/llm/health`, or one that the configuration leaves out.
    pub endpoint: Option<String>,
    /// `true` asks for an answer and a stream as well, which costs some tokens.
    pub spend: Option<String>,
}

/// A conversation to answer; every other member of OpenAI's request is passed on.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "Say hello!"}]}))]
pub struct ChatRequest {
    /// A model of `/v1/models`; without it, the service's default.
    model: Option<String>,
    /// The conversation, oldest first; not empty.
    messages: Vec<ChatMessage>,
    /// Whether the answer comes as Server-Sent Events.
    stream: Option<bool>,
    /// `{"include_usage": true}` for a last chunk with the usage.
    stream_options: Option<serde_json::Value>,
    /// From 0 to 2.
    temperature: Option<f64>,
    /// The longest answer, in tokens.
    max_completion_tokens: Option<u64>,
    /// Functions that the model may call.
    tools: Option<Vec<serde_json::Value>>,
    /// `none`, `auto`, `required`, or one function.
    tool_choice: Option<serde_json::Value>,
}

/// One turn of a conversation.
#[derive(Serialize, ToSchema)]
pub struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool` or `function`.
    role: String,
    /// A text, or OpenAI's content parts.
    content: Option<serde_json::Value>,
}

/// OpenAI's chat completion.
#[derive(Serialize, ToSchema)]
pub struct ChatResponse {
    /// The answer's id.
    id: String,
    /// `chat.completion`
    object: String,
    /// Unix time in seconds.
    created: u64,
    /// The model that answered.
    model: String,
    /// The answers.
    choices: Vec<serde_json::Value>,
    /// The tokens it cost.
    usage: Option<serde_json::Value>,
}

/// A text to continue.
#[derive(Serialize, ToSchema)]
pub struct CompletionRequest {
    /// A model of `/v1/models`.
    model: Option<String>,
    /// The text, or several.
    prompt: serde_json::Value,
    /// Whether the answer comes as Server-Sent Events.
    stream: Option<bool>,
}

/// Texts to turn into vectors.
#[derive(Serialize, ToSchema)]
pub struct EmbeddingsRequest {
    /// A model of `/v1/models`.
    model: Option<String>,
    /// A text, texts, or tokens.
    input: serde_json::Value,
    /// How long the vectors are.
    dimensions: Option<u32>,
    /// `float` or `base64`.
    encoding_format: Option<String>,
}

/// A conversation to work on; other members of a chat request are passed on.
#[derive(Serialize, ToSchema)]
pub struct ConversationRequest {
    /// The conversation, oldest first; not empty.
    messages: Vec<ChatMessage>,
    /// Instead of the role's model.
    model: Option<String>,
}

/// A conversation's summary.
#[derive(Serialize, ToSchema)]
pub struct SummaryResponse {
    /// The summary, in the conversation's language.
    summary: String,
    /// The model that wrote it.
    model: Option<String>,
    /// The tokens it cost.
    usage: Option<serde_json::Value>,
}

/// A conversation's title.
#[derive(Serialize, ToSchema)]
pub struct TitleResponse {
    /// The title, in the conversation's language.
    title: String,
    /// The model that found it.
    model: Option<String>,
    /// The tokens it cost.
    usage: Option<serde_json::Value>,
}

/// OpenAI's list of models.
#[derive(Serialize, ToSchema)]
pub struct ModelList {
    /// `list`
    object: String,
    /// `{"id", "object", "created", "owned_by"}` each.
    data: Vec<serde_json::Value>,
}

/// How one endpoint is doing.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"provider": "openai", "in_flight": 2, "state": "degraded", "success_rate": 0.75,
    "requests": 40, "consecutive_failures": 2,
    "last_error": {"code": "upstream_failure", "message": "eu answered 503", "seconds_ago": 7},
    "latency_ms": {"p50": 310.5, "p95": 1240.0}, "opened_at": null, "probes_at": null, "rests_until": null}))]
pub struct EndpointHealth {
    /// The wire format it speaks.
    provider: String,
    /// Requests in flight.
    in_flight: u64,
    /// `false` where it is reached over TLS and believed whoever it is; left out otherwise.
    ssl_verify: Option<bool>,
    /// `healthy`; `degraded`: asked, but it failed lately or limits the rate; `open`: not asked; `probing`:
    /// one request is finding out whether it is back.
    state: String,
    /// The part of the requests of five minutes that succeeded, from 0 to 1; 1 without any.
    success_rate: f64,
    /// The requests of five minutes whose outcome says something about the endpoint.
    requests: u64,
    /// Failures since the last success.
    consecutive_failures: u32,
    /// `{"code", "message", "seconds_ago"}` of the last failure that was the endpoint's.
    last_error: Option<serde_json::Value>,
    /// `{"p50", "p95"}` of the waits for the last answers of five minutes; null without any.
    latency_ms: serde_json::Value,
    /// Since when it is not asked, as RFC 3339 has it.
    opened_at: Option<String>,
    /// When a request may find out whether it is back.
    probes_at: Option<String>,
    /// Until when it asked to be left alone; it is asked last.
    rests_until: Option<String>,
    /// The same for each model, without `provider` and `in_flight`, where it serves many: each is judged
    /// apart, and the endpoint is their sum.
    models: Option<serde_json::Value>,
}

/// One proxy on the way to endpoints.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"proxy": "proxy.house.example:3128", "scheme": "http", "endpoints": ["eu", "us"],
    "state": "failing", "consecutive_failures": 2,
    "last_error": {"code": "proxy_authentication_required",
    "message": "the proxy proxy.house.example:3128 wants other credentials than ours (407)", "seconds_ago": 7},
    "last_success_at": "2026-11-25T13:00:00Z"}))]
pub struct ProxyHealth {
    /// `host:port`.
    proxy: String,
    /// How it is spoken to: `http`, `https`, `socks5` or `socks5h`.
    scheme: String,
    /// The names of the endpoints that are reached through it.
    endpoints: Vec<String>,
    /// `healthy`, or `failing`: it was in the way of the last request of which anything can be told.
    state: String,
    /// How often it was in the way since an answer came through last.
    consecutive_failures: u32,
    /// `{"code", "message", "seconds_ago"}` of the last time that it was in the way.
    last_error: Option<serde_json::Value>,
    /// When an answer came through last, as RFC 3339 has it.
    last_success_at: Option<String>,
}

/// One member of the page on health.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum HealthRow {
    /// Of an endpoint, by its name.
    Endpoint(EndpointHealth),
    /// Of a proxy, by its URL without credentials.
    Proxy(ProxyHealth),
}

/// What was found about one endpoint.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"endpoint": "eu", "about": "openai at https://llm.example/v1", "verdict": "failed",
    "steps": [{"step": "dns", "verdict": "failed", "ms": 12.3, "detail": "llm.example has no address",
    "advice": "Correct the host in `api_base`, or set `proxy_https` where only a proxy knows that name."}]}))]
pub struct DoctorReport {
    /// Its name.
    endpoint: String,
    /// What it is and where.
    about: String,
    /// The worst of its steps: `ok`, `warning` or `failed`.
    verdict: String,
    /// In order; those that do not apply are left out.
    steps: Vec<DoctorStep>,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
pub struct DoctorStep {
    /// `configuration`, `secrets`, `dns`, `tcp`, `proxy_tls`, `proxy_connect`, `proxy_auth`, `tls`, `http`,
    /// `credentials`, `model`, `completion` or `streaming`.
    step: String,
    /// `ok`; `warning`: it works, or may work; `failed`; `skipped`: the detail says why.
    verdict: String,
    /// How long it took, in milliseconds.
    ms: f64,
    /// What was found.
    detail: String,
    /// What to change, where something is wrong.
    advice: Option<String>,
}

/// A conversation in Ollama's form.
#[derive(Serialize, ToSchema)]
pub struct OllamaChatRequest {
    /// A model of `/api/tags`.
    model: String,
    /// `{"role", "content", "images", "tool_calls", …}` each.
    messages: Vec<serde_json::Value>,
    /// False for an answer that is not streamed.
    stream: Option<bool>,
    /// Functions that the model may call.
    tools: Option<Vec<serde_json::Value>>,
    /// `json`, or a JSON schema.
    format: Option<serde_json::Value>,
    /// `temperature`, `num_predict`…
    options: Option<serde_json::Value>,
    /// Whether, or how much, the model thinks.
    think: Option<serde_json::Value>,
}

/// A prompt in Ollama's form.
#[derive(Serialize, ToSchema)]
pub struct OllamaGenerateRequest {
    /// A model of `/api/tags`.
    model: String,
    /// The text to go on from.
    prompt: Option<String>,
    /// The system prompt.
    system: Option<String>,
    /// Images in Base64.
    images: Option<Vec<String>>,
    /// False for an answer that is not streamed.
    stream: Option<bool>,
    /// `json`, or a JSON schema.
    format: Option<serde_json::Value>,
    /// `temperature`, `num_predict`…
    options: Option<serde_json::Value>,
}

/// Texts to turn into vectors, in Ollama's form.
#[derive(Serialize, ToSchema)]
pub struct OllamaEmbedRequest {
    /// A model of `/api/tags`.
    model: String,
    /// A text, or several; `prompt` for `/api/embeddings`.
    input: serde_json::Value,
    /// How long the vectors are.
    dimensions: Option<u32>,
}

/// A model to describe.
#[derive(Serialize, ToSchema)]
pub struct OllamaShowRequest {
    /// A model of `/api/tags`.
    model: String,
}

/// Ollama's error.
#[derive(Serialize, ToSchema)]
pub struct OllamaError {
    /// What went wrong.
    error: String,
}

/// OpenAI's error envelope.
#[derive(Serialize, ToSchema)]
pub struct ErrorEnvelope {
    /// What went wrong.
    error: ErrorObject,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct ErrorObject {
    /// For people.
    message: String,
    /// The class of the error.
    r#type: String,
    /// The member of the request that is at fault.
    param: Option<String>,
    /// For programs.
    code: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "llm-proxy", description = "Any LLM behind one OpenAI-format API, with honest streams."),
    paths(
        v1::chat::chat,
        v1::chat::chat_alias,
        v1::chat::completions,
        v1::embeddings::embeddings,
        v1::models::models,
        v1::models::models_alias,
        v1::events::events,
        v1::llm_health::llm_health,
        v1::doctor::doctor,
        v1::tasks::summarize,
        v1::tasks::title,
        ollama::answers::chat,
        ollama::answers::generate,
        ollama::answers::embed,
        ollama::answers::embeddings,
        ollama::catalog::tags,
        ollama::catalog::show,
        ollama::catalog::ps,
        ollama::catalog::version,
        v1::health::health,
        v1::health::live,
        v1::health::ready,
        metrics::metrics,
    ),
    modifiers(&Keys),
    security(("internal_auth" = []), ("bearer" = [])),
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let key = ApiKey::Header(ApiKeyValue::new("x-internal-auth"));
        components.add_security_scheme("internal_auth", SecurityScheme::ApiKey(key));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The description as pretty JSON, for `llm-proxy openapi`.
///
/// # Errors
/// It cannot be written as JSON.
pub fn description() -> serde_json::Result<String> {
    Description::openapi().to_pretty_json()
}

/// `/openapi.json` and `/docs`.
pub fn routes(config: &mut ServiceConfig) {
    let get = |path: &str| web::resource(path).default_service(web::to(error_response::only_get));
    let description = web::get().to(|| async { HttpResponse::Ok().json(Description::openapi()) });
    // The page's default is to have the description validated by a server on the internet.
    let page = Config::new(["/openapi.json"]).validator_url("none");
    config
        .service(get("/openapi.json").route(description))
        .service(get("/docs").route(web::get().to(to_the_page)))
        .service(SwaggerUi::new("/docs/{file:.*}").config(page));
}

async fn to_the_page() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header(("location", "/docs/")).finish()
}
