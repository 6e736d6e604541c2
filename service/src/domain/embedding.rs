//! The canonical embeddings request and its answer: OpenAI's.
//! Source: <https://platform.openai.com/docs/api-reference/embeddings/create>

use serde::Deserialize;
use serde_json::{Map, Value};

use super::chat::parse_json;
use super::usage::Tokens;
use crate::error::{Error, Result, UNSUPPORTED_PARAMETER};

/// A request for vectors, as far as a translation reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct EmbeddingsRequest {
    /// What to turn into vectors.
    pub input: Input,
    /// How long the vectors are to be.
    #[serde(default)]
    pub dimensions: Option<u32>,
    /// How they are written down.
    #[serde(default)]
    pub encoding_format: Encoding,
    /// Who asks.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default, rename = "model")]
    _model: Option<serde::de::IgnoredAny>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What to turn into vectors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// One text.
    Text(String),
    /// Several.
    Texts(Vec<String>),
    /// One text, as the model's tokens.
    Tokens(Vec<u64>),
    /// Several.
    TokenLists(Vec<Vec<u64>>),
}

/// How a vector is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// An array of numbers.
    #[default]
    Float,
    /// Little-endian 32-bit floats in Base64: what the OpenAI SDK asks for by itself.
    Base64,
}

impl EmbeddingsRequest {
    /// Reads a body in OpenAI's form.
    ///
    /// # Errors
    /// [`crate::error::Kind::InvalidRequest`], naming the member.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut request: Self = parse_json(body)?;
        request.rest.retain(|_, value| !value.is_null());
        Ok(request)
    }

    /// The texts, for vendors that take no tokens.
    ///
    /// # Errors
    /// The input is tokens, of which only their own vendor knows the texts.
    pub fn texts(&self) -> Result<Vec<String>> {
        match &self.input {
            Input::Text(text) => Ok(vec![text.clone()]),
            Input::Texts(texts) => Ok(texts.clone()),
            Input::Tokens(_) | Input::TokenLists(_) => {
                let message =
                    "`input` must be a text or an array of texts: this model's vendor takes no tokens";
                Err(Error::invalid("input", message).with_code(UNSUPPORTED_PARAMETER))
            }
        }
    }
}

/// The vectors, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// The model that made them, by the vendor's name, where it says so.
    pub model: Option<String>,
    /// One for each text.
    pub vectors: Vec<Vec<f32>>,
    /// What they cost, where the vendor says so.
    pub usage: Option<Tokens>,
}
