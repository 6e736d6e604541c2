//! Whose model a configured name is.
//! Source: <https://docs.litellm.ai/docs/providers>

use crate::domain::endpoint::Provider;
use crate::domain::vendors::{VENDORS, Vendor, is_known_elsewhere};

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Whose {
    /// A vendor's that can be called.
    Of(Owned),
    /// Of a provider that LiteLLM knows and we do not speak to.
    Elsewhere(String),
    /// Nobody knows: what stands where the provider should.
    Unknown(Option<String>),
}

/// A vendor's model.
#[derive(Debug, PartialEq, Eq)]
pub struct Owned {
    /// The vendor.
    pub vendor: &'static Vendor,
    /// What the vendor calls it.
    pub model: String,
    /// What will surprise somebody who comes from LiteLLM.
    pub note: Option<&'static str>,
}

/// Vendors of well-known names without a prefix. LiteLLM looks such a name up in its table of prices;
/// here its beginning decides, so that a model of tomorrow needs no new table.
const BEGINNINGS: [(&str, &str); 20] = [
    ("gpt-3.5-turbo-instruct", "text-completion-openai"),
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("ft:gpt-", "openai"),
    ("text-embedding-", "openai"),
    ("davinci-002", "text-completion-openai"),
    ("babbage-002", "text-completion-openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gemini"),
    ("command", "cohere"),
    ("embed-", "cohere"),
    ("mistral-", "mistral"),
    ("ministral-", "mistral"),
    ("magistral-", "mistral"),
    ("codestral-", "mistral"),
    ("pixtral-", "mistral"),
    ("jamba-", "ai21_chat"),
];

const GEMINI_NOTE: &str = "without a prefix LiteLLM calls Vertex AI, which is not supported: Google AI Studio is called instead; \
     write `gemini/` before the model";

const STAR_NOTE: &str = "`*` names no provider: every model goes to OpenAI";

/// Whose `model` is: by `custom_llm_provider`, its prefix, its address, or its name.
pub fn whose(model: &str, custom: Option<&str>, api_base: Option<&str>) -> Whose {
    if let Some(prefix) = custom {
        let own = model.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
        return by_prefix(prefix, own.unwrap_or(model));
    }
    if let Some((prefix, rest)) = model.split_once('/')
        && (Vendor::of(prefix).is_some() || is_known_elsewhere(prefix))
    {
        return by_prefix(prefix, rest);
    }
    if let Some(vendor) = api_base.and_then(by_address) {
        return of(vendor, model, None);
    }
    by_name(model)
}

fn by_prefix(prefix: &str, model: &str) -> Whose {
    match Vendor::of(prefix) {
        Some(vendor) => of(vendor, model, None),
        None if is_known_elsewhere(prefix) => Whose::Elsewhere(prefix.to_owned()),
        None => Whose::Unknown(Some(prefix.to_owned())),
    }
}

/// Who listens at a vendor's own host.
fn by_address(api_base: &str) -> Option<&'static Vendor> {
    let host =
        |url: &str| url.split_once("://").and_then(|(_, rest)| rest.split('/').next().map(str::to_owned));
    let wanted = host(api_base)?;
    let hosted = VENDORS.iter().filter(|vendor| !vendor.keyless);
    hosted.into_iter().find(|vendor| vendor.base_url.and_then(host).as_ref() == Some(&wanted))
}

fn by_name(model: &str) -> Whose {
    if model == "*" {
        return Vendor::of("openai")
            .map_or(Whose::Unknown(None), |vendor| of(vendor, model, Some(STAR_NOTE)));
    }
    let known = BEGINNINGS.iter().find(|(beginning, _)| model.starts_with(beginning));
    let vendor = known.and_then(|(_, prefix)| Vendor::of(prefix));
    match (vendor, model.split_once('/')) {
        (_, Some((prefix, _))) => Whose::Unknown(Some(prefix.to_owned())),
        (Some(vendor), None) => {
            of(vendor, model, (vendor.provider == Provider::Gemini).then_some(GEMINI_NOTE))
        }
        (None, None) => Whose::Unknown(None),
    }
}

fn of(vendor: &'static Vendor, model: &str, note: Option<&'static str>) -> Whose {
    Whose::Of(Owned { vendor, model: model.to_owned(), note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn told(model: &str, custom: Option<&str>, api_base: Option<&str>) -> String {
        match whose(model, custom, api_base) {
            Whose::Of(Owned { vendor, model, note }) => {
                format!("{}: {model}{}", vendor.prefix, if note.is_some() { ", noted" } else { "" })
            }
            other => format!("{other:?}"),
        }
    }

    #[rstest]
    #[case::a_prefix("openai/gpt-5.4", "openai: gpt-5.4")]
    #[case::a_name_with_slashes("together_ai/meta-llama/Llama-3", "together_ai: meta-llama/Llama-3")]
    #[case::a_prefix_twice("openai/openai/gpt-oss-20b", "openai: openai/gpt-oss-20b")]
    #[case::a_wildcard("groq/*", "groq: *")]
    #[case::a_bare_gpt("gpt-5.4-mini", "openai: gpt-5.4-mini")]
    #[case::a_reasoner("o3-mini", "openai: o3-mini")]
    #[case::a_completion_model("gpt-3.5-turbo-instruct", "text-completion-openai: gpt-3.5-turbo-instruct")]
    #[case::a_bare_claude("claude-sonnet-4-6", "anthropic: claude-sonnet-4-6")]
    #[case::a_bare_command("command-a-03-2025", "cohere: command-a-03-2025")]
    #[case::a_bare_mistral("mistral-large-latest", "mistral: mistral-large-latest")]
    #[case::a_bare_gemini("gemini-2.5-flash", "gemini: gemini-2.5-flash, noted")]
    #[case::a_star("*", "openai: *, noted")]
    #[case::bedrock("bedrock/anthropic.claude-v2", "Elsewhere(\"bedrock\")")]
    #[case::vertex("vertex_ai/gemini-2.5-pro", "Elsewhere(\"vertex_ai\")")]
    #[case::a_typo("opnai/gpt-5", "Unknown(Some(\"opnai\"))")]
    #[case::a_repository("meta-llama/Llama-3", "Unknown(Some(\"meta-llama\"))")]
    #[case::no_hint("my-model", "Unknown(None)")]
    fn a_models_name_says_whose_it_is(#[case] model: &str, #[case] expected: &str) {
        assert_eq!(told(model, None, None), expected);
    }

    #[rstest]
    #[case::without_a_prefix("llama-3", "groq: llama-3")]
    #[case::with_the_same_prefix("groq/llama-3", "groq: llama-3")]
    #[case::with_another_prefix("openai/gpt-oss", "groq: openai/gpt-oss")]
    fn a_custom_provider_wins(#[case] model: &str, #[case] expected: &str) {
        assert_eq!(told(model, Some("groq"), None), expected);
    }

    #[rstest]
    #[case::a_vendors_host("https://api.groq.com/openai/v1", "groq: llama-3")]
    #[case::another_host("https://llm.example/v1", "Unknown(None)")]
    fn a_vendors_address_says_whose_a_name_is(#[case] api_base: &str, #[case] expected: &str) {
        assert_eq!(told("llama-3", None, Some(api_base)), expected);
    }
}
