//! The vendors that a configuration can name, by LiteLLM's prefixes: whose format each speaks, where it
//! listens, and which variable holds its key.
//! Source: <https://docs.litellm.ai/docs/providers>

use super::endpoint::Provider;

/// One vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// What stands before the slash in `litellm_params.model`.
    pub prefix: &'static str,
    /// Whose wire format it speaks.
    pub provider: Provider,
    /// Where it listens, without a configured `api_base`; `None` where that has to be configured.
    pub base_url: Option<&'static str>,
    /// The variables that may hold its key, the first one that is set.
    pub key_variables: &'static [&'static str],
    /// The variables that may hold its base URL.
    pub base_variables: &'static [&'static str],
}

impl Vendor {
    /// The vendor of that prefix.
    #[must_use]
    pub fn of(prefix: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.prefix == prefix)
    }
}

const fn vendor(
    prefix: &'static str,
    provider: Provider,
    base_url: Option<&'static str>,
    key_variables: &'static [&'static str],
    base_variables: &'static [&'static str],
) -> Vendor {
    Vendor { prefix, provider, base_url, key_variables, base_variables }
}

/// Every vendor that is known.
pub const VENDORS: &[Vendor] = &[
    vendor(
        "openai",
        Provider::Openai,
        Some("https://api.openai.com/v1"),
        &["OPENAI_API_KEY"],
        &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    ),
    vendor("azure", Provider::Azure, None, &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], &["AZURE_API_BASE"]),
    vendor(
        "anthropic",
        Provider::Anthropic,
        Some("https://api.anthropic.com"),
        &["ANTHROPIC_API_KEY"],
        &["ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"],
    ),
    vendor(
        "gemini",
        Provider::Gemini,
        Some("https://generativelanguage.googleapis.com"),
        &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        &["GEMINI_API_BASE"],
    ),
    vendor(
        "mistral",
        Provider::Mistral,
        Some("https://api.mistral.ai/v1"),
        &["MISTRAL_API_KEY"],
        &["MISTRAL_API_BASE"],
    ),
    vendor(
        "cohere",
        Provider::Cohere,
        Some("https://api.cohere.com"),
        &["COHERE_API_KEY", "CO_API_KEY"],
        &["COHERE_API_BASE"],
    ),
    vendor(
        "cohere_chat",
        Provider::Cohere,
        Some("https://api.cohere.com"),
        &["COHERE_API_KEY", "CO_API_KEY"],
        &["COHERE_API_BASE"],
    ),
    vendor(
        "ollama",
        Provider::Ollama,
        Some("http://localhost:11434"),
        &["OLLAMA_API_KEY"],
        &["OLLAMA_API_BASE"],
    ),
    vendor(
        "ollama_chat",
        Provider::Ollama,
        Some("http://localhost:11434"),
        &["OLLAMA_API_KEY"],
        &["OLLAMA_API_BASE"],
    ),
    vendor("litellm_proxy", Provider::Litellm, None, &["LITELLM_PROXY_API_KEY"], &["LITELLM_PROXY_API_BASE"]),
];
