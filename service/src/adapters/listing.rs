//! Lists of models, as every vendor answers [`super::probe`] or [`super::list_models`].
//!
//! | who | form |
//! |---|---|
//! | OpenAI and its like, LiteLLM, Mistral | `{"data": [{"id"}]}` |
//! | Together | `[{"id"}]` |
//! | Anthropic | `{"data": [{"id"}], "has_more"}`, without the names that stand for others |
//! | Gemini | `{"models": [{"name": "models/…"}], "nextPageToken"}` |
//! | Cohere | `{"models": [{"name"}], "next_page_token"}` |
//! | Ollama | `{"models": [{"name": "…:latest"}]}` |
//!
//! Sources: <https://platform.openai.com/docs/api-reference/models/list>,
//! <https://docs.together.ai/reference/models-1>, <https://docs.claude.com/en/api/models-list>,
//! <https://ai.google.dev/api/models#method:-models.list>, <https://docs.cohere.com/reference/list-models>,
//! <https://docs.ollama.com/api/tags>

use serde_json::Value;

use crate::domain::endpoint::{Endpoint, Provider};

/// A list of models, or its first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// As the vendor calls them.
    pub models: Vec<String>,
    /// Whether a model that is not listed is not there.
    pub is_whole: bool,
}

impl Listing {
    /// Whether a model of that name is listed.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let name = name.strip_prefix("models/").unwrap_or(name);
        self.models.iter().any(|model| model == name || model.strip_suffix(":latest") == Some(name))
    }
}

/// What a list says; `None` where it is none, or does not list what requests name: Azure's lists models,
/// requests name deployments.
#[must_use]
pub fn read(endpoint: &Endpoint, body: &[u8]) -> Option<Listing> {
    if endpoint.provider == Provider::Azure {
        return None;
    }
    let list: Value = serde_json::from_slice(body).ok()?;
    let models = list.get("data").or(list.get("models")).unwrap_or(&list).as_array()?;
    let models: Vec<String> = models.iter().filter_map(name).collect();
    // A star is a model of LiteLLM's whose names only requests say.
    let is_open = models.iter().any(|model| model.contains('*'));
    let is_whole = !is_open && !has_more(&list) && lists_all(endpoint);
    Some(Listing { models, is_whole })
}

fn name(model: &Value) -> Option<String> {
    let name = model.get("id").or(model.get("name"))?.as_str()?;
    Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
}

fn has_more(list: &Value) -> bool {
    let token = |name: &str| list.get(name).and_then(Value::as_str).is_some_and(|token| !token.is_empty());
    list.get("has_more") == Some(&Value::Bool(true)) || token("nextPageToken") || token("next_page_token")
}

/// Anthropic takes names that stand for the newest of a family, OpenRouter names with a suffix.
/// Source: <https://openrouter.ai/docs/guides/routing/model-variants>
fn lists_all(endpoint: &Endpoint) -> bool {
    endpoint.provider != Provider::Anthropic && endpoint.vendor != Some("openrouter")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing;
    use rstest::rstest;

    #[rstest]
    #[case::openai(Provider::Openai, r#"{"data": [{"id": "a"}, {"id": "b"}]}"#, &["a", "b"], true)]
    #[case::together(Provider::Openai, r#"[{"id": "a"}]"#, &["a"], true)]
    #[case::litellm_with_a_star(Provider::Litellm, r#"{"data": [{"id": "openai/*"}]}"#, &["openai/*"], false)]
    #[case::anthropic(Provider::Anthropic, r#"{"data": [{"id": "a"}], "has_more": false}"#, &["a"], false)]
    #[case::gemini(Provider::Gemini, r#"{"models": [{"name": "models/a"}]}"#, &["a"], true)]
    #[case::geminis_first_page(
        Provider::Gemini, r#"{"models": [{"name": "models/a"}], "nextPageToken": "x"}"#, &["a"], false)]
    #[case::cohere(Provider::Cohere, r#"{"models": [{"name": "a"}], "next_page_token": ""}"#, &["a"], true)]
    #[case::ollama(Provider::Ollama, r#"{"models": [{"name": "a:latest", "model": "a:latest"}]}"#, &["a:latest"], true)]
    fn a_list_is_read(
        #[case] provider: Provider,
        #[case] body: &str,
        #[case] models: &[&str],
        #[case] is_whole: bool,
    ) {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        let read = read(&testing::endpoint(provider, "https://x/v1"), body.as_bytes());
        assert_eq!(read, Some(Listing { models, is_whole }));
    }

    #[rstest]
    #[case::no_json(Provider::Openai, "<html>")]
    #[case::no_list(Provider::Openai, r#"{"hello": "world"}"#)]
    #[case::models_that_are_no_deployments(Provider::Azure, r#"{"data": [{"id": "a"}]}"#)]
    fn what_is_no_list_is_none(#[case] provider: Provider, #[case] body: &str) {
        assert_eq!(read(&testing::endpoint(provider, "https://x/v1"), body.as_bytes()), None);
    }

    #[rstest]
    #[case::by_its_name("a", true)]
    #[case::ollamas_usual_tag("llama", true)]
    #[case::geminis_prefix("models/a", true)]
    #[case::another_tag("llama:7b", false)]
    fn a_model_is_found(#[case] name: &str, #[case] expected: bool) {
        let listing = Listing { models: vec!["a".to_owned(), "llama:latest".to_owned()], is_whole: true };
        assert_eq!(listing.has(name), expected);
    }
}
