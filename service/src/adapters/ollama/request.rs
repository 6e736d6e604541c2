//! OpenAI's request as Ollama's, or an Ollama client's own.
//!
//! - Chat: <https://docs.ollama.com/api/chat>
//! - Embeddings: <https://docs.ollama.com/api/embed>

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{messages, options};
use crate::adapters::openai::request::{bearer, get, headers, relay, uri};
use crate::adapters::params::{Unsupported, no_completions};
use crate::adapters::{Ask, ClientFormat, Prepared};
use crate::domain::call::HttpCall;
use crate::domain::chat::{ChatRequest, Function, ResponseFormat, Tool, ToolChoice};
use crate::domain::embedding::{EmbeddingsRequest, Input};
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{self, Operation};
use crate::error::Result;
use crate::wire::splice::{Edit, splice};

/// The call that asks.
///
/// # Errors
/// The request cannot be expressed in Ollama's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    if let Some((format, body)) = ask.original
        && let Some(path) = path_of(format)
    {
        return call(endpoint, ask, path, renamed(body, ask.model)?, Vec::new());
    }
    let mut unsupported = Unsupported::by(endpoint);
    let (path, body) = match ask.operation {
        Operation::Chat => ("/api/chat", chat(ask, endpoint, &mut unsupported)?),
        Operation::Embeddings => ("/api/embed", embed(ask, &mut unsupported)?),
        Operation::Completions => return Err(no_completions(endpoint)),
    };
    call(endpoint, ask, path, Value::from(body).to_string().into(), unsupported.into_dropped())
}

/// The call that lists the models.
/// Source: <https://docs.ollama.com/api/tags>
///
/// # Errors
/// The endpoint's URL or key cannot be sent.
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    Ok(get(uri(endpoint, "/api/tags")?, headers(endpoint, bearer(endpoint)?)))
}

fn call(
    endpoint: &Endpoint,
    ask: &Ask<'_>,
    path: &str,
    body: Bytes,
    dropped: Vec<String>,
) -> Result<Prepared> {
    let headers = headers(endpoint, bearer(endpoint)?);
    let prepared = relay(ask, uri(endpoint, path)?, headers, body)?;
    Ok(Prepared { dropped, ..prepared })
}

/// Where a client of that format asks; `None` where the format is not Ollama's.
const fn path_of(format: ClientFormat) -> Option<&'static str> {
    match format {
        ClientFormat::OllamaChat => Some("/api/chat"),
        ClientFormat::OllamaGenerate => Some("/api/generate"),
        ClientFormat::OllamaEmbed => Some("/api/embed"),
        ClientFormat::OllamaEmbeddings => Some("/api/embeddings"),
        ClientFormat::Openai => None,
    }
}

/// The caller's bytes with the endpoint's name of the model.
fn renamed(body: &Bytes, model: &str) -> Result<Bytes> {
    let members = envelope::members(body)?;
    let model = Value::from(model);
    let edit = match members.iter().find(|member| member.name == "model") {
        Some(member) => Edit { range: member.at.clone(), with: model.to_string() },
        None => {
            let at = memchr::memchr(b'{', body).map_or(0, |at| at + 1);
            let comma = if members.is_empty() { "" } else { "," };
            Edit { range: at..at, with: format!("\"model\":{model}{comma}") }
        }
    };
    Ok(splice(body, vec![edit]))
}

fn chat(ask: &Ask<'_>, endpoint: &Endpoint, unsupported: &mut Unsupported<'_>) -> Result<Map<String, Value>> {
    let request = ChatRequest::parse(ask.body)?;
    refuse(&request, unsupported)?;
    let tools = tools(&request, unsupported)?;
    let rest = unsupported.rest_without_marks(&request, &["parallel_tool_calls"])?;
    let (mut body, rest) = options::split(rest);
    body.insert("model".to_owned(), ask.model.into());
    let messages = messages::written(endpoint, &request.messages, unsupported)?;
    body.insert("messages".to_owned(), messages.into());
    body.insert("stream".to_owned(), ask.envelope.stream.into());
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.into());
    }
    if let Some(format) = request.response_format.as_ref().and_then(format) {
        body.insert("format".to_owned(), format);
    }
    if let Some(effort) = &request.reasoning_effort {
        body.insert("think".to_owned(), think(effort));
    }
    if request.logprobs == Some(true) {
        body.insert("logprobs".to_owned(), true.into());
        body.extend(request.top_logprobs.map(|count| ("top_logprobs".to_owned(), count.into())));
    }
    let options = options::written(&request, rest);
    if !options.is_empty() {
        body.insert("options".to_owned(), options.into());
    }
    Ok(body)
}

/// What Ollama has no member for.
fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    unsupported.param_if(request.n.is_some_and(|n| n > 1), "n", "it gives one answer to a request")?;
    let has_bias = request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty());
    unsupported.param_if(has_bias, "logit_bias", "")?;
    unsupported.param_if(request.user.is_some(), "user", "")?;
    let one_call_only = request.parallel_tool_calls == Some(false) && !request.tools.is_empty();
    unsupported.param_if(one_call_only, "parallel_tool_calls", "it cannot be kept from several calls")
}

/// The tools that are offered. The choice among them is the model's: none at all is all that can be
/// asked for.
fn tools(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<Value>> {
    const WHY: &str = "its models decide themselves whether they call a tool";
    let offered = match &request.tool_choice {
        Some(ToolChoice::None) => return Ok(Vec::new()),
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::Allowed { required: false, names }) => Some(names),
        Some(_) => {
            unsupported.param("tool_choice", WHY)?;
            None
        }
    };
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { function, .. } => {
                if offered.is_none_or(|names| names.contains(&function.name)) {
                    tools.push(declared(function));
                }
            }
            Tool::Other { kind, .. } => {
                unsupported.param(&format!("tools[{index}]"), &format!("it has no tool of type `{kind}`"))?;
            }
        }
    }
    Ok(tools)
}

fn declared(function: &Function) -> Value {
    let none = json!({"type": "object", "properties": {}});
    let mut declared = json!({"name": function.name});
    if let Some(description) = &function.description {
        declared["description"] = json!(description);
    }
    declared["parameters"] = function.parameters.clone().unwrap_or(none);
    if let Some(strict) = function.strict {
        declared["strict"] = strict.into();
    }
    json!({"type": "function", "function": declared})
}

fn format(format: &ResponseFormat) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some("json".into()),
        ResponseFormat::JsonSchema { json_schema } => {
            Some(json_schema.schema.clone().unwrap_or_else(|| "json".into()))
        }
    }
}

/// The levels that are documented; what is none of OpenAI's goes on as it is.
/// Source: <https://docs.ollama.com/capabilities/thinking>
fn think(effort: &str) -> Value {
    match effort {
        "none" => Value::Bool(false),
        "minimal" => "low".into(),
        "xhigh" => "high".into(),
        other => other.into(),
    }
}

fn embed(ask: &Ask<'_>, unsupported: &mut Unsupported<'_>) -> Result<Map<String, Value>> {
    let request = EmbeddingsRequest::parse(ask.body)?;
    unsupported.param_if(request.user.is_some(), "user", "")?;
    let (mut body, options) = options::split(request.rest.clone());
    body.insert("model".to_owned(), ask.model.into());
    let input = match &request.input {
        Input::Text(text) => json!(text),
        _ => json!(request.texts()?),
    };
    body.insert("input".to_owned(), input);
    body.extend(request.dimensions.map(|dimensions| ("dimensions".to_owned(), dimensions.into())));
    if !options.is_empty() {
        body.insert("options".to_owned(), options.into());
    }
    Ok(body)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
