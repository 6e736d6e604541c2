//! How the model is to answer: `generationConfig`, and what of Google's own a caller sends beside it.
//!
//! - <https://ai.google.dev/api/generate-content#v1beta.GenerationConfig>
//! - <https://ai.google.dev/gemini-api/docs/structured-output>

use serde_json::{Map, Value, json};

use super::generation::Generation;
use super::schema::{self, camel};
use super::thinking;
use crate::adapters::params::Unsupported;
use crate::domain::chat::{ChatRequest, ResponseFormat};
use crate::error::Result;

/// Members that a caller sends beside OpenAI's and that Google has inside `generationConfig`.
const INSIDE: [&str; 10] = [
    "topK",
    "thinkingConfig",
    "responseModalities",
    "responseSchema",
    "responseJsonSchema",
    "responseMimeType",
    "mediaResolution",
    "speechConfig",
    "imageConfig",
    "enableEnhancedCivicAnswers",
];

/// The most texts that may end an answer.
const MAX_STOPS: usize = 5;

/// Members of OpenAI's that are read here although not every vendor has them.
const TAKEN: [&str; 3] = ["modalities", "service_tier", "thinking"];

/// `generationConfig`, and the members beside it.
///
/// # Errors
/// A member is one that Google does not have.
pub fn members(
    request: &ChatRequest,
    generation: Generation,
    unsupported: &mut Unsupported<'_>,
) -> Result<(Map<String, Value>, Map<String, Value>)> {
    let mut config = Map::new();
    sampling(request, generation, &mut config, unsupported)?;
    format(request, &mut config);
    if let Some(thinking) = thinking::config(request, generation, unsupported)? {
        config.insert("thinkingConfig".to_owned(), thinking);
    }
    nobody_has(request, unsupported)?;
    let mut beside = Map::new();
    tier_and_modalities(request, &mut config, &mut beside, unsupported)?;
    for (name, value) in unsupported.rest_without_marks(request, &TAKEN)? {
        match (camel(&name), value) {
            (name, Value::Object(own)) if name == "generationConfig" => {
                own.into_iter().for_each(|(name, value)| fill(&mut config, camel(&name), value));
            }
            (name, value) if INSIDE.contains(&name.as_str()) => fill(&mut config, name, value),
            (name, value) => fill(&mut beside, name, value),
        }
    }
    Ok((config, beside))
}

/// What OpenAI's members say comes first.
fn fill(members: &mut Map<String, Value>, name: String, value: Value) {
    members.entry(name).or_insert(value);
}

fn sampling(
    request: &ChatRequest,
    generation: Generation,
    config: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<()> {
    let mut set = |name: &str, value: Option<Value>| {
        config.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("maxOutputTokens", request.token_limit().map(Value::from));
    set("temperature", request.temperature.map(|number| number.clamp(0.0, 2.0).into()));
    set("topP", request.top_p.map(Value::from));
    set("candidateCount", request.n.filter(|n| *n != 1).map(Value::from));
    set("responseLogprobs", request.logprobs.filter(|wanted| *wanted).map(Value::from));
    set("logprobs", request.top_logprobs.filter(|_| request.logprobs == Some(true)).map(Value::from));
    match request.seed.map(i32::try_from) {
        Some(Ok(seed)) => set("seed", Some(seed.into())),
        Some(Err(_)) => unsupported.param("seed", "it must fit into 32 bits")?,
        None => {}
    }
    match request.stop.len() {
        0 => {}
        1..=MAX_STOPS => set("stopSequences", Some(json!(request.stop))),
        _ => unsupported.param("stop", "at most 5 texts")?,
    }
    let penalties = [
        ("presence_penalty", "presencePenalty", request.presence_penalty),
        ("frequency_penalty", "frequencyPenalty", request.frequency_penalty),
    ];
    for (openais, googles, value) in penalties {
        match value.filter(|value| *value != 0.0) {
            Some(_) if generation.is_three() => unsupported.param(openais, "not since Gemini 3")?,
            value => set(googles, value.map(Value::from)),
        }
    }
    Ok(())
}

fn format(request: &ChatRequest, config: &mut Map<String, Value>) {
    let schema = match &request.response_format {
        None | Some(ResponseFormat::Text) => return,
        Some(ResponseFormat::JsonObject) => None,
        Some(ResponseFormat::JsonSchema { json_schema }) => json_schema.schema.as_ref(),
    };
    config.insert("responseMimeType".to_owned(), "application/json".into());
    config.extend(schema.map(|schema| ("responseJsonSchema".to_owned(), schema::google(schema))));
}

/// Members without a counterpart, unless they say what would be so anyway.
fn nobody_has(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    let biased = request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty());
    unsupported.param_if(biased, "logit_bias", "")?;
    unsupported.param_if(request.user.is_some(), "user", "requests have no users")
}

/// - <https://ai.google.dev/api/generate-content#Modality>
/// - <https://ai.google.dev/gemini-api/docs/flex-inference>
fn tier_and_modalities(
    request: &ChatRequest,
    config: &mut Map<String, Value>,
    beside: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<()> {
    if let Some(modalities) = request.rest.get("modalities").and_then(Value::as_array) {
        let names = modalities.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase);
        config.insert("responseModalities".to_owned(), names.collect());
    }
    match request.rest.get("service_tier").map(|tier| tier.as_str().unwrap_or_default()) {
        None | Some("auto" | "default") => Ok(()),
        Some(tier @ ("flex" | "priority")) => {
            beside.insert("serviceTier".to_owned(), tier.into());
            Ok(())
        }
        Some(_) => unsupported.param("service_tier", "expected auto, default, flex or priority"),
    }
}
