//! What an answer cost, and why it ended.

use serde::Deserialize;

use crate::domain::delta::FinishReason;
use crate::domain::usage::Tokens;

/// Counts, all of them cumulative: a later one replaces an earlier one, an absent one leaves it.
/// Source: <https://platform.claude.com/docs/en/api/messages#usage>
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Usage {
    /// Tokens of the request that the cache has nothing to do with.
    input_tokens: Option<u64>,
    /// Tokens of the request that were read from the cache.
    cache_read_input_tokens: Option<u64>,
    /// Tokens of the request that were written to the cache.
    cache_creation_input_tokens: Option<u64>,
    /// Tokens of the answer, thinking included.
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl Usage {
    /// Takes what a later event says.
    pub fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
    }

    /// In OpenAI's form, whose prompt includes the cache.
    pub fn tokens(self) -> Tokens {
        let read = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let prompt = self.input_tokens.unwrap_or(0).saturating_add(read).saturating_add(written);
        let mut tokens = Tokens::of(prompt, self.output_tokens.unwrap_or(0));
        tokens.prompt_tokens_details.cached_tokens = read;
        tokens.prompt_tokens_details.cache_creation_tokens = written;
        let details = self.output_tokens_details.and_then(|details| details.thinking_tokens);
        tokens.completion_tokens_details.reasoning_tokens = details.unwrap_or(0);
        tokens
    }
}

/// Why an answer ended, and the vendor's word where OpenAI's says less.
/// Source: <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>
pub fn finish(stop_reason: &str) -> (FinishReason, Option<String>) {
    let (reason, says_all) = match stop_reason {
        "end_turn" => (FinishReason::Stop, true),
        "max_tokens" => (FinishReason::Length, true),
        "model_context_window_exceeded" => (FinishReason::Length, false),
        "tool_use" => (FinishReason::ToolCalls, true),
        "refusal" => (FinishReason::ContentFilter, true),
        // `stop_sequence` did not come to its end by itself; `pause_turn` wants to go on.
        _ => (FinishReason::Stop, false),
    };
    (reason, (!says_all).then(|| stop_reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::end("end_turn", FinishReason::Stop, None)]
    #[case::stop("stop_sequence", FinishReason::Stop, Some("stop_sequence"))]
    #[case::length("max_tokens", FinishReason::Length, None)]
    #[case::context(
        "model_context_window_exceeded",
        FinishReason::Length,
        Some("model_context_window_exceeded")
    )]
    #[case::tools("tool_use", FinishReason::ToolCalls, None)]
    #[case::refusal("refusal", FinishReason::ContentFilter, None)]
    #[case::pause("pause_turn", FinishReason::Stop, Some("pause_turn"))]
    #[case::new("tired", FinishReason::Stop, Some("tired"))]
    fn a_stop_reason_becomes(
        #[case] stop_reason: &str,
        #[case] reason: FinishReason,
        #[case] native: Option<&str>,
    ) {
        assert_eq!(finish(stop_reason), (reason, native.map(str::to_owned)));
    }

    #[test]
    fn the_prompt_includes_what_the_cache_read_and_wrote() {
        let read = |json| serde_json::from_str::<Usage>(json).expect("usage");
        let mut usage = read(
            r#"{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":null,
                "output_tokens":1}"#,
        );
        usage.update(read(
            r#"{"cache_creation_input_tokens":20,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}}"#,
        ));
        let tokens = usage.tokens();
        assert_eq!((tokens.prompt_tokens, tokens.completion_tokens, tokens.total_tokens), (130, 9, 139));
        let prompt = tokens.prompt_tokens_details;
        assert_eq!((prompt.cached_tokens, prompt.cache_creation_tokens), (100, 20));
        assert_eq!(tokens.completion_tokens_details.reasoning_tokens, 4);
    }
}
