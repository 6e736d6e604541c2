//! Vectors that depend on their text alone.

use base64::Engine;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::reply::tokens;
use crate::domain::chat::parse_json;
use crate::error::Result;

/// Without `dimensions`, vectors are this long.
const DEFAULT_DIMENSIONS: usize = 256;

/// The members of an embeddings request that decide its answer.
/// Source: <https://platform.openai.com/docs/api-reference/embeddings/create>
#[derive(Deserialize)]
struct EmbeddingsRequest {
    input: Input,
    #[serde(default)]
    dimensions: Option<usize>,
    #[serde(default)]
    encoding_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

impl Input {
    fn texts(self) -> Vec<String> {
        let words = |tokens: Vec<u64>| tokens.iter().map(|token| format!(" {token}")).collect::<String>();
        match self {
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
            Self::Tokens(tokens) => vec![words(tokens)],
            Self::TokenLists(lists) => lists.into_iter().map(words).collect(),
        }
    }
}

/// The body that answers an embeddings request.
///
/// # Errors
/// `input` has no form that OpenAI documents.
pub fn answer(body: &[u8], model: &str) -> Result<String> {
    let request: EmbeddingsRequest = parse_json(body)?;
    let dimensions = request.dimensions.unwrap_or(DEFAULT_DIMENSIONS).clamp(1, 8192);
    let as_base64 = request.encoding_format.as_deref() == Some("base64");
    let texts = request.input.texts();
    let count: usize = texts.iter().map(|text| tokens(text).len()).sum();
    let data = texts.iter().enumerate().map(|(index, text)| {
        let vector = vector(text, dimensions);
        let embedding = if as_base64 { json!(packed(&vector)) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let data: Vec<Value> = data.collect();
    let usage = json!({"prompt_tokens": count, "total_tokens": count});
    Ok(json!({"object": "list", "model": model, "data": data, "usage": usage}).to_string())
}

/// A vector of length 1 whose direction is the text's hash.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let bytes = (0_u32..).flat_map(|block| {
        let mut hash = Sha256::new();
        hash.update(block.to_le_bytes());
        hash.update(text);
        hash.finalize().to_vec()
    });
    let raw: Vec<f32> = bytes.take(dimensions).map(|byte| f32::from(byte) - 127.5).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / norm).collect()
}

/// OpenAI's base64 form: little-endian 32-bit floats.
fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embed(body: &Value) -> Value {
        let answer = answer(body.to_string().as_bytes(), "e").expect("an answer");
        serde_json::from_str(&answer).expect("JSON")
    }

    #[test]
    fn a_text_has_the_same_vector_wherever_it_stands() {
        let one = embed(&json!({"input": "b", "dimensions": 40}));
        let two = embed(&json!({"input": ["a", "b"], "dimensions": 40}));
        assert_eq!(one["data"][0]["embedding"], two["data"][1]["embedding"]);
        assert_ne!(two["data"][0]["embedding"], two["data"][1]["embedding"]);
        assert_eq!(one["data"][0]["embedding"].as_array().map(Vec::len), Some(40));
    }

    #[test]
    fn a_vector_has_length_one() {
        let length: f32 = vector("x", 256).iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }

    #[test]
    fn base64_holds_the_same_floats() {
        let floats = vector("x", 8);
        let packed = embed(&json!({"input": "x", "dimensions": 8, "encoding_format": "base64"}));
        let text = packed["data"][0]["embedding"].as_str().expect("base64");
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
        let read: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert_eq!(read, floats);
    }

    #[test]
    fn tokens_are_an_input_too() {
        assert_eq!(embed(&json!({"input": [[1, 2], [3]]}))["usage"]["prompt_tokens"], 3);
    }
}
