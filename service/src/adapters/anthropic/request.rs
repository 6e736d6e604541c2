//! OpenAI's request as Anthropic's.
//! Source: <https://platform.claude.com/docs/en/api/messages>

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Uri};
use serde_json::{Map, Value, json};

use super::format::{Format, JSON_TOOL};
use super::messages::Conversation;
use super::model::Model;
use super::sampling::{refused, sampling};
use super::thinking::Thinking;
use super::{content, tools};
use crate::adapters::openai::request::{get, header_value, headers, secret_value, uri};
use crate::adapters::params::{Unsupported, no_completions, no_embeddings};
use crate::adapters::{Ask, Expect, Prepared};
use crate::domain::call::{Call, HttpCall};
use crate::domain::chat::ChatRequest;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::Operation;
use crate::error::Result;

const KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Where the operator names none: the version that still takes a temperature.
const DEFAULT_VERSION: &str = "2023-06-01";

/// OpenAI's members that have their counterparts: see [`plain`].
const TRANSLATED: [&str; 3] = ["metadata", "safety_identifier", "service_tier"];

/// The call that asks.
///
/// # Errors
/// The request cannot be expressed in Anthropic's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    match ask.operation {
        Operation::Chat => {}
        Operation::Completions => return Err(no_completions(endpoint)),
        Operation::Embeddings => return Err(no_embeddings(endpoint)),
    }
    let request = ChatRequest::parse(ask.body)?;
    let mut unsupported = Unsupported::by(endpoint);
    let (body, json_tool) = body(endpoint, ask, request, &mut unsupported)?;
    let call = HttpCall {
        method: Method::POST,
        uri: url(endpoint)?,
        headers: all_headers(endpoint)?,
        body: Value::from(body).to_string().into(),
    };
    let expect = Expect { json_tool, ..Expect::of(ask) };
    Ok(Prepared { call: Call::Http(call), expect, dropped: unsupported.into_dropped() })
}

/// `/v1/messages`, of which a configured URL may hold the beginning or all.
fn url(endpoint: &Endpoint) -> Result<Uri> {
    let prefix = &endpoint.url.prefix;
    if prefix.ends_with("/v1/messages") {
        uri(endpoint, "")
    } else if prefix.ends_with("/v1") {
        uri(endpoint, "/messages")
    } else {
        uri(endpoint, "/v1/messages")
    }
}

/// The call that lists the models.
/// Source: <https://platform.claude.com/docs/en/api/models/list>
///
/// # Errors
/// The endpoint's URL or key cannot be sent.
pub fn list_models(endpoint: &Endpoint) -> Result<HttpCall> {
    let mut at = endpoint.clone();
    for end in ["/messages", "/v1"] {
        let shorter = at.url.prefix.strip_suffix(end).map(str::to_owned);
        at.url.prefix = shorter.unwrap_or(at.url.prefix);
    }
    Ok(get(uri(&at, "/v1/models")?, all_headers(endpoint)?))
}

fn all_headers(endpoint: &Endpoint) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let key = endpoint.key.as_ref().map(|key| secret_value(key.expose())).transpose()?;
    let mut headers = headers(endpoint, key.map(|key| (KEY, key)));
    if headers.iter().all(|(name, _)| *name != VERSION) {
        let version = endpoint.api_version.as_deref().unwrap_or(DEFAULT_VERSION);
        headers.push((VERSION, header_value(version)?));
    }
    headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    Ok(headers)
}

