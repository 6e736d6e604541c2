//! Google's answer as it is on the wire, borrowed as far as that helps.
//! Source: <https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse>

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A whole answer, or one piece of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk<'a> {
    #[serde(default, borrow)]
    pub response_id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub model_version: Option<Cow<'a, str>>,
    #[serde(default)]
    pub candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    pub prompt_feedback: Option<PromptFeedback>,
    #[serde(default)]
    pub usage_metadata: Option<Usage>,
    #[serde(default, borrow)]
    pub error: Option<&'a RawValue>,
}

/// One answer of several.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    #[serde(default)]
    pub index: Option<u32>,
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default)]
    pub finish_message: Option<String>,
    #[serde(default)]
    pub logprobs_result: Option<Logprobs>,
    #[serde(default)]
    pub grounding_metadata: Option<Value>,
    #[serde(default)]
    pub citation_metadata: Option<Value>,
    #[serde(default)]
    pub url_context_metadata: Option<Value>,
    #[serde(default)]
    pub safety_ratings: Option<Value>,
}

#[derive(Deserialize)]
pub struct Content {
    #[serde(default)]
    pub parts: Option<Vec<Part>>,
}

/// A piece of content. Read by hand: a derived `flatten` for the members of unknown parts would copy
/// every text twice.
#[derive(Default)]
pub struct Part {
    pub text: Option<String>,
    pub thought: bool,
    pub thought_signature: Option<String>,
    pub function_call: Option<FunctionCall>,
    pub inline_data: Option<Blob>,
    /// `executableCode`, `codeExecutionResult`, and whatever comes.
    pub other: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part of a content")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Part, A::Error> {
                let mut part = Part::default();
                while let Some(name) = members.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "text" => part.text = members.next_value()?,
                        "thought" => part.thought = members.next_value::<Option<bool>>()?.unwrap_or(false),
                        "thoughtSignature" => part.thought_signature = members.next_value()?,
                        "functionCall" => part.function_call = members.next_value()?,
                        "inlineData" => part.inline_data = members.next_value()?,
                        _ => {
                            part.other.insert(name.into_owned(), members.next_value()?);
                        }
                    }
                }
                Ok(part)
            }
        }
        deserializer.deserialize_map(PartVisitor)
    }
}

#[derive(Deserialize)]
pub struct FunctionCall {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub args: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    #[serde(default)]
    pub mime_type: String,
    #[serde(default)]
    pub data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptFeedback {
    #[serde(default)]
    pub block_reason: Option<String>,
    #[serde(default)]
    pub safety_ratings: Option<Value>,
}

/// Counts that are 0 are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Usage {
    pub prompt_token_count: Option<u64>,
    pub candidates_token_count: Option<u64>,
    pub thoughts_token_count: Option<u64>,
    pub tool_use_prompt_token_count: Option<u64>,
    pub cached_content_token_count: Option<u64>,
    pub total_token_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Logprobs {
    pub chosen_candidates: Vec<Chosen>,
    pub top_candidates: Vec<Top>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Top {
    pub candidates: Vec<Chosen>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Chosen {
    pub token: String,
    pub log_probability: f64,
}
