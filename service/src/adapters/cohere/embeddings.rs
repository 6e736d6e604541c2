//! Cohere's embeddings, asked for and read.
//! Source: <https://docs.cohere.com/reference/embed>

use serde::Deserialize;
use serde_json::json;

use super::request::uri;
use crate::adapters::body::Body;
use crate::adapters::openai::error::malformed;
use crate::adapters::params::Unsupported;
use crate::adapters::{Ask, Prepared};
use crate::domain::embedding::{Embeddings, EmbeddingsRequest};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::Result;

/// The call that asks. `input_type`, which Cohere's models need, is the caller's, or else that of texts
/// that are searched through later.
///
/// # Errors
/// The request cannot be expressed in Cohere's format.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = EmbeddingsRequest::parse(ask.body)?;
    let mut left_out = Unsupported::by(endpoint);
    left_out.param_if(request.user.is_some(), "user", "")?;
    let mut body = Body::of(ask);
    body.set("texts", Some(request.texts()?));
    body.set("embedding_types", Some(json!(["float"])));
    body.set("output_dimension", request.dimensions);
    body.fill(request.rest);
    body.fill([("input_type".to_owned(), json!("search_document"))].into_iter().collect());
    body.post(endpoint, ask, uri(endpoint, "/v2/embed")?, left_out.into_dropped())
}

#[derive(Deserialize)]
struct Answer {
    embeddings: ByType,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct ByType {
    float: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<Billed>,
}

#[derive(Deserialize)]
struct Billed {
    #[serde(default)]
    input_tokens: Option<f64>,
    #[serde(default)]
    image_tokens: Option<f64>,
}

/// The vectors of an answer, in the order of the input.
///
/// # Errors
/// [`crate::error::Kind::MalformedAnswer`]: it is no list of vectors.
pub fn read(endpoint: &Endpoint, body: &[u8]) -> Result<Embeddings> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "list of vectors", &error))?;
    let usage = answer.meta.and_then(|meta| meta.billed_units).map(Billed::tokens);
    Ok(Embeddings { model: None, vectors: answer.embeddings.float, usage })
}

impl Billed {
    fn tokens(self) -> Tokens {
        let tokens = self.input_tokens.unwrap_or_default() + self.image_tokens.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let tokens = tokens as u64;
        Tokens::of(tokens, 0)
    }
}
