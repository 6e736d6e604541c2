//! What an answer says, whether it comes whole or in pieces: both are the same object.

use serde_json::{Map, Value, json};

use super::wire::{Blob, Candidate, Chosen, Chunk, FunctionCall, Logprobs, Part, PromptFeedback, Usage};
use crate::domain::delta::{Delta, FinishReason};
use crate::domain::usage::Tokens;

/// Turns chunks into deltas, and remembers what a later chunk needs to know.
pub struct Reader {
    request_id: String,
    started: bool,
    candidates: Vec<State>,
}

impl Reader {
    /// For the answer to the request of that id.
    pub fn new(request_id: &str) -> Self {
        Self { request_id: request_id.to_owned(), started: false, candidates: Vec::new() }
    }

    /// The candidates that were seen, and whether each has ended. A prompt that was blocked is one that has.
    pub fn seen(&self) -> impl Iterator<Item = (u32, bool)> {
        self.candidates.iter().map(|state| (state.choice, state.is_finished))
    }

    /// Appends what a chunk says.
    pub fn read(&mut self, chunk: Chunk<'_>, deltas: &mut Vec<Delta>) {
        if !self.started {
            self.started = true;
            let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
            deltas.push(Delta::Start { id: owned(chunk.response_id), model: owned(chunk.model_version) });
        }
        let nobody_answers = chunk.candidates.as_ref().is_none_or(Vec::is_empty);
        for candidate in chunk.candidates.into_iter().flatten() {
            let state = state(&mut self.candidates, candidate.index.unwrap_or(0));
            state.candidate(&self.request_id, candidate, deltas);
        }
        if let (Some(feedback), true) = (chunk.prompt_feedback, nobody_answers) {
            self.blocked(feedback, deltas);
        }
        // LiteLLM, in Google's format, sends zeros where it did not count.
        let usage = chunk.usage_metadata.map(|usage| tokens(&usage));
        deltas.extend(usage.filter(|usage| *usage != Tokens::default()).map(Delta::Usage));
    }

    /// Source: <https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse.PromptFeedback>
    fn blocked(&mut self, feedback: PromptFeedback, deltas: &mut Vec<Delta>) {
        if let Some(reason) = feedback.block_reason {
            let state = state(&mut self.candidates, 0);
            state.end(FinishReason::ContentFilter, Some(reason), feedback.safety_ratings, deltas);
        }
    }
}

/// A candidate as far as it has come.
struct State {
    choice: u32,
    calls: u32,
    is_finished: bool,
}

fn state(candidates: &mut Vec<State>, choice: u32) -> &mut State {
    let known = candidates.iter().position(|state| state.choice == choice);
    let at = known.unwrap_or_else(|| {
        candidates.push(State { choice, calls: 0, is_finished: false });
        candidates.len() - 1
    });
    &mut candidates[at]
}

impl State {
    fn candidate(&mut self, request_id: &str, candidate: Candidate, deltas: &mut Vec<Delta>) {
        for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            self.part(request_id, part, deltas);
        }
        if let Some(logprobs) = candidate.logprobs_result {
            deltas.push(Delta::Logprobs { choice: self.choice, tokens: openai_logprobs(logprobs) });
        }
        self.extra("grounding_metadata", candidate.grounding_metadata, deltas);
        self.extra("citation_metadata", candidate.citation_metadata, deltas);
        self.extra("url_context_metadata", candidate.url_context_metadata, deltas);
        if let Some(word) = candidate.finish_reason {
            let (reason, says_all) = finish_reason(&word, self.calls > 0);
            // Of an answer that is as it should be, Google only says so again.
            let message = candidate.finish_message.filter(|_| !says_all);
            self.extra("finish_message", message.map(Value::from), deltas);
            self.end(reason, (!says_all).then_some(word), candidate.safety_ratings, deltas);
        }
    }

    fn part(&mut self, request_id: &str, part: Part, deltas: &mut Vec<Delta>) {
        let Part { text, thought, thought_signature, function_call, inline_data, mut other } = part;
        if let Some(call) = function_call {
            return self.call(request_id, call, thought_signature, deltas);
        }
        if let Some(blob) = inline_data {
            return self.blob(blob, thought_signature, deltas);
        }
        let choice = self.choice;
        match text {
            Some(text) if text.is_empty() => {}
            Some(text) if thought => deltas.push(Delta::Reasoning { choice, text }),
            Some(text) => deltas.push(Delta::Text { choice, text }),
            None if !other.is_empty() => {
                other.extend(thought_signature.map(|sign| ("thoughtSignature".to_owned(), sign.into())));
                return self.extra("parts", Some(json!([other])), deltas);
            }
            None => {}
        }
        self.extra("extra_content", thought_signature.map(|sign| signed(&sign)), deltas);
    }

    fn call(
        &mut self,
        request_id: &str,
        call: FunctionCall,
        signature: Option<String>,
        deltas: &mut Vec<Delta>,
    ) {
        let (choice, index) = (self.choice, self.calls);
        self.calls += 1;
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| match choice {
            0 => format!("call_{request_id}_{index}"),
            _ => format!("call_{request_id}_{choice}_{index}"),
        });
        let mut extra = Map::new();
        extra.extend(signature.map(|sign| ("extra_content".to_owned(), signed(&sign))));
        deltas.push(Delta::ToolCall { choice, index, id, name: call.name.unwrap_or_default(), extra });
        let json = Value::from(call.args.unwrap_or_default()).to_string();
        deltas.push(Delta::Arguments { choice, index, json });
    }

    /// Source: <https://ai.google.dev/gemini-api/docs/image-generation>
    fn blob(&self, blob: Blob, signature: Option<String>, deltas: &mut Vec<Delta>) {
        let Blob { mime_type, data } = blob;
        let sign = signature.map(|sign| ("extra_content".to_owned(), signed(&sign)));
        let (name, mut value) = if mime_type.starts_with("image/") {
            let url = format!("data:{mime_type};base64,{data}");
            ("images", json!({"type": "image_url", "image_url": {"url": url}}))
        } else {
            ("parts", json!({"inlineData": {"mimeType": mime_type, "data": data}}))
        };
        if let Some(object) = value.as_object_mut() {
            object.extend(sign);
        }
        self.extra(name, Some(json!([value])), deltas);
    }

    fn extra(&self, name: &'static str, value: Option<Value>, deltas: &mut Vec<Delta>) {
        deltas.extend(value.map(|value| Delta::Extra { choice: self.choice, name, value }));
    }

    fn end(
        &mut self,
        reason: FinishReason,
        native: Option<String>,
        safety_ratings: Option<Value>,
        deltas: &mut Vec<Delta>,
    ) {
        // Ratings of answers that pass say nothing to their reader.
        if reason == FinishReason::ContentFilter {
            self.extra("safety_ratings", safety_ratings, deltas);
        }
        self.is_finished = true;
        deltas.push(Delta::Finish { choice: self.choice, reason, native });
    }
}

