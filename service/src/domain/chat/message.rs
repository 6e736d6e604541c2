//! One turn of a conversation.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::content::{Content, Part};
use super::null_is_default;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The application, of old.
    System,
    /// The application.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// What a called tool gave.
    Tool,
    /// What a called function gave: the form before tools.
    Function,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    #[serde(default)]
    pub content: Option<Content>,
    /// Who of several.
    #[serde(default)]
    pub name: Option<String>,
    /// What the assistant called.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call this is the result of.
    #[serde(default)]
    pub tool_call_id: Option<String>,
    /// The words with which the assistant had refused.
    #[serde(default)]
    pub refusal: Option<String>,
    /// What the assistant had thought, as `DeepSeek` and LiteLLM name it.
    #[serde(default, alias = "reasoning")]
    pub reasoning_content: Option<String>,
    /// The same with the vendor's signatures, in LiteLLM's form: handed back unchanged.
    #[serde(default, deserialize_with = "null_is_default")]
    pub thinking_blocks: Vec<Value>,
    /// The prompt is cached up to here: Anthropic's mark, which LiteLLM takes in the same place.
    #[serde(default)]
    pub cache_control: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Message {
    /// All of its text, joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }

    /// Whether it, or a part of it, says up to where the prompt is cached.
    #[must_use]
    pub fn has_cache_mark(&self) -> bool {
        let has_mark = match &self.content {
            Some(Content::Parts(parts)) => parts.iter().any(Part::has_cache_mark),
            Some(Content::Text(_)) | None => false,
        };
        has_mark || self.cache_control.is_some()
    }
}

/// A call that the assistant made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ToolCall {
    /// What its result refers to.
    pub id: String,
    /// The function and its arguments.
    pub function: CalledFunction,
    /// Everything else: `type`, and vendors' signatures in `extra_content`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A function that was called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CalledFunction {
    /// Its name.
    pub name: String,
    /// Its arguments: JSON, as text.
    #[serde(default, deserialize_with = "null_is_default")]
    pub arguments: String,
}
