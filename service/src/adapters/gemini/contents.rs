//! The conversation, as Google's turns.
//!
//! - <https://ai.google.dev/api/caching#Content>
//! - <https://ai.google.dev/gemini-api/docs/function-calling#multi-turn-example-1>

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::generation::Generation;
use super::{media, turns};
use crate::adapters::params::{Unsupported, unsupported};
use crate::domain::chat::{Content, Message, Part, Role};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// A conversation that is being translated.
pub struct Contents<'a> {
    endpoint: &'a Endpoint,
    generation: Generation,
    system: Vec<Value>,
    turns: Vec<(Speaker, Vec<Value>)>,
    /// The functions' names by the ids of their calls: Google wants the name with a result.
    called: HashMap<String, String>,
}

/// Whose turn it is. Results of calls are the user's, but stay apart from what the user says: Google wants
/// as many results in a turn as there were calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Model,
    Tools,
}

impl Speaker {
    const fn role(self) -> &'static str {
        match self {
            Self::User | Self::Tools => "user",
            Self::Model => "model",
        }
    }
}

impl<'a> Contents<'a> {
    /// The conversation of these messages.
    ///
    /// # Errors
    /// A message holds what Google does not take, or a result of a call that nobody made.
    pub fn of(
        endpoint: &'a Endpoint,
        generation: Generation,
        messages: Vec<Message>,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Self> {
        let (system, turns, called) = (Vec::new(), Vec::new(), HashMap::new());
        let mut contents = Self { endpoint, generation, system, turns, called };
        for (at, message) in messages.into_iter().enumerate() {
            let path = format!("messages[{at}]");
            let is_of_a_person = !matches!(message.role, Role::Tool | Role::Function);
            let is_named = is_of_a_person && message.name.is_some();
            unsupported.param_if(is_named, &format!("{path}.name"), "speakers have no names")?;
            contents.message(message, &path)?;
        }
        Ok(contents)
    }

    /// Writes `contents` and `systemInstruction`.
    pub fn add_to(mut self, body: &mut Map<String, Value>) {
        if self.turns.is_empty() {
            // OpenAI answers to a system prompt alone, Google refuses a conversation in which nobody speaks.
            self.turns.push((Speaker::User, std::mem::take(&mut self.system)));
        }
        let turns = self.turns.into_iter();
        let turns: Vec<Value> =
            turns.map(|(speaker, parts)| json!({"role": speaker.role(), "parts": parts})).collect();
        body.insert("contents".to_owned(), turns.into());
        if !self.system.is_empty() {
            body.insert("systemInstruction".to_owned(), json!({"parts": self.system}));
        }
    }

    fn message(&mut self, message: Message, path: &str) -> Result<()> {
        match message.role {
            Role::System | Role::Developer => self.prompt(message.content, path),
            Role::User => {
                let parts = self.parts(message.content, path)?;
                self.say(Speaker::User, parts);
                Ok(())
            }
            Role::Assistant => self.answer(message, path),
            Role::Tool | Role::Function => self.result(message, path),
        }
    }

    /// Adds to the turn, where the same one still speaks.
    fn say(&mut self, speaker: Speaker, parts: Vec<Value>) {
        match self.turns.last_mut() {
            Some((last, so_far)) if *last == speaker => so_far.extend(parts),
            _ if parts.is_empty() => {}
            _ => self.turns.push((speaker, parts)),
        }
    }

    fn prompt(&mut self, content: Option<Content>, path: &str) -> Result<()> {
        for (at, part) in content.into_iter().flat_map(Content::into_parts).enumerate() {
            let Part::Text { text, .. } = part else {
                let path = format!("{path}.content[{at}]");
                return Err(unsupported(self.endpoint, &path, "a system prompt is text only"));
            };
            self.system.push(json!({"text": text}));
        }
        Ok(())
    }

    fn answer(&mut self, message: Message, path: &str) -> Result<()> {
        let Message { content, refusal, tool_calls, rest, .. } = message;
        let mut parts = turns::vendor_parts(&rest);
        let mut texts = self.parts(content, path)?;
        texts.extend(refusal.map(|text| json!({"text": text})));
        texts.retain(|part| part["text"] != "");
        turns::sign_last(&mut texts, turns::message_signature(&rest, &tool_calls));
        parts.extend(texts);
        parts.extend(turns::images(self.endpoint, self.generation, &rest, path)?);
        let first_call = parts.len();
        for (at, call) in tool_calls.iter().enumerate() {
            self.called.insert(call.id.clone(), call.function.name.clone());
            parts.push(turns::call(self.generation, call, &format!("{path}.tool_calls[{at}]"))?);
        }
        if self.generation.is_three() {
            turns::excuse_missing_signature(parts.get_mut(first_call..).unwrap_or_default());
        }
        self.say(Speaker::Model, parts);
        Ok(())
    }

    /// A result: an object as it is, everything else as its `output`.
    /// Source: <https://ai.google.dev/api/caching#FunctionResponse>
    fn result(&mut self, message: Message, path: &str) -> Result<()> {
        let id = message.tool_call_id.clone().unwrap_or_default();
        let name = self.called.get(&id).cloned().or_else(|| message.name.clone()).ok_or_else(|| {
            let message = format!("`{path}.tool_call_id`: no call before it has this id");
            Error::invalid(format!("{path}.tool_call_id"), message)
        })?;
        let text = message.text();
        let media: Vec<Value> = self
            .parts(message.content, path)?
            .into_iter()
            .filter(|part| part.get("text").is_none())
            .collect();
        let object = serde_json::from_str::<Map<String, Value>>(&text);
        let mut response =
            json!({"name": name, "response": object.map_or_else(|_| json!({"output": text}), Value::from)});
        if self.generation.is_three() && !id.is_empty() {
            response["id"] = turns::bare_id(&id).into();
        }
        if !media.is_empty() {
            if !self.generation.is_three() {
                let why = "before Gemini 3, results of tools are text only";
                return Err(unsupported(self.endpoint, &format!("{path}.content"), why));
            }
            response["parts"] = media.into();
        }
        self.say(Speaker::Tools, vec![json!({"functionResponse": response})]);
        Ok(())
    }

    fn parts(&self, content: Option<Content>, path: &str) -> Result<Vec<Value>> {
        let parts = content.into_iter().flat_map(Content::into_parts).enumerate();
        parts.map(|(at, part)| self.part(part, &format!("{path}.content[{at}]"))).collect()
    }

    fn part(&self, part: Part, path: &str) -> Result<Value> {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => Ok(json!({"text": text})),
            Part::Image { url, detail, .. } => {
                media::image(self.endpoint, self.generation, (&url, detail.as_deref()), path)
            }
            Part::Audio { data, format } => Ok(media::audio(&data, &format)),
            Part::File { file, .. } => media::file(self.endpoint, &file, path),
            Part::Other { kind, .. } => {
                Err(unsupported(self.endpoint, path, &format!("a part of type `{kind}`")))
            }
        }
    }
}
