//! Who goes on with an answer, and how each is asked to.
//!
//! - Anthropic: <https://platform.claude.com/docs/en/build-with-claude/working-with-messages>, "Putting
//!   words in Claude's mouth". A last message of the assistant's; the answer is what follows. Not with
//!   thinking, and refused from 4.6 on:
//!   <https://platform.claude.com/docs/en/about-claude/models/migration-guide>
//! - Mistral: <https://docs.mistral.ai/guides/prefix/>. The same with `prefix: true`; the answer starts with
//!   the beginning, and the page cuts it off.
//! - Ollama: a last message of the assistant's, by the maintainers' word:
//!   <https://github.com/ollama/ollama/issues/6778>. The answer is what follows:
//!   <https://github.com/ollama/ollama/issues/5890>
//! - `DeepSeek`: <https://api-docs.deepseek.com/guides/chat_prefix_completion>. `prefix: true`, at the URL of
//!   the beta alone. The answer is what follows: <https://docs.litellm.ai/docs/completion/prefix>
//! - Groq: <https://console.groq.com/docs/prefilling>. A last message; "a response starting with" it.
//! - Moonshot: <https://platform.kimi.ai/docs/guide/use-partial-mode-feature-of-kimi-api>. `partial: true`;
//!   the answer is what follows.
//! - Alibaba: <https://www.alibabacloud.com/help/en/model-studio/partial-mode>. `partial: true`; it does not
//!   say what the answer starts with. Models that think refuse it.
//! - vLLM: <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>. `continue_final_message`,
//!   which excludes `add_generation_prompt`; the beginning is repeated with `echo` only.
//!
//! None of these do it unless the operator says so:
//!
//! - `OpenAI`, Azure, Cohere: no page tells of it. A last message of the assistant's is answered anew.
//! - Gemini: no page tells of it either. Older models go on, newer ones refuse:
//!   <https://github.com/pipecat-ai/pipecat/pull/5821>
//! - LiteLLM and `OpenRouter` document it (<https://docs.litellm.ai/docs/completion/prefix>,
//!   <https://openrouter.ai/docs/api-reference/overview>, "Assistant Prefill"), but hand it to whoever
//!   serves the model, which may well answer anew.
//! - llama.cpp's server does it (<https://github.com/ggml-org/llama.cpp/pull/13608>), but is known here by
//!   its format alone.

use super::Echo;
use crate::adapters::anthropic;
use crate::domain::endpoint::{Endpoint, Provider, UpstreamModel};

/// How an endpoint goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How it is asked to.
    pub means: Means,
    /// What its answer starts with.
    pub echo: Echo,
}

/// How a vendor is asked to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The beginning is the assistant's last message.
    Message,
    /// So it is, and this member of it is true.
    Marked(&'static str),
    /// So it is, and the request has the members of [`LEFT_OPEN`].
    LeftOpen,
}

/// vLLM's members for a last message that is not over.
pub const LEFT_OPEN: [(&str, bool); 2] = [("continue_final_message", true), ("add_generation_prompt", false)];

const fn way(means: Means, echo: Echo) -> Way {
    Way { means, echo }
}

/// The vendors with OpenAI's format that document it, by LiteLLM's prefixes.
const VENDORS: [(&str, Way); 8] = [
    ("dashscope", way(Means::Marked("partial"), Echo::Beginning)),
    ("deepseek", way(Means::Marked("prefix"), Echo::Nothing)),
    ("groq", way(Means::Message, Echo::Beginning)),
    ("hosted_vllm", way(Means::LeftOpen, Echo::Nothing)),
    ("moonshot", way(Means::Marked("partial"), Echo::Nothing)),
    ("qwen_ai_platform", way(Means::Marked("partial"), Echo::Beginning)),
    ("qwencloud", way(Means::Marked("partial"), Echo::Beginning)),
    ("vllm", way(Means::LeftOpen, Echo::Nothing)),
];

impl Way {
    /// `endpoint`'s, unless it has none.
    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        let goes_on = endpoint.continues.unwrap_or_else(|| is_documented(endpoint));
        goes_on.then(|| asked(endpoint))
    }
}

fn of_vendor(endpoint: &Endpoint) -> Option<Way> {
    let own = endpoint.vendor?;
    VENDORS.iter().find(|(prefix, _)| *prefix == own).map(|(_, way)| *way)
}

fn is_documented(endpoint: &Endpoint) -> bool {
    match endpoint.provider {
        Provider::Mistral | Provider::Ollama | Provider::Mock => true,
        Provider::Anthropic => anthropic::prefill::is_taken_by(named(&endpoint.model)),
        Provider::Openai => of_vendor(endpoint).is_some() && !is_deepseeks_stable_api(endpoint),
        Provider::Azure | Provider::Gemini | Provider::Cohere | Provider::Litellm => false,
    }
}

/// What is known of the model's name before anybody asks for it.
fn named(model: &UpstreamModel) -> &str {
    match model {
        UpstreamModel::Named(name) | UpstreamModel::Pattern(name) => name,
        UpstreamModel::AsAsked => "",
    }
}

fn is_deepseeks_stable_api(endpoint: &Endpoint) -> bool {
    endpoint.vendor == Some("deepseek") && !endpoint.url.prefix.split('/').any(|part| part == "beta")
}

/// How it is asked, whether that is documented or not.
fn asked(endpoint: &Endpoint) -> Way {
    match endpoint.provider {
        Provider::Mistral | Provider::Litellm => way(Means::Marked("prefix"), Echo::Beginning),
        Provider::Anthropic | Provider::Ollama | Provider::Mock => way(Means::Message, Echo::Nothing),
        Provider::Openai | Provider::Azure | Provider::Gemini | Provider::Cohere => {
            of_vendor(endpoint).unwrap_or(way(Means::Message, Echo::Beginning))
        }
    }
}
