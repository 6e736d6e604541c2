//! Vectors of Ollama's.
//! Source: <https://docs.ollama.com/api/embed>

use serde::Deserialize;

use crate::adapters::openai::error::malformed;
use crate::domain::embedding::Embeddings;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::Result;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<String>,
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

/// The vectors of an answer, in the order of the input.
///
/// # Errors
/// [`crate::error::Kind::MalformedAnswer`]: it is no list of vectors.
pub fn read(endpoint: &Endpoint, body: &[u8]) -> Result<Embeddings> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "list of vectors", &error))?;
    let usage = answer.prompt_eval_count.map(|count| Tokens::of(count, 0));
    Ok(Embeddings { model: answer.model, vectors: answer.embeddings, usage })
}
