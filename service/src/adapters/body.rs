//! What vendors' chat requests have in common: a body put together member by member, and the tools on
//! offer.

use bytes::Bytes;
use http::Uri;
use serde_json::{Map, Value};

use super::{Ask, Prepared, openai};
use crate::domain::chat::{ChatRequest, Tool, ToolChoice};
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
