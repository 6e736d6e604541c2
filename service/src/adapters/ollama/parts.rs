//! The parts of an answer in Ollama's form.
//! Source: <https://github.com/ollama/ollama/blob/main/api/types.go>

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{line, media};
use crate::adapters::Timing;
use crate::domain::delta::{AnsweredCall, Choice, FinishReason};

#[derive(Serialize)]
pub struct End {
    pub done: bool,
    pub done_reason: String,
    pub total_duration: u64,
    pub load_duration: u64,
    pub prompt_eval_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_eval_cached_count: Option<u64>,
    pub prompt_eval_duration: u64,
    pub eval_count: u64,
    pub eval_duration: u64,
}

#[derive(Serialize)]
pub struct Vectors<'a> {
    pub model: &'a str,
    pub embeddings: &'a [Vec<f32>],
    pub total_duration: u64,
    pub load_duration: u64,
    pub prompt_eval_count: u64,
}

#[derive(Serialize)]
pub struct OneVector<'a> {
    pub embedding: &'a [f32],
}

#[derive(Serialize)]
pub struct WrittenCall<'a> {
    pub id: &'a str,
    pub function: WrittenFunction<'a>,
    #[serde(flatten)]
    pub extra: &'a Map<String, Value>,
}

#[derive(Serialize)]
pub struct WrittenFunction<'a> {
    pub index: usize,
    pub name: &'a str,
    pub arguments: Box<RawValue>,
}

pub fn written_calls(calls: &[AnsweredCall]) -> Vec<WrittenCall<'_>> {
    let written = calls.iter().enumerate().map(|(index, call)| WrittenCall {
        id: &call.id,
        function: WrittenFunction { index, name: &call.name, arguments: arguments(&call.arguments) },
        extra: &call.extra,
    });
    written.collect()
}

/// The arguments as an object, every digit kept. What is none is not lost: see the folder's first page.
pub fn arguments(text: &str) -> Box<RawValue> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let is_object = serde_json::from_str::<Map<String, Value>>(text).is_ok();
    let object = if is_object { line::compact(text) } else { json!({"_raw_arguments": text}).to_string() };
    RawValue::from_string(object).unwrap_or_default()
}

/// Images are bare Base64 here.
pub fn extra<'a>(name: &'a str, value: &Value) -> (&'a str, Value) {
    let bare = |image: &Value| {
        let url = image["image_url"]["url"].as_str().unwrap_or_default();
        media::base64_of(url).map_or_else(|| image.clone(), Value::from)
    };
    match value {
        Value::Array(images) if name == "images" => (name, images.iter().map(bare).collect()),
        value => (name, value.clone()),
    }
}

/// Ollama has no word for an answer that ends with calls: it is done.
pub fn done_reason(choice: &Choice) -> String {
    match choice.finish {
        None | Some(FinishReason::Stop | FinishReason::ToolCalls) => "stop".to_owned(),
        Some(other) => other.name().to_owned(),
    }
}

pub fn said_bytes(choice: &Choice) -> u64 {
    let texts = [&choice.text, &choice.reasoning, &choice.refusal].into_iter().flatten();
    let arguments = choice.tool_calls.iter().map(|call| &call.arguments);
    texts.chain(arguments).map(|text| text.len() as u64).sum()
}

/// Clients divide by it, so it is never 0.
pub fn eval_duration(timing: Timing) -> Duration {
    let after_first = timing.total.saturating_sub(timing.first_token);
    let known = if after_first.is_zero() { timing.total } else { after_first };
    known.max(Duration::from_nanos(1))
}

pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
