//! An Ollama client's messages in OpenAI's form.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{line, media};
use crate::error::{Error, Result};

/// One turn, as Ollama's clients write it.
#[derive(Deserialize)]
pub struct Message {
    role: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    images: Option<Vec<String>>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(default)]
    tool_call_id: Option<String>,
    /// What an answer of ours has under OpenAI's name, handed back.
    #[serde(default)]
    thinking_blocks: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    function: Called,
    /// A vendor's signature, handed back.
    #[serde(default)]
    extra_content: Option<Value>,
}

#[derive(Deserialize)]
struct Called {
    name: String,
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

/// The conversation, message for message.
///
/// # Errors
/// An image that is none, arguments that are no object, a tool's result without a call: named by path.
pub fn translated(messages: Vec<Message>) -> Result<Vec<Value>> {
    let mut calls = Calls::default();
    let translated = messages.into_iter().enumerate();
    translated.map(|(index, message)| message.translated(&format!("messages[{index}]"), &mut calls)).collect()
}

/// A text alone, or with images: parts.
///
/// # Errors
/// An image that is none, named under `at`, which is a path with its dot.
pub fn content(text: String, images: &[String], at: &str) -> Result<Value> {
    if images.is_empty() {
        return Ok(text.into());
    }
    let mut parts = Vec::with_capacity(images.len() + 1);
    if !text.is_empty() {
        parts.push(json!({"type": "text", "text": text}));
    }
    for (index, image) in images.iter().enumerate() {
        let url = media::data_url(image).ok_or_else(|| {
            let param = format!("{at}images[{index}]");
            let message = format!("`{param}` is no PNG, JPEG, GIF or WebP image in Base64");
            Error::invalid(param, message).with_code("invalid_value")
        })?;
        parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
    }
    Ok(parts.into())
}

impl Message {
    fn translated(mut self, at: &str, calls: &mut Calls) -> Result<Value> {
        // Ollama takes roles in any case.
        let role = self.role.to_lowercase();
        let images = self.images.take().unwrap_or_default();
        let content = content(self.content.take().unwrap_or_default(), &images, &format!("{at}."))?;
        let mut translated = json!({"role": role, "content": content});
        if let Some(thinking) = self.thinking.take().filter(|text| !text.is_empty()) {
            translated["reasoning_content"] = thinking.into();
        }
        if let Some(blocks) = self.thinking_blocks.take() {
            translated["thinking_blocks"] = blocks.into();
        }
        if let Some(made) = self.tool_calls.take().filter(|made| !made.is_empty()) {
            translated["tool_calls"] = calls.made(made, at)?;
        }
        if role == "tool" {
            translated["tool_call_id"] = calls.answered(&self, at)?.into();
        }
        Ok(translated)
    }
}

/// The calls of a conversation: Ollama's history tells them apart by name and order, OpenAI's by id.
#[derive(Default)]
struct Calls {
    /// How many ids were made up.
    made_up: usize,
    /// Name and id of the calls in the last turn with any that have no result yet.
    open: Vec<(String, String)>,
}

impl Calls {
    fn made(&mut self, made: Vec<Call>, at: &str) -> Result<Value> {
        self.open.clear();
        let made = made.into_iter().enumerate().map(|(index, call)| {
            let id = self.id(call.id);
            let arguments = call.function.arguments;
            let arguments = arguments_text(arguments.as_deref(), &format!("{at}.tool_calls[{index}]"))?;
            self.open.push((call.function.name.clone(), id.clone()));
            let function = json!({"name": call.function.name, "arguments": arguments});
            let mut made = Map::new();
            made.insert("id".to_owned(), id.into());
            made.insert("type".to_owned(), "function".into());
            made.insert("function".to_owned(), function);
            made.extend(call.extra_content.map(|extra| ("extra_content".to_owned(), extra)));
            Ok(Value::from(made))
        });
        made.collect()
    }

    fn id(&mut self, given: Option<String>) -> String {
        given.filter(|id| !id.is_empty()).unwrap_or_else(|| {
            self.made_up += 1;
            format!("call_{}", self.made_up - 1)
        })
    }

    /// The id of the call that a result belongs to: the one it names, else the first open one of its
    /// function, else, where it names no function, the first open one.
    fn answered(&mut self, result: &Message, at: &str) -> Result<String> {
        let by_id = self.open.iter().position(|(_, id)| result.tool_call_id.as_ref() == Some(id));
        let is_named = |name: &str| result.tool_name.as_deref().is_none_or(|given| given == name);
        let found = by_id.or_else(|| self.open.iter().position(|(name, _)| is_named(name)));
        let found = found.ok_or_else(|| {
            let param = format!("{at}.tool_name");
            let message = format!("`{param}`: there is no call before it that this could be the result of");
            Error::invalid(param, message).with_code("invalid_value")
        })?;
        Ok(self.open.remove(found).1)
    }
}

/// The object's text, every digit as it is written. Clients of OpenAI's kind send the text itself.
fn arguments_text(arguments: Option<&RawValue>, at: &str) -> Result<String> {
    let json = arguments.map_or("null", RawValue::get);
    match json.bytes().next() {
        Some(b'{') => Ok(line::compact(json)),
        Some(b'n') => Ok("{}".to_owned()),
        Some(b'"') => Ok(serde_json::from_str(json).unwrap_or_default()),
        _ => {
            let param = format!("{at}.function.arguments");
            let message = format!("`{param}` must be an object");
            Err(Error::invalid(param, message).with_code("wrong_type"))
        }
    }
}
