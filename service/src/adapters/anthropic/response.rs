//! A whole answer of Anthropic's, as deltas.
//! Source: <https://platform.claude.com/docs/en/api/messages>

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::blocks::Blocks;
use super::error::in_band;
use super::usage::{Usage, finish};
use crate::adapters::Expect;
use crate::adapters::openai::error::malformed;
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// An answer; in a stream's first event one without content.
#[derive(Default, Deserialize)]
pub struct Message<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    /// The vendor's id.
    #[serde(default)]
    pub id: Option<String>,
    /// The model that answers.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default, borrow)]
    content: Vec<&'a RawValue>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop_details: Option<Value>,
    /// What it cost, so far.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// What the answer says.
///
/// # Errors
/// It reports an error, or is not what the vendor documents.
pub fn deltas(endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Vec<Delta>> {
    let message: Message<'_> =
        serde_json::from_slice(body).map_err(|error| malformed(endpoint, "message", &error))?;
    if message.kind == "error" {
        return Err(in_band(endpoint, body));
    }
    let mut deltas = vec![Delta::Start { id: message.id, model: message.model }];
    let mut blocks = Blocks::new(expect.json_tool);
    for (index, block) in (0..).zip(message.content) {
        let begun = blocks.start(index, block, &mut deltas);
        begun.map_err(|error| malformed(endpoint, "content block", &error))?;
        blocks.stop(index, &mut deltas);
    }
    let reason = message.stop_reason.as_deref().unwrap_or("end_turn");
    push_end(&blocks, reason, message.stop_details, &mut deltas);
    deltas.extend(message.usage.map(|usage| Delta::Usage(usage.tokens())));
    Ok(deltas)
}

/// Why the answer ended, with the words of a refusal where there are any.
/// Source: <https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback>
pub fn push_end(blocks: &Blocks, stop_reason: &str, details: Option<Value>, deltas: &mut Vec<Delta>) {
    if let Some(details) = details.filter(Value::is_object) {
        if let Some(words) = details["explanation"].as_str().filter(|words| !words.is_empty()) {
            deltas.push(Delta::Refusal { choice: 0, text: words.to_owned() });
        }
        deltas.push(Delta::Extra { choice: 0, name: "stop_details", value: details });
    }
    let (reason, native) = match finish(stop_reason) {
        (FinishReason::ToolCalls, _) if blocks.only_said_by_tool() => (FinishReason::Stop, None),
        mapped => mapped,
    };
    deltas.push(Delta::Finish { choice: 0, reason, native });
}
