//! Vectors of Google's.
//! Source: <https://ai.google.dev/api/embeddings#method:-models.batchembedcontents>

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{call, resource};
use super::schema::camel;
use super::wire::Usage;
use crate::adapters::openai::error::malformed;
use crate::adapters::params::Unsupported;
use crate::adapters::{Ask, Prepared};
use crate::domain::embedding::{Embeddings, EmbeddingsRequest};
use crate::domain::endpoint::Endpoint;
use crate::domain::usage::Tokens;
use crate::error::Result;

/// Members of the envelope, which mean nothing here.
const NO_VENDORS: [&str; 2] = ["stream", "stream_options"];

/// The call that asks for vectors: a batch, whether of one text or of many. Google's own members
/// (`task_type`, `title`) are each text's.
///
/// # Errors
/// The input is tokens, or a member is one that Google does not have.
pub fn prepare(endpoint: &Endpoint, ask: &Ask<'_>) -> Result<Prepared> {
    let request = EmbeddingsRequest::parse(ask.body)?;
    let mut unsupported = Unsupported::by(endpoint);
    unsupported.param_if(request.user.is_some(), "user", "requests have no users")?;
    let model = resource(ask.model);
    let one = |text: String| {
        let mut one = Map::new();
        one.insert("model".to_owned(), model.as_str().into());
        one.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
        one.extend(request.dimensions.map(|length| ("outputDimensionality".to_owned(), length.into())));
        let vendors = request.rest.iter().filter(|(name, _)| !NO_VENDORS.contains(&name.as_str()));
        for (name, value) in vendors {
            one.entry(camel(name)).or_insert_with(|| value.clone());
        }
        Value::from(one)
    };
    let requests: Vec<Value> = request.texts()?.into_iter().map(one).collect();
    let body = Map::from_iter([("requests".to_owned(), requests.into())]);
    call(endpoint, ask, "batchEmbedContents", body, unsupported)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    embeddings: Vec<Vector>,
    #[serde(default)]
    usage_metadata: Option<Usage>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
}

/// The vectors of an answer, in the order of the input.
///
/// # Errors
/// [`crate::error::Kind::MalformedAnswer`]: it is no list of vectors.
pub fn read(endpoint: &Endpoint, body: &[u8]) -> Result<Embeddings> {
    let batch: Batch =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "list of vectors", &error))?;
    let vectors = batch.embeddings.into_iter().map(|vector| vector.values).collect();
    let tokens = batch.usage_metadata.and_then(|usage| usage.prompt_token_count);
    Ok(Embeddings { model: None, vectors, usage: tokens.map(|tokens| Tokens::of(tokens, 0)) })
}
