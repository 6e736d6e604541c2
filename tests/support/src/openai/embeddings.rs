//! Embeddings: <https://platform.openai.com/docs/api-reference/embeddings>. The OpenAI SDKs ask
//! for base64 unless told otherwise.

use serde_json::{Value, json};

use super::Asked;

const DIMENSIONS: u64 = 8;

/// A vector an input, which depends on the input alone.
pub(crate) fn embeddings(asked: &Asked) -> String {
    let dimensions = asked.json["dimensions"].as_u64().unwrap_or(DIMENSIONS);
    let base64 = asked.json["encoding_format"] == "base64";
    let inputs = inputs(&asked.json["input"]);
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(input, dimensions);
        let embedding = if base64 { to_base64(&vector).into() } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let data: Vec<_> = data.collect();
    let tokens: usize = inputs.iter().map(|input| tokens(input)).sum();
    json!({
        "object": "list",
        "data": data,
        "model": asked.model(),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
    .to_string()
}

/// A text, texts, one list of tokens, or lists of tokens.
fn inputs(input: &Value) -> Vec<&Value> {
    match input {
        Value::Array(many) if !many.iter().all(Value::is_number) => many.iter().collect(),
        one => vec![one],
    }
}

fn tokens(input: &Value) -> usize {
    match input {
        Value::Array(tokens) => tokens.len(),
        text => text.as_str().unwrap_or_default().split_whitespace().count().max(1),
    }
}

/// FNV-1a of the input and the position, as multiples of 1/128 so that every form is exact.
fn vector(input: &Value, dimensions: u64) -> Vec<f32> {
    let text = input.to_string();
    let component = |position: u64| {
        let bytes = text.bytes().chain(position.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        f32::from((hash >> 56) as u8) / 128.0 - 1.0
    };
    (0..dimensions).map(component).collect()
}

fn to_base64(vector: &[f32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= three.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        assert_eq!(to_base64(&[1.0]), "AACAPw==");
        assert_eq!(to_base64(&[1.0, -0.5]), "AACAPwAAAL8=");
        assert_eq!(to_base64(&[1.0, -0.5, 0.0]), "AACAPwAAAL8AAAAA");
    }
}
