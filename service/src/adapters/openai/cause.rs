//! Why an OpenAI-format server refuses, where its status does not say it: by its codes, or else by its
//! words.

use super::described::Described;

/// A reason that decides what can help: another model, another account, another prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The conversation is longer than the model can read.
    ContextLength,
    /// The account has nothing left to pay with.
    Quota,
    /// A filter or a policy stops the content.
    ContentPolicy,
}

impl Cause {
    /// OpenAI's code for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContextLength => "context_length_exceeded",
            Self::Quota => "insufficient_quota",
            Self::ContentPolicy => "content_policy_violation",
        }
    }

    /// What `described` is a case of, if it is.
    pub fn of(described: &Described) -> Option<Self> {
        let names = [described.code.as_deref(), described.openai_type.as_deref()];
        let by_name = names.into_iter().flatten().find_map(Self::by_name);
        by_name.or_else(|| Self::by_words(&described.message.as_deref()?.to_ascii_lowercase()))
    }

    /// What a refusal with that status is a case of, if it is.
    pub fn at(status: u16, described: &Described) -> Option<Self> {
        let may_be = |cause: &Self| match status {
            401 | 500.. => false,
            403 => *cause != Self::ContextLength,
            429 => *cause == Self::Quota,
            _ => true,
        };
        if status == 402 { Some(Self::Quota) } else { Self::of(described).filter(may_be) }
    }

    fn by_name(name: &str) -> Option<Self> {
        let listed = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        match () {
            () if listed(CONTEXT_LENGTH_NAMES) => Some(Self::ContextLength),
            () if listed(QUOTA_NAMES) => Some(Self::Quota),
            () if listed(CONTENT_POLICY_NAMES) => Some(Self::ContentPolicy),
            () => None,
        }
    }

    fn by_words(message: &str) -> Option<Self> {
        let said = |wordings: &[&str]| wordings.iter().any(|words| message.contains(words));
        match () {
            () if said(CONTEXT_LENGTH_WORDS) => Some(Self::ContextLength),
            () if said(QUOTA_WORDS) => Some(Self::Quota),
            () if said(CONTENT_POLICY_WORDS) => Some(Self::ContentPolicy),
            () => None,
        }
    }
}

/// OpenAI's, then llama.cpp's, GitHub Models' and LiteLLM's.
const CONTEXT_LENGTH_NAMES: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size_error",
    "tokens_limit_reached",
    "ContextWindowExceededError",
];

/// OpenAI's two, then that of `DeepSeek` and others, and LiteLLM's.
const QUOTA_NAMES: &[&str] =
    &["insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "budget_exceeded"];

/// OpenAI's, Azure's, OpenAI's for reasoning models, `DashScope`'s.
const CONTENT_POLICY_NAMES: &[&str] = &[
    "content_policy_violation",
    "content_filter",
    "ResponsibleAIPolicyViolation",
    "invalid_prompt",
    "data_inspection_failed",
];

/// In small letters: OpenAI, vLLM, `DeepSeek` and OpenRouter; OpenAI's newer models; xAI; vLLM; SGLang;
/// llama.cpp; text-generation-inference and Together; Cerebras; Groq; LM Studio; LiteLLM.
const CONTEXT_LENGTH_WORDS: &[&str] = &[
    "maximum context length",
    "exceeds the context window",
    "maximum prompt length",
    "longer than the maximum model length",
    "longer than the model's context length",
    "exceeds the available context size",
    "`inputs` tokens + `max_new_tokens` must be",
    "please reduce the length of the messages",
    "the number of tokens to keep from the initial prompt is greater than the context length",
    "contextwindowexceedederror",
];

/// `DeepSeek`; OpenRouter; xAI and Fireworks.
const QUOTA_WORDS: &[&str] = &["insufficient balance", "insufficient credits", "monthly spending limit"];

/// `DeepSeek`; xAI; OpenAI; Azure; OpenRouter; LiteLLM.
const CONTENT_POLICY_WORDS: &[&str] = &[
    "content exists risk",
    "content violates usage guidelines",
    "rejected as a result of our safety system",
    "content management policy",
    "input was flagged",
    "contentpolicyviolationerror",
];