/// The body, and the tool that the answer's text will come through.
fn body(
    endpoint: &Endpoint,
    ask: &Ask<'_>,
    mut request: ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<(Map<String, Value>, Option<&'static str>)> {
    let model = Model::of(ask.model);
    refused(&request, unsupported)?;
    let mut rest = unsupported.rest(&request, &TRANSLATED)?;
    let is_forced = tools::is_forced(request.tool_choice.as_ref());
    let thinking = Thinking::of(&request, &mut rest, model, is_forced, unsupported)?;
    let format = Format::of(request.response_format.take(), model, is_forced || thinking.is_on());
    let json_tool = matches!(format, Format::Tool(_)).then_some(JSON_TOOL);
    let sampling = sampling(endpoint, &request, model, thinking.is_on(), &mut rest, unsupported)?;
    let conversation = Conversation::of(endpoint, std::mem::take(&mut request.messages))?;

    let limit = request.token_limit().unwrap_or_else(|| model.default_max_tokens());
    let mut body = Map::new();
    body.insert("model".to_owned(), ask.model.into());
    body.insert("max_tokens".to_owned(), thinking.max_tokens(limit).into());
    if ask.envelope.stream {
        body.insert("stream".to_owned(), true.into());
    }
    let tools = tools::tools(&mut request, &conversation.called, &format, model, unsupported)?;
    body.extend(said(conversation, &format));
    body.extend(tools);
    body.extend(sampling);
    body.extend(plain(&request, unsupported)?);
    body.extend(output_config(&mut rest, format, thinking.effort));
    body.extend(thinking.config.map(|config| ("thinking".to_owned(), config)));
    for (name, value) in rest {
        body.entry(name).or_insert(value);
    }
    Ok((body, json_tool))
}

/// `system` and `messages`. Without marks of the cache a system prompt is one text.
fn said(mut conversation: Conversation, format: &Format) -> Map<String, Value> {
    let mut system = std::mem::take(&mut conversation.system);
    if let Format::Words(words) = format {
        system.extend(content::text(words.clone(), None));
    }
    let mut said = Map::new();
    if system.iter().any(|block| block.get("cache_control").is_some()) {
        said.insert("system".to_owned(), system.into());
    } else if !system.is_empty() {
        let texts: Vec<&str> = system.iter().filter_map(|block| block["text"].as_str()).collect();
        said.insert("system".to_owned(), texts.join("\n\n").into());
    }
    said.insert("messages".to_owned(), conversation.into_messages());
    said
}

/// The members that have another name here, or other values.
fn plain(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Map<String, Value>> {
    let mut plain = Map::new();
    if !request.stop.is_empty() {
        plain.insert("stop_sequences".to_owned(), request.stop.clone().into());
    }
    if let Some(metadata) = metadata(request, unsupported)? {
        plain.insert("metadata".to_owned(), metadata);
    }
    match request.rest.get("service_tier").and_then(Value::as_str) {
        None | Some("") => {}
        Some("auto") => drop(plain.insert("service_tier".to_owned(), "auto".into())),
        Some("default" | "standard_only") => {
            plain.insert("service_tier".to_owned(), "standard_only".into());
        }
        Some(_) => unsupported.param("service_tier", "its tiers are auto and standard_only")?,
    }
    Ok(plain)
}

/// Who asks, by OpenAI's two names for it or Anthropic's own. OpenAI's metadata are notes for its own
/// records.
fn metadata(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>> {
    let own = request.rest.get("metadata").and_then(Value::as_object);
    let is_native = own.is_none_or(|own| own.keys().all(|name| name == "user_id"));
    unsupported.param_if(!is_native, "metadata", "it takes a `user_id` only")?;
    let identifier = request.user.as_deref().or_else(|| request.rest.get("safety_identifier")?.as_str());
    let user_id = own.and_then(|own| own.get("user_id")?.as_str()).or(identifier);
    Ok(user_id.map(|user_id| json!({"user_id": user_id})))
}

/// The caller's own `output_config`, with what was translated into it.
fn output_config(
    rest: &mut Map<String, Value>,
    format: Format,
    effort: Option<String>,
) -> Option<(String, Value)> {
    let own = rest.shift_remove("output_config");
    let mut config = own.and_then(|own| own.as_object().cloned()).unwrap_or_default();
    if let Some(effort) = effort {
        config.entry("effort").or_insert_with(|| effort.into());
    }
    if let Format::Schema(schema) = format {
        config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    (!config.is_empty()).then(|| ("output_config".to_owned(), config.into()))
}
