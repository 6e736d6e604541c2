//! Tokens, where their count comes from, and how an answer ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::envelope::Operation;

/// Token counts in OpenAI's form, with the details that cost differently.
/// Source: <https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tokens {
    /// Tokens of the request.
    #[serde(default, deserialize_with = "null_is_zero")]
    pub prompt_tokens: u64,
    /// Tokens of the answer, reasoning included.
    #[serde(default, deserialize_with = "null_is_zero")]
    pub completion_tokens: u64,
    /// Both together, as the provider adds them up.
    #[serde(default, deserialize_with = "null_is_zero")]
    pub total_tokens: u64,
    /// What the prompt's tokens were made of.
    #[serde(default, deserialize_with = "null_is_default")]
    pub prompt_tokens_details: PromptDetails,
    /// What the answer's tokens were made of.
    #[serde(default, deserialize_with = "null_is_default")]
    pub completion_tokens_details: CompletionDetails,
}

/// The part of the prompt that was read from the provider's cache, or written to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PromptDetails {
    /// Tokens read from the cache, billed at its price.
    #[serde(default, deserialize_with = "null_is_zero")]
    pub cached_tokens: u64,
    /// Tokens written to the cache, by LiteLLM's name: Anthropic bills them higher.
    #[serde(default, deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub cache_creation_tokens: u64,
}

/// The part of the answer that the caller does not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct CompletionDetails {
    /// Tokens spent on reasoning.
    #[serde(default, deserialize_with = "null_is_zero")]
    pub reasoning_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn null_is_zero<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(0))
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Where the token counts of a record come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The provider said so.
    Reported,
    /// The answer was interrupted: what was relayed until then was counted.
    Counted,
    /// The answer was complete but came without usage: estimated from its text.
    Estimated,
}

impl Provenance {
    /// Every provenance, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::Reported, Self::Counted, Self::Estimated];

    /// A stable name: a metric label and a log field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Counted => "counted",
            Self::Estimated => "estimated",
        }
    }
}

/// How an answer ended. Every answer that was begun ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The provider said that it was done, and all of it was relayed.
    Complete,
    /// The upstream stopped in the middle: closed, stalled, or broke its protocol.
    Truncated,
    /// The upstream reported an error, or no upstream answered.
    Failed,
    /// The caller left.
    Cancelled,
}

impl Tokens {
    /// Counts of a vendor that does not add them up itself.
    #[must_use]
    pub fn of(prompt_tokens: u64, completion_tokens: u64) -> Self {
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens, ..Self::default() }
    }
}

impl End {
    /// Every end, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Truncated, Self::Failed, Self::Cancelled];

    /// A stable name: a metric label and a log field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What was relayed to the caller, counted while it passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Events that carried text, reasoning or tool arguments; 1 for an answer that was not streamed.
    pub deltas: u64,
    /// Bytes of text, reasoning and tool arguments: as escaped in the JSON where the answer was passed on as
    /// it came, as text where it was translated.
    pub text_bytes: u64,
}

/// Everything that is recorded of one request, once, when its answer has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageRecord<'a> {
    /// The id that the caller got in `x-request-id`.
    pub request_id: &'a str,
    /// What was asked for.
    pub operation: Operation,
    /// The public name of the model that the caller asked for.
    pub model: &'a str,
    /// The endpoint that served, or failed last.
    pub endpoint: &'a str,
    /// Whether the answer was streamed.
    pub streamed: bool,
    /// How it ended.
    pub end: End,
    /// The kind of the failure that ended it, where one did.
    pub error: Option<&'static str>,
    /// The provider's finish reason, where it was seen.
    pub finish_reason: Option<&'a str>,
    /// Token counts.
    pub tokens: Tokens,
    /// Where they come from.
    pub provenance: Provenance,
    /// What the caller was sent.
    pub relayed: Relayed,
    /// From the request's arrival to the first text for the caller, in milliseconds.
    pub time_to_first_token_ms: Option<f64>,
    /// From the request's arrival to the end of its answer, in milliseconds.
    pub duration_ms: f64,
    /// Upstream calls made for this request.
    pub attempts: u32,
}

/// A duration in milliseconds with three decimals, for records.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years of microseconds")]
    let micros = duration.as_micros() as f64;
    micros / 1000.0
}

/// A rough count of the tokens of `bytes` bytes of UTF-8 text: one for each four bytes, which is near
/// for English and, at three bytes a character, for Chinese, Japanese and Korean as well.
#[must_use]
pub const fn estimate_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_reads_with_details_with_nulls_and_without() {
        let full: Tokens = serde_json::from_str(
            r#"{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,
                "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":3}}"#,
        )
        .unwrap_or_default();
        assert_eq!(full.prompt_tokens_details.cached_tokens, 4);
        assert_eq!(full.completion_tokens_details.reasoning_tokens, 3);
        let bare: Tokens = serde_json::from_str(
            r#"{"prompt_tokens":9,"total_tokens":9,"completion_tokens":null,"prompt_tokens_details":null}"#,
        )
        .unwrap_or_default();
        assert_eq!((bare.prompt_tokens, bare.completion_tokens, bare.total_tokens), (9, 0, 9));
    }
}
