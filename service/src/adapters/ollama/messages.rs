//! OpenAI's messages as Ollama's.
//! Source: <https://github.com/ollama/ollama/blob/main/api/types.go>

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::media;
use crate::adapters::params::{Unsupported, unsupported};
use crate::domain::chat::{Content, Message, Part, Role, ToolCall};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// The conversation.
///
/// # Errors
/// A part that Ollama does not take, or arguments that are no JSON object: named by their path.
pub fn written(
    endpoint: &Endpoint,
    messages: &[Message],
    unsupported: &mut Unsupported<'_>,
) -> Result<Vec<Value>> {
    let mut names = HashMap::new();
    let mut written = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        names.extend(message.tool_calls.iter().map(|call| (call.id.as_str(), call.function.name.as_str())));
        let at = format!("messages[{index}]");
        written.push(Writer { endpoint, at, names: &names }.message(message, unsupported)?.into());
    }
    Ok(written)
}

/// Writes one message.
struct Writer<'a> {
    endpoint: &'a Endpoint,
    /// The message's path.
    at: String,
    /// The functions that were called, by their calls' ids.
    names: &'a HashMap<&'a str, &'a str>,
}

impl Writer<'_> {
    fn message(&self, message: &Message, unsupported: &mut Unsupported<'_>) -> Result<Map<String, Value>> {
        let (mut text, images) = self.content(message.content.as_ref())?;
        if let Some(refusal) = &message.refusal {
            text.push_str(refusal);
        }
        let mut written = Map::new();
        written.insert("role".to_owned(), role(message.role).into());
        written.insert("content".to_owned(), text.into());
        if !images.is_empty() {
            written.insert("images".to_owned(), images.into());
        }
        match message.role {
            Role::Assistant => self.assistant(message, &mut written, unsupported)?,
            Role::Tool | Role::Function => self.result(message, &mut written),
            Role::System | Role::Developer | Role::User => self.speaker(message, unsupported)?,
        }
        Ok(written)
    }

    fn speaker(&self, message: &Message, unsupported: &mut Unsupported<'_>) -> Result<()> {
        unsupported.param_if(message.name.is_some(), &format!("{}.name", self.at), "")
    }

    fn assistant(
        &self,
        message: &Message,
        written: &mut Map<String, Value>,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<()> {
        self.speaker(message, unsupported)?;
        let has_old_call = message.rest.get("function_call").is_some_and(|call| !call.is_null());
        let old_call = format!("{}.function_call", self.at);
        unsupported.param_if(has_old_call, &old_call, "use `tool_calls`")?;
        if let Some(thinking) = thinking(message) {
            written.insert("thinking".to_owned(), thinking.into());
        }
        let calls = message.tool_calls.iter().enumerate().map(|(index, call)| self.call(index, call));
        let calls: Vec<Value> = calls.collect::<Result<_>>()?;
        if !calls.is_empty() {
            written.insert("tool_calls".to_owned(), calls.into());
        }
        Ok(())
    }

    fn call(&self, index: usize, call: &ToolCall) -> Result<Value> {
        let text = call.function.arguments.trim();
        let arguments = if text.is_empty() { Ok(Map::new()) } else { serde_json::from_str(text) };
        let arguments: Map<String, Value> = arguments.map_err(|error| {
            let param = format!("{}.tool_calls[{index}].function.arguments", self.at);
            let message = format!("`{param}` must be a JSON object as text: {error}");
            Error::invalid(param, message).with_code("invalid_value")
        })?;
        Ok(json!({"id": call.id, "function": {"name": call.function.name, "arguments": arguments}}))
    }

    /// Which call it answers: older servers read the function's name, newer ones the id as well.
    fn result(&self, message: &Message, written: &mut Map<String, Value>) {
        let id = message.tool_call_id.as_deref();
        let called = id.and_then(|id| self.names.get(id).copied());
        if let Some(name) = called.or(message.name.as_deref()) {
            written.insert("tool_name".to_owned(), name.into());
        }
        written.extend(id.map(|id| ("tool_call_id".to_owned(), id.into())));
    }

    /// The text, joined, and the images in bare Base64.
    fn content(&self, content: Option<&Content>) -> Result<(String, Vec<Value>)> {
        let (mut text, mut images) = (String::new(), Vec::new());
        match content {
            None => {}
            Some(Content::Text(all)) => text.push_str(all),
            Some(Content::Parts(parts)) => {
                for (index, part) in parts.iter().enumerate() {
                    let at = format!("{}.content[{index}]", self.at);
                    match part {
                        Part::Text { text: more, .. } | Part::Refusal { text: more } => text.push_str(more),
                        Part::Image { url, .. } => images.push(self.image(&at, url)?),
                        other => return Err(self.no_part(&at, other)),
                    }
                }
            }
        }
        Ok((text, images))
    }

    fn image(&self, at: &str, url: &str) -> Result<Value> {
        const WHY: &str = "it fetches no images, so they must be data URLs in Base64";
        let base64 = media::base64_of(url);
        base64.map(Value::from).ok_or_else(|| unsupported(self.endpoint, &format!("{at}.image_url"), WHY))
    }

    fn no_part(&self, at: &str, part: &Part) -> Error {
        let kind = match part {
            Part::Audio { .. } => "input_audio",
            Part::File { .. } => "file",
            Part::Other { kind, .. } => kind,
            Part::Text { .. } | Part::Image { .. } | Part::Refusal { .. } => "",
        };
        unsupported(self.endpoint, at, &format!("it takes texts and images, no part of type `{kind}`"))
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool | Role::Function => "tool",
    }
}

/// What the assistant had thought, also where only the blocks with signatures have it.
fn thinking(message: &Message) -> Option<String> {
    let text = |block: &Value| block["thinking"].as_str().map(str::to_owned);
    let told = message.reasoning_content.clone();
    let told = told.unwrap_or_else(|| message.thinking_blocks.iter().filter_map(text).collect());
    (!told.is_empty()).then_some(told)
}
