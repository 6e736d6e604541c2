//! The canonical chat request: OpenAI's, typed as far as a translation reads it, with everything else
//! kept beside it.
//! Source: <https://platform.openai.com/docs/api-reference/chat/create>
//!
//! A relayed request is never read into these types. Reading is strict: a member of the wrong type is
//! refused by the path to it, so that no adapter has to guess.

mod content;
mod message;
mod tools;

pub use content::{Content, FilePart, Part};
pub use message::{CalledFunction, Message, Role, ToolCall};
pub use tools::{Function, JsonSchema, ResponseFormat, Tool, ToolChoice};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Anthropic's mark for the end of what is to be cached of a prompt, which LiteLLM takes as well.
/// Source: <https://docs.litellm.ai/docs/completion/prompt_caching>
pub const CACHE_CONTROL: &str = "cache_control";

/// A chat request. Members that are null count as absent; `model`, `stream` and `stream_options` are
/// the envelope's.
#[derive(Clone, Debug, Deserialize)]
pub struct ChatRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tools: Vec<Tool>,
    /// Whether it has to.
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer's text.
    #[serde(default)]
    pub response_format: Option<ResponseFormat>,
    /// Texts that end the answer.
    #[serde(default, deserialize_with = "one_or_many")]
    pub stop: Vec<String>,
    /// The longest answer, in tokens; the older name.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// The longest answer, in tokens.
    #[serde(default)]
    pub max_completion_tokens: Option<u64>,
    /// From 0 to 2.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// From 0 to 1.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// For answers that repeat.
    #[serde(default)]
    pub seed: Option<i64>,
    /// How many answers.
    #[serde(default)]
    pub n: Option<u32>,
    /// Whether each token comes with its probability.
    #[serde(default)]
    pub logprobs: Option<bool>,
    /// And with those of so many others.
    #[serde(default)]
    pub top_logprobs: Option<u32>,
    /// From -2 to 2.
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    /// From -2 to 2.
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    /// Tokens that are to be likelier, or less likely.
    #[serde(default)]
    pub logit_bias: Option<Map<String, Value>>,
    /// Who asks, for the vendor's abuse checks.
    #[serde(default)]
    pub user: Option<String>,
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`: as a text, because vendors add to it.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    #[serde(default, rename = "model")]
    _model: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "stream")]
    _stream: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "stream_options")]
    _stream_options: Option<serde::de::IgnoredAny>,
    /// Everything else, in the order it came; members that are null are dropped.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl ChatRequest {
    /// Reads a body in OpenAI's form.
    ///
    /// # Errors
    /// [`crate::error::Kind::InvalidRequest`], naming the member by its path, as `messages[1].content`.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut request: Self = parse_json(body)?;
        request.rest.retain(|_, value| !value.is_null());
        Ok(request)
    }

    /// Whether a member, a message, a part of one or a tool says up to where the prompt is cached.
    #[must_use]
    pub fn has_cache_marks(&self) -> bool {
        self.rest.contains_key(CACHE_CONTROL)
            || self.messages.iter().any(Message::has_cache_mark)
            || self.tools.iter().any(Tool::has_cache_mark)
    }

    /// The longest answer, by either name.
    #[must_use]
    pub fn token_limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }
}

/// Reads JSON; what does not fit is named by its path.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`] with code `wrong_type`.
pub fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // serde appends the place, which the path says better.
        let problem = error.inner().to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
        Error::invalid(path.clone(), format!("`{path}`: {problem}")).with_code("wrong_type")
    })
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A text, several, or null.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts.into_iter().map(text_of).collect(),
        Some(_) => Err(serde::de::Error::custom("expected a string or an array of strings")),
    }
}

fn text_of<E: serde::de::Error>(value: Value) -> Result<String, E> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(E::custom("expected a string or an array of strings")),
    }
}

#[cfg(test)]
mod tests;
