//! OpenAI's request as Mistral's.
//! Source: <https://docs.mistral.ai/api/#tag/chat>

use http::Uri;
use serde_json::{Value, json};

use super::messages;
use crate::adapters::body::{Body, allowed, offered};
use crate::adapters::params::{Unsupported, no_completions};
use crate::adapters::{Ask, Prepared, openai};
use crate::domain::call::HttpCall;
use crate::domain::chat::{ChatRequest, Function, JsonSchema, ResponseFormat, Tool, ToolChoice};
use crate::domain::embedding::EmbeddingsRequest;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

/// The highest temperature of the schema.
const MAX_TEMPERATURE: f64 = 1.5;

/// Members of OpenAI's that only some vendors know, Mistral among them.
const SHARED: [&str; 3] = ["metadata", "prediction", "prompt_cache_key"];

/// The call that asks.
///
/// # Errors
/// The request cannot be expressed in Mistral's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    match ask.operation {
        Operation::Chat => chat(endpoint, ask),
        Operation::Embeddings => embeddings(endpoint, ask),
        Operation::Completions => Err(no_completions(endpoint)),
    }
}

/// The URL of `path`, under `/v1` whether the configured base ends with it or not, as in LiteLLM.
fn uri(endpoint: &Endpoint, path: &str) -> Result<Uri> {
    let version = if endpoint.url.prefix.ends_with("/v1") { "" } else { "/v1" };
    openai::request::uri(endpoint, &format!("{version}{path}"))
}

/// The call that lists the models.
/// Source: <https://docs.mistral.ai/api/endpoint/models>
///
/// # Errors
/// The endpoint's URL or key cannot be sent.
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    let headers = openai::request::headers(endpoint, openai::request::bearer(endpoint)?);
    Ok(openai::request::get(uri(endpoint, "/models")?, headers))
}

fn chat(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = ChatRequest::parse(ask.body)?;
    let mut left_out = Unsupported::by(endpoint);
    let mut body = Body::of(ask);
    body.set("messages", Some(messages::of(endpoint, &request, &mut left_out)?));
    body.set("stream", ask.envelope.stream.then_some(true));
    tools(&request, &mut body)?;
    body.set("response_format", request.response_format.as_ref().map(response_format));
    sampling(&request, &mut body);
    body.set("reasoning_effort", request.reasoning_effort.clone());
    for name in SHARED {
        body.set(name, request.rest.get(name).cloned());
    }
    refuse(&request, &mut left_out)?;
    body.fill(left_out.rest_without_marks(&request, &SHARED)?);
    body.post(endpoint, ask, uri(endpoint, "/chat/completions")?, left_out.into_dropped())
}

fn tools(request: &ChatRequest, body: &mut Body) -> Result<()> {
    let choice = request.tool_choice.as_ref();
    let only = allowed(choice).filter(|_| matches!(choice, Some(ToolChoice::Allowed { .. })));
    let tools: Vec<Value> = offered(request, only)?.into_iter().map(tool).collect();
    body.set("tools", (!tools.is_empty()).then_some(tools));
    body.set("tool_choice", choice.map(tool_choice));
    body.set("parallel_tool_calls", request.parallel_tool_calls);
    Ok(())
}

fn tool(tool: &Tool) -> Value {
    let Function { name, description, parameters, strict } = match tool {
        Tool::Function { function, .. } => function,
        // `web_search`, `code_interpreter`…
        Tool::Other { tool, .. } => return Value::Object(tool.clone()),
    };
    let nothing = || json!({"type": "object", "properties": {}});
    let mut function = json!({"name": name, "parameters": parameters.clone().unwrap_or_else(nothing)});
    if let Some(description) = description {
        function["description"] = json!(description);
    }
    if let Some(strict) = strict {
        function["strict"] = json!(strict);
    }
    json!({"type": "function", "function": function})
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::None => json!("none"),
        ToolChoice::Auto | ToolChoice::Allowed { required: false, .. } => json!("auto"),
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => json!("any"),
        ToolChoice::Function(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(format: &ResponseFormat) -> Value {
    let JsonSchema { name, description, schema, strict } = match format {
        ResponseFormat::Text => return json!({"type": "text"}),
        ResponseFormat::JsonObject => return json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { json_schema } => json_schema,
    };
    let mut written = json!({"name": name, "schema": schema.clone().unwrap_or_else(|| json!({}))});
    if let Some(description) = description {
        written["description"] = json!(description);
    }
    if let Some(strict) = strict {
        written["strict"] = json!(strict);
    }
    json!({"type": "json_schema", "json_schema": written})
}

fn sampling(request: &ChatRequest, body: &mut Body) {
    body.set("max_tokens", request.token_limit());
    body.set("stop", (!request.stop.is_empty()).then(|| request.stop.clone()));
    body.set("temperature", request.temperature.map(|it| it.clamp(0.0, MAX_TEMPERATURE)));
    body.set("top_p", request.top_p);
    body.set("random_seed", request.seed);
    body.set("n", request.n);
    body.set("frequency_penalty", request.frequency_penalty);
    body.set("presence_penalty", request.presence_penalty);
}

fn refuse(request: &ChatRequest, left_out: &mut Unsupported<'_>) -> Result<()> {
    left_out.param_if(request.logprobs == Some(true), "logprobs", "")?;
    left_out.param_if(request.top_logprobs.is_some_and(|n| n > 0), "top_logprobs", "")?;
    left_out.param_if(request.logit_bias.as_ref().is_some_and(|it| !it.is_empty()), "logit_bias", "")?;
    left_out.param_if(request.user.is_some(), "user", "")
}

/// Vectors are always asked for as numbers: Base64 of floats is the renderer's to write.
/// Source: <https://docs.mistral.ai/api/#tag/embeddings>
fn embeddings(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = EmbeddingsRequest::parse(ask.body)?;
    let mut left_out = Unsupported::by(endpoint);
    left_out.param_if(request.user.is_some(), "user", "")?;
    let mut body = Body::of(ask);
    body.set("input", Some(request.texts()?));
    body.set("encoding_format", Some("float"));
    body.set("output_dimension", request.dimensions);
    body.fill(request.rest);
    body.post(endpoint, ask, uri(endpoint, "/embeddings")?, left_out.into_dropped())
}