/// Google's own form for OpenAI's SDKs.
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures#openai-compatibility>
fn signed(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// OpenAI's word, and whether it says all that Google's does.
/// Source: <https://ai.google.dev/api/generate-content#FinishReason>
fn finish_reason(word: &str, has_calls: bool) -> (FinishReason, bool) {
    let filtered = [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "MODEL_ARMOR",
    ];
    match word {
        "STOP" if has_calls => (FinishReason::ToolCalls, true),
        "STOP" => (FinishReason::Stop, true),
        "MAX_TOKENS" => (FinishReason::Length, true),
        "CONTINUATION" => (FinishReason::Length, false),
        _ if filtered.contains(&word) => (FinishReason::ContentFilter, false),
        _ if has_calls => (FinishReason::ToolCalls, false),
        _ => (FinishReason::Stop, false),
    }
}

/// Google counts thoughts beside the answer, and what its own tools gave beside the prompt.
/// Source: <https://ai.google.dev/api/generate-content#UsageMetadata>
fn tokens(usage: &Usage) -> Tokens {
    let sum = |a: Option<u64>, b: Option<u64>| a.unwrap_or(0).saturating_add(b.unwrap_or(0));
    let prompt = sum(usage.prompt_token_count, usage.tool_use_prompt_token_count);
    let completion = sum(usage.candidates_token_count, usage.thoughts_token_count);
    let mut tokens = Tokens::of(prompt, completion);
    tokens.total_tokens = usage.total_token_count.unwrap_or(tokens.total_tokens);
    tokens.prompt_tokens_details.cached_tokens = usage.cached_content_token_count.unwrap_or(0);
    tokens.completion_tokens_details.reasoning_tokens = usage.thoughts_token_count.unwrap_or(0);
    tokens
}

/// Source: <https://ai.google.dev/api/generate-content#LogprobsResult>
fn openai_logprobs(logprobs: Logprobs) -> Vec<Value> {
    let tops = logprobs.top_candidates.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    let tokens = logprobs.chosen_candidates.iter().zip(tops);
    let tokens = tokens.map(|(chosen, top)| {
        let mut token = openai_token(chosen);
        let others = top.map(|top| top.candidates).unwrap_or_default();
        token["top_logprobs"] = others.iter().map(openai_token).collect();
        token
    });
    tokens.collect()
}

fn openai_token(chosen: &Chosen) -> Value {
    let Chosen { token, log_probability } = chosen;
    json!({"token": token, "logprob": log_probability, "bytes": token.as_bytes()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::done("STOP", false, FinishReason::Stop, true)]
    #[case::calls("STOP", true, FinishReason::ToolCalls, true)]
    #[case::full("MAX_TOKENS", true, FinishReason::Length, true)]
    #[case::to_be_continued("CONTINUATION", false, FinishReason::Length, false)]
    #[case::safety("SAFETY", false, FinishReason::ContentFilter, false)]
    #[case::recitation("RECITATION", true, FinishReason::ContentFilter, false)]
    #[case::personal_data("SPII", false, FinishReason::ContentFilter, false)]
    #[case::an_image("IMAGE_SAFETY", false, FinishReason::ContentFilter, false)]
    #[case::a_broken_call("MALFORMED_FUNCTION_CALL", false, FinishReason::Stop, false)]
    #[case::too_many_calls("TOO_MANY_TOOL_CALLS", true, FinishReason::ToolCalls, false)]
    #[case::unknown("SOMETHING_NEW", false, FinishReason::Stop, false)]
    fn every_word_of_googles_has_one_of_openais(
        #[case] word: &str,
        #[case] has_calls: bool,
        #[case] reason: FinishReason,
        #[case] says_all: bool,
    ) {
        assert_eq!(finish_reason(word, has_calls), (reason, says_all));
    }

    #[test]
    fn thoughts_are_part_of_the_answer_and_tools_results_part_of_the_prompt() {
        let usage = Usage {
            prompt_token_count: Some(10),
            candidates_token_count: Some(5),
            thoughts_token_count: Some(7),
            tool_use_prompt_token_count: Some(3),
            cached_content_token_count: Some(8),
            total_token_count: Some(25),
        };
        let tokens = tokens(&usage);
        assert_eq!((tokens.prompt_tokens, tokens.completion_tokens, tokens.total_tokens), (13, 12, 25));
        assert_eq!(tokens.prompt_tokens_details.cached_tokens, 8);
        assert_eq!(tokens.completion_tokens_details.reasoning_tokens, 7);
    }
}
