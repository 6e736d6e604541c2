//! A chat request as far as an endpoint that answers by itself reads it.
//! Source: <https://platform.openai.com/docs/api-reference/chat/create>

use serde::Deserialize;
use serde_json::Value;

/// The members of a chat request that decide an answer; the others are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct ChatRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    #[serde(default)]
    pub tools: Option<Vec<Tool>>,
    /// `none`, `auto`, `required`, or one named function.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// How many answers.
    #[serde(default)]
    pub n: Option<u32>,
    /// The longest answer, in tokens; the older name.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// The longest answer, in tokens.
    #[serde(default)]
    pub max_completion_tokens: Option<u64>,
}

/// One turn.
#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: String,
    /// What is said.
    #[serde(default)]
    pub content: Option<Content>,
}

/// A message's content: a text, or parts of which some are text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A plain text.
    Text(String),
    /// Texts, images, files, as their vendor-neutral parts.
    Parts(Vec<Part>),
}

/// One part of a content.
#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    /// The text, where the part is one.
    #[serde(default)]
    pub text: Option<String>,
}

impl Content {
    /// All of its text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
        }
    }
}

/// Something the model may call.
#[derive(Clone, Debug, Deserialize)]
pub struct Tool {
    /// The function, where it is one.
    #[serde(default)]
    pub function: Option<Function>,
}

/// A function's declaration.
#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The JSON schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Value>,
}
