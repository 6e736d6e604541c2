//! What a turn of the model's holds beside its words: calls, and the signatures of its thoughts.
//!
//! - <https://ai.google.dev/gemini-api/docs/thought-signatures>
//! - LiteLLM's forms of them: <https://docs.litellm.ai/docs/providers/gemini#thought-signatures>

use serde_json::{Map, Value, json};

use super::generation::Generation;
use super::media;
use crate::domain::chat::ToolCall;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// What Google documents for calls that its model did not make, or whose signature is lost.
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// LiteLLM also hides a call's signature in its id, for clients that lose unknown members.
const SIGNATURE_IN_ID: &str = "__thought__";

/// A call that was made. `path` names it in errors. Ids are Gemini 3's; older models refuse them.
///
/// # Errors
/// Its arguments are no JSON object.
pub fn call(generation: Generation, call: &ToolCall, path: &str) -> Result<Value> {
    let arguments = match call.function.arguments.trim() {
        "" => "{}",
        arguments => arguments,
    };
    let arguments: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| {
        let path = format!("{path}.function.arguments");
        Error::invalid(path.clone(), format!("`{path}` must be a JSON object, as text: {error}"))
    })?;
    let mut part = json!({"functionCall": {"name": call.function.name, "args": arguments}});
    if generation.is_three() && !call.id.is_empty() {
        part["functionCall"]["id"] = bare_id(&call.id).into();
    }
    if let Some(signature) = call_signature(call) {
        part["thoughtSignature"] = signature.into();
    }
    Ok(part)
}

/// An id as Google knows it.
pub fn bare_id(id: &str) -> &str {
    id.split_once(SIGNATURE_IN_ID).map_or(id, |(id, _)| id)
}

fn call_signature(call: &ToolCall) -> Option<&str> {
    let google = call.rest.get("extra_content").and_then(google_signature);
    let litellm = call.rest.get("provider_specific_fields").map(|fields| &fields["thought_signature"]);
    let in_id = call.id.split_once(SIGNATURE_IN_ID).map(|(_, signature)| signature);
    google.or_else(|| litellm.and_then(Value::as_str)).or(in_id)
}

fn google_signature(extra_content: &Value) -> Option<&str> {
    extra_content["google"]["thought_signature"].as_str()
}

/// The signature of a message's text. LiteLLM repeats those of the calls there.
pub fn message_signature<'a>(rest: &'a Map<String, Value>, calls: &[ToolCall]) -> Option<&'a str> {
    let google = rest.get("extra_content").and_then(google_signature);
    let litellm = rest.get("provider_specific_fields").map(|fields| &fields["thought_signatures"][0]);
    let litellm = litellm.and_then(Value::as_str);
    google.or_else(|| litellm.filter(|sign| calls.iter().all(|call| call_signature(call) != Some(sign))))
}

/// Puts a signature where Google sends it: on the last of the texts, or on an empty one.
pub fn sign_last(texts: &mut Vec<Value>, signature: Option<&str>) {
    let Some(signature) = signature else { return };
    match texts.last_mut() {
        Some(text) => text["thoughtSignature"] = signature.into(),
        None => texts.push(json!({"text": "", "thoughtSignature": signature})),
    }
}

/// Of calls that were made at once, Google signs the first, and wants that signature back.
pub fn excuse_missing_signature(calls: &mut [Value]) {
    if calls.iter().all(|call| call.get("thoughtSignature").is_none())
        && let Some(first) = calls.first_mut()
    {
        first["thoughtSignature"] = NO_SIGNATURE.into();
    }
}

/// Parts of an earlier answer that OpenAI has no form for: as they came.
pub fn vendor_parts(rest: &Map<String, Value>) -> Vec<Value> {
    rest.get("parts").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Images of an earlier answer, with their signatures.
///
/// # Errors
/// One of them has a URL that Google does not fetch.
pub fn images(
    endpoint: &Endpoint,
    generation: Generation,
    rest: &Map<String, Value>,
    path: &str,
) -> Result<Vec<Value>> {
    let images = rest.get("images").and_then(Value::as_array).into_iter().flatten().enumerate();
    let images = images.map(|(at, image)| {
        let url = image["image_url"]["url"].as_str().unwrap_or_default();
        let mut part = media::image(endpoint, generation, (url, None), &format!("{path}.images[{at}]"))?;
        if let Some(signature) = google_signature(&image["extra_content"]) {
            part["thoughtSignature"] = signature.into();
        }
        Ok(part)
    });
    images.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn made(call: Value) -> ToolCall {
        serde_json::from_value(call).expect("a call")
    }

    #[rstest]
    #[case::googles(json!({"id": "c", "function": {"name": "f"},
        "extra_content": {"google": {"thought_signature": "c2ln"}}}))]
    #[case::litellms(json!({"id": "c", "function": {"name": "f"},
        "provider_specific_fields": {"thought_signature": "c2ln"}}))]
    #[case::litellms_in_the_id(json!({"id": "c__thought__c2ln", "function": {"name": "f"}}))]
    fn a_calls_signature_comes_back_in_every_form(#[case] call: Value) {
        let part = super::call(Generation::Three, &made(call), "call").expect("a part");
        let expected =
            json!({"functionCall": {"name": "f", "args": {}, "id": "c"}, "thoughtSignature": "c2ln"});
        assert_eq!(part, expected);
    }

    #[test]
    fn older_models_get_no_ids() {
        let call = made(json!({"id": "c", "function": {"name": "f", "arguments": "{\"x\":1}"}}));
        let part = super::call(Generation::TwoAndAHalf, &call, "call");
        assert_eq!(part, Ok(json!({"functionCall": {"name": "f", "args": {"x": 1}}})));
    }

    #[rstest]
    #[case::no_json("{")]
    #[case::no_object("[1]")]
    fn arguments_that_are_no_object_are_refused_by_name(#[case] arguments: &str) {
        let call = made(json!({"id": "c", "function": {"name": "f", "arguments": arguments}}));
        let error = super::call(Generation::Three, &call, "messages[1].tool_calls[0]").expect_err("refused");
        assert_eq!(error.param(), Some("messages[1].tool_calls[0].function.arguments"));
    }

    #[test]
    fn a_signature_that_litellm_repeats_is_not_the_texts() {
        let call = made(json!({"id": "c", "function": {"name": "f"},
            "provider_specific_fields": {"thought_signature": "c2ln"}}));
        let rest = json!({"provider_specific_fields": {"thought_signatures": ["c2ln"]}});
        let rest = rest.as_object().cloned().unwrap_or_default();
        assert_eq!(message_signature(&rest, &[call]), None);
        assert_eq!(message_signature(&rest, &[]), Some("c2ln"));
    }
}
