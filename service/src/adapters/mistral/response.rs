//! A whole answer of Mistral's, as deltas; and what its streams are made of, which is the same.
//! Source: <https://docs.mistral.ai/api/#tag/chat>

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value, json};

use super::error;
use crate::adapters::Expect;
use crate::adapters::openai::error::malformed;
use crate::adapters::openai::stream::{Calls, finish_of};
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};

/// What the answer says.
///
/// # Errors
/// It reports a failure, or is no chat completion.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let answer = Answer::parse(endpoint, body)?;
    if answer.choices.is_none() {
        return Err(malformed(endpoint, "chat completion", &serde_json::Error::missing_field("choices")));
    }
    let mut deltas = vec![Delta::Start { id: answer.id.clone(), model: answer.model.clone() }];
    answer.read(endpoint, expect, &mut Calls::default(), &mut deltas)?;
    Ok(deltas)
}

/// An answer, or a chunk of one.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default, alias = "message")]
    delta: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Chunks(Vec<Map<String, Value>>),
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    index: Option<u32>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Value,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(flatten)]
    tokens: Tokens,
    #[serde(default)]
    num_cached_tokens: Option<u64>,
}

impl Answer {
    /// # Errors
    /// It is an error instead, or no JSON of this form.
    pub(super) fn parse(endpoint: &Endpoint, json: &[u8]) -> Result<Self> {
        match serde_json::from_slice::<Self>(json) {
            Ok(answer) if answer.choices.is_some() => Ok(answer),
            parsed => error::in_band(endpoint, json)
                .map_or_else(|| parsed.map_err(|error| malformed(endpoint, "chat completion", &error)), Err),
        }
    }

    /// # Errors
    /// A choice ended because it failed.
    pub(super) fn read(
        self,
        endpoint: &Endpoint,
        expect: &Expect,
        calls: &mut Calls,
        deltas: &mut Vec<Delta>,
    ) -> Result<()> {
        for Choice { index, delta, finish_reason } in self.choices.into_iter().flatten() {
            if let Some(said) = delta {
                said.read(index, expect, calls, deltas);
            }
            if let Some(reason) = finish_reason {
                deltas.push(finish(endpoint, index, &reason)?);
            }
        }
        deltas.extend(self.usage.map(Usage::tokens).map(Delta::Usage));
        Ok(())
    }
}

impl Said {
    fn read(self, choice: u32, expect: &Expect, calls: &mut Calls, deltas: &mut Vec<Delta>) {
        match self.content {
            Some(Content::Text(text)) if !text.is_empty() => deltas.push(Delta::Text { choice, text }),
            Some(Content::Chunks(chunks)) => chunks.into_iter().for_each(|it| chunk(choice, it, deltas)),
            _ => {}
        }
        for call in self.tool_calls.into_iter().flatten() {
            call.read(choice, expect, calls, deltas);
        }
    }
}

/// A text, what the model thinks, or something that OpenAI has no member for: references to sources.
fn chunk(choice: u32, chunk: Map<String, Value>, deltas: &mut Vec<Delta>) {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (kind, text) = (chunk.get("type").and_then(Value::as_str), chunk.get("text").and_then(Value::as_str));
    match (kind, text) {
        (Some("text"), Some(text)) => deltas.extend(said(text).map(|text| Delta::Text { choice, text })),
        (Some("thinking"), _) => {
            let text: String = texts(chunk.get("thinking")).collect();
            deltas.extend(said(&text).map(|text| Delta::Reasoning { choice, text }));
        }
        _ => deltas.push(Delta::Extra { choice, name: "content_chunks", value: json!([chunk]) }),
    }
}

fn texts(thinking: Option<&Value>) -> impl Iterator<Item = &str> {
    let chunks = thinking.and_then(Value::as_array).into_iter().flatten();
    chunks.filter_map(|chunk| chunk["text"].as_str())
}

impl Call {
    fn read(self, choice: u32, expect: &Expect, calls: &mut Calls, deltas: &mut Vec<Delta>) {
        // The id of a piece that has none is the text `null`.
        let id = self.id.filter(|id| !matches!(id.as_str(), "" | "null"));
        let (index, has_begun) = calls.place(choice, id.as_deref(), self.index);
        if !has_begun {
            let id = id.unwrap_or_else(|| format!("call_{}_{choice}_{index}", expect.request_id));
            let name = self.function.name.unwrap_or_default();
            deltas.push(Delta::ToolCall { choice, index, id, name, extra: Map::new() });
        }
        let json = match self.function.arguments {
            Value::String(json) => json,
            Value::Null => String::new(),
            object => object.to_string(),
        };
        if !json.is_empty() {
            deltas.push(Delta::Arguments { choice, index, json });
        }
    }
}

impl Usage {
    fn tokens(self) -> Tokens {
        let mut tokens = self.tokens;
        let cached = &mut tokens.prompt_tokens_details.cached_tokens;
        *cached = (*cached).max(self.num_cached_tokens.unwrap_or_default());
        tokens
    }
}

/// # Errors
/// The choice ended because it failed.
fn finish(endpoint: &Endpoint, choice: u32, reason: &str) -> Result<Delta> {
    match reason {
        "error" => {
            let message = format!("{} failed in the middle of its answer", endpoint.name);
            Err(Error::new(Kind::UpstreamFailure, message))
        }
        "model_length" => {
            Ok(Delta::Finish { choice, reason: FinishReason::Length, native: Some(reason.to_owned()) })
        }
        _ => Ok(finish_of(choice, reason)),
    }
}
