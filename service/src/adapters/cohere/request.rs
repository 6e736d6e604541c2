//! OpenAI's request as Cohere's.
//! Source: <https://docs.cohere.com/reference/chat>

use http::Uri;
use serde_json::{Value, json};

use super::{embeddings, messages};
use crate::adapters::body::{Body, allowed, offered};
use crate::adapters::params::{Unsupported, no_completions, unsupported};
use crate::adapters::{Ask, Prepared, openai};
use crate::domain::call::HttpCall;
use crate::domain::chat::{ChatRequest, Function, ResponseFormat, Tool, ToolChoice};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

/// The highest temperature: <https://docs.cohere.com/reference/errors>.
const MAX_TEMPERATURE: f64 = 1.0;

/// The call that asks.
///
/// # Errors
/// The request cannot be expressed in Cohere's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    match ask.operation {
        Operation::Chat => chat(endpoint, ask),
        Operation::Embeddings => embeddings::prepare(endpoint, ask),
        Operation::Completions => Err(no_completions(endpoint)),
    }
}

/// The call that lists the models, which is of the first version.
/// Source: <https://docs.cohere.com/reference/list-models>
///
/// # Errors
/// The endpoint's URL or key cannot be sent.
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    let headers = openai::request::headers(endpoint, openai::request::bearer(endpoint)?);
    Ok(openai::request::get(uri(endpoint, "/v1/models")?, headers))
}

/// The URL of `/v2/chat` or `/v2/embed`, whatever version or path the configured base ends with.
pub(super) fn uri(endpoint: &Endpoint, path: &str) -> Result<Uri> {
    let mut endpoint = endpoint.clone();
    for end in ["/chat", "/embed", "/v1", "/v2"] {
        let shorter = endpoint.url.prefix.strip_suffix(end).map(str::to_owned);
        endpoint.url.prefix = shorter.unwrap_or(endpoint.url.prefix);
    }
    openai::request::uri(&endpoint, path)
}

fn chat(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = ChatRequest::parse(ask.body)?;
    let mut left_out = Unsupported::by(endpoint);
    let mut body = Body::of(ask);
    body.set("messages", Some(messages::of(endpoint, &request, &mut left_out)?));
    body.set("stream", Some(ask.envelope.stream));
    tools(endpoint, &request, &mut body)?;
    body.set("response_format", request.response_format.as_ref().and_then(response_format));
    sampling(&request, &mut left_out, &mut body)?;
    reasoning(&request, &mut left_out, &mut body)?;
    refuse(&request, &mut left_out)?;
    body.set("k", request.rest.get("top_k").cloned());
    body.fill(left_out.rest_without_marks(&request, &["top_k"])?);
    body.post(endpoint, ask, uri(endpoint, "/v2/chat")?, left_out.into_dropped())
}

fn tools(endpoint: &Endpoint, request: &ChatRequest, body: &mut Body) -> Result<()> {
    let choice = request.tool_choice.as_ref();
    let offered = offered(request, allowed(choice))?;
    let tools: Vec<Value> = offered.iter().map(|it| tool(endpoint, it)).collect::<Result<_>>()?;
    let choice = match choice {
        Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::Allowed { required: true, .. }) => {
            Some("REQUIRED")
        }
        Some(ToolChoice::None) if !tools.is_empty() => Some("NONE"),
        _ => None,
    };
    let is_strict =
        |it: &&Tool| matches!(it, Tool::Function { function, .. } if function.strict == Some(true));
    body.set("strict_tools", offered.iter().any(is_strict).then_some(true));
    body.set("tools", (!tools.is_empty()).then_some(tools));
    body.set("tool_choice", choice);
    Ok(())
}

fn tool(endpoint: &Endpoint, tool: &Tool) -> Result<Value> {
    let Tool::Function { function: Function { name, description, parameters, .. }, .. } = tool else {
        return Err(unsupported(endpoint, "tools", "it takes functions only"));
    };
    let nothing = || json!({"type": "object", "properties": {}});
    let mut function = json!({"name": name, "parameters": parameters.clone().unwrap_or_else(nothing)});
    if let Some(description) = description {
        function["description"] = json!(description);
    }
    Ok(json!({"type": "function", "function": function}))
}

/// Source: <https://docs.cohere.com/docs/structured-outputs>
fn response_format(format: &ResponseFormat) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(json!({"type": "json_object"})),
        ResponseFormat::JsonSchema { json_schema } => {
            let mut format = json!({"type": "json_object"});
            if let Some(schema) = &json_schema.schema {
                format["json_schema"] = schema.clone();
            }
            Some(format)
        }
    }
}

fn sampling(request: &ChatRequest, left_out: &mut Unsupported<'_>, body: &mut Body) -> Result<()> {
    body.set("max_tokens", request.token_limit());
    body.set("stop_sequences", (!request.stop.is_empty()).then(|| request.stop.clone()));
    body.set("temperature", request.temperature.map(|it| it.clamp(0.0, MAX_TEMPERATURE)));
    body.set("p", request.top_p.map(|it| it.clamp(0.01, 0.99)));
    body.set("seed", request.seed);
    body.set("logprobs", request.logprobs.filter(|wanted| *wanted));
    for (name, value) in
        [("frequency_penalty", request.frequency_penalty), ("presence_penalty", request.presence_penalty)]
    {
        let value = value.unwrap_or_default();
        left_out.param_if(value < 0.0, name, "it takes 0 to 1")?;
        // Some models refuse both together, even at 0.
        body.set(name, (value > 0.0).then(|| value.min(1.0)));
    }
    Ok(())
}

/// `thinking`, which the caller may also send itself. The budgets are those that LiteLLM has for
/// vendors who take a number.
fn reasoning(request: &ChatRequest, left_out: &mut Unsupported<'_>, body: &mut Body) -> Result<()> {
    let Some(effort) = &request.reasoning_effort else { return Ok(()) };
    let thinking = match effort.as_str() {
        "none" => json!({"type": "disabled"}),
        "minimal" => json!({"type": "enabled", "token_budget": 128}),
        "low" => json!({"type": "enabled", "token_budget": 1024}),
        "medium" => json!({"type": "enabled", "token_budget": 2048}),
        "high" => json!({"type": "enabled", "token_budget": 4096}),
        "xhigh" => json!({"type": "enabled"}),
        _ => {
            return left_out.param("reasoning_effort", "it takes none, minimal, low, medium, high and xhigh");
        }
    };
    let own = request.rest.get("thinking").cloned();
    body.set("thinking", Some(own.unwrap_or(thinking)));
    Ok(())
}

fn refuse(request: &ChatRequest, left_out: &mut Unsupported<'_>) -> Result<()> {
    left_out.param_if(request.n.is_some_and(|n| n > 1), "n", "it gives one answer")?;
    left_out.param_if(request.top_logprobs.is_some_and(|n| n > 0), "top_logprobs", "")?;
    left_out.param_if(request.logit_bias.as_ref().is_some_and(|it| !it.is_empty()), "logit_bias", "")?;
    left_out.param_if(request.user.is_some(), "user", "")?;
    left_out.param_if(request.parallel_tool_calls == Some(false), "parallel_tool_calls", "")
}
