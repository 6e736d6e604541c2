//! Vectors in OpenAI's form.
//! Source: <https://platform.openai.com/docs/api-reference/embeddings/object>

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::error::malformed;
use crate::domain::embedding::Embeddings;
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::{Error, Kind, Result};

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    model: Option<String>,
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Item {
    embedding: Written,
    #[serde(default)]
    index: usize,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Floats(Vec<f32>),
    Base64(String),
}

/// The vectors of an answer, in the order of their indexes.
///
/// # Errors
/// [`Kind::MalformedAnswer`]: it is no list of embeddings.
pub fn read(endpoint: &Endpoint, body: &[u8]) -> Result<Embeddings> {
    let mut list: List =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "list of embeddings", &error))?;
    list.data.sort_by_key(|item| item.index);
    let vectors = list.data.into_iter().map(|item| match item.embedding {
        Written::Floats(vector) => Ok(vector),
        Written::Base64(text) => unpacked(&text).ok_or_else(|| {
            Error::new(Kind::MalformedAnswer, format!("{}'s vectors are no Base64 of floats", endpoint.name))
        }),
    });
    Ok(Embeddings { vectors: vectors.collect::<Result<_>>()?, model: list.model, usage: list.usage })
}

fn unpacked(text: &str) -> Option<Vec<f32>> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;

    #[test]
    fn vectors_are_read_in_either_form_and_put_in_order() {
        let body = br#"{"data":[{"index":1,"embedding":"AAAAPwAAgL8="},{"index":0,"embedding":[1,2]}],
            "usage":{"prompt_tokens":3,"total_tokens":3}}"#;
        let read = read(&endpoint(Provider::Openai, "http://openai"), body).expect("embeddings");
        assert_eq!(read.vectors, [vec![1.0, 2.0], vec![0.5, -1.0]]);
        assert_eq!(read.usage.map(|usage| usage.prompt_tokens), Some(3));
    }
}
