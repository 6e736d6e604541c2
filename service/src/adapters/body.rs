//! What vendors' chat requests have in common: a body put together member by member, parts of messages
//! that keep OpenAI's form, and the tools on offer.

use bytes::Bytes;
use http::Uri;
use serde_json::{Map, Value, json};

use super::{Ask, Prepared, openai};
use crate::domain::chat::{ChatRequest, Content, Message, Part, Tool, ToolCall, ToolChoice};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// A JSON object that becomes a request's body.
#[derive(Debug)]
pub struct Body(Map<String, Value>);

impl Body {
    /// A body that names the model, by the endpoint's name.
    pub fn of(ask: &Ask<'_>) -> Self {
        Self(Map::from_iter([("model".to_owned(), ask.model.into())]))
    }

    /// Sets a member, where there is something to set.
    pub fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// Adds the members of `more` that are not set.
    pub fn fill(&mut self, more: Map<String, Value>) {
        for (name, value) in more {
            self.0.entry(name).or_insert(value);
        }
    }

    /// The call that posts it to `uri` with the endpoint's key as a bearer token.
    ///
    /// # Errors
    /// [`crate::error::Kind::Internal`]: the key cannot be sent.
    pub fn post(
        self,
        endpoint: &Endpoint,
        ask: &Ask<'_>,
        uri: Uri,
        dropped: Vec<String>,
    ) -> Result<Prepared> {
        let headers = openai::request::headers(endpoint, openai::request::bearer(endpoint)?);
        let body = Bytes::from(Value::Object(self.0).to_string());
        Ok(Prepared { dropped, ..openai::request::relay(ask, uri, headers, body)? })
    }
}

/// What a message says: a text, or parts, each as `part` writes it. A refusal is a text, nothing is the
/// empty one.
///
/// # Errors
/// `part` refuses one.
pub fn content(message: &Message, part: impl Fn(&Part) -> Result<Value>) -> Result<Value> {
    match &message.content {
        Some(Content::Text(text)) => Ok(json!(text)),
        Some(Content::Parts(parts)) => parts.iter().map(part).collect(),
        None => Ok(json!(message.refusal.as_deref().unwrap_or_default())),
    }
}

/// Whether a message's content says nothing.
pub fn is_nothing(content: &Value) -> bool {
    matches!(content, Value::String(text) if text.is_empty())
        || matches!(content, Value::Array(parts) if parts.is_empty())
}

/// An image as OpenAI's format has it.
pub fn image(url: &str, detail: Option<&str>) -> Value {
    let mut image = json!({"url": url});
    if let Some(detail) = detail {
        image["detail"] = json!(detail);
    }
    json!({"type": "image_url", "image_url": image})
}

/// A call in history, by the id that the vendor knows it by.
pub fn called(call: &ToolCall, id: &str) -> Value {
    // A call without arguments may come back with none at all, which is no JSON.
    let arguments = Some(call.function.arguments.as_str()).filter(|json| !json.trim().is_empty());
    let function = json!({"name": call.function.name, "arguments": arguments.unwrap_or("{}")});
    json!({"id": id, "type": "function", "function": function})
}

/// The tools whose functions are among `names`; all of them without names.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`]: a name is of no tool.
pub fn offered<'a>(request: &'a ChatRequest, names: Option<&[String]>) -> Result<Vec<&'a Tool>> {
    let Some(names) = names else { return Ok(request.tools.iter().collect()) };
    let find = |name: &String| {
        let is_it = |tool: &&Tool| matches!(tool, Tool::Function { function, .. } if function.name == *name);
        request.tools.iter().find(is_it).ok_or_else(|| {
            Error::invalid("tool_choice", format!("`tool_choice` names `{name}`, which is not in `tools`"))
        })
    };
    names.iter().map(find).collect()
}

/// The names that a choice restricts the tools to.
pub fn allowed(choice: Option<&ToolChoice>) -> Option<&[String]> {
    match choice? {
        ToolChoice::Function(name) => Some(std::slice::from_ref(name)),
        ToolChoice::Allowed { names, .. } => Some(names),
        ToolChoice::None | ToolChoice::Auto | ToolChoice::Required => None,
    }
}
