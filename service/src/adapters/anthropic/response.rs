//! A whole answer of Anthropic's, as deltas.
//! Source: <https://platform.claude.com/docs/en/api/messages>

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Error as _;
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
    content: Option<Vec<&'a RawValue>>,
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
    let missing = |member| malformed(endpoint, "message", &serde_json::Error::missing_field(member));
    let content = message.content.ok_or_else(|| missing("content"))?;
    let reason = message.stop_reason.ok_or_else(|| missing("stop_reason"))?;
    let mut deltas = vec![Delta::Start { id: message.id, model: message.model }];
    let mut blocks = Blocks::new(expect.json_tool);
    for (index, block) in (0..).zip(content) {
        let begun = blocks.start(index, block, &mut deltas);
        begun.map_err(|error| malformed(endpoint, "content block", &error))?;
        blocks.stop(index, &mut deltas);
    }
    push_end(&blocks, &reason, message.stop_details, &mut deltas);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing;
    use crate::domain::endpoint::Provider;
    use crate::error::Kind;
    use rstest::rstest;

    #[rstest]
    #[case::not_json("<html>")]
    #[case::nothing("{}")]
    #[case::no_content(r#"{"type":"message","stop_reason":"end_turn"}"#)]
    #[case::no_reason(r#"{"type":"message","content":[]}"#)]
    #[case::a_block_without_a_type(r#"{"type":"message","content":[{}],"stop_reason":"end_turn"}"#)]
    fn what_is_no_message_is_malformed(#[case] body: &str) {
        let endpoint = testing::endpoint(Provider::Anthropic, "https://api.anthropic.com");
        let error = deltas(&endpoint, &Expect::default(), body.as_bytes()).expect_err("malformed");
        assert_eq!(error.kind(), Kind::MalformedAnswer);
    }
}
