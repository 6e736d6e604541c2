//! `model_info` of an entry: the endpoint's name, and what its model can do.
//! Source: <https://docs.litellm.ai/docs/proxy/configs>; the members are those of LiteLLM's list of models,
//! <https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json>, `sample_spec`

use crate::config::finding::{Findings, Wrong};
use crate::config::names::header_safe;
use crate::config::tree::{Entry, Node, find};
use crate::domain::abilities::Abilities;

/// The modes of models that are served here.
const SERVED: [&str; 3] = ["chat", "completion", "embedding"];

/// The members of one `model_info`, none where there is none.
pub struct Info<'a>(&'a [Entry]);

impl<'a> Info<'a> {
    /// Finds it among an entry's keys.
    pub fn of(entries: &'a [Entry]) -> Result<Self, Wrong> {
        let info = find(entries, "model_info");
        Ok(Self(info.map_or(Ok(&[][..]), |info| info.node.entries("model_info"))?))
    }

    /// The name that the operator gave to the endpoint.
    pub fn id(&self) -> Result<Option<String>, Wrong> {
        let Some(id) = find(self.0, "id") else { return Ok(None) };
        let name = header_safe(id.node.text("model_info.id")?);
        if name.is_empty() {
            return Err(id.node.wrong("model_info.id", "a name"));
        }
        Ok(Some(name))
    }

    /// What `model` can do. LiteLLM reads these members only where it needs them: one that makes no sense is
    /// passed over, with a warning.
    pub fn abilities(&self, model: &str, findings: &mut Findings) -> Abilities {
        let mode = self.mode(model, findings);
        let mut can = |name: &str| self.read(name, Node::boolean, findings);
        Abilities {
            embeds: mode.map(|mode| mode == "embedding"),
            tools: can("supports_function_calling"),
            vision: can("supports_vision"),
            reasoning: can("supports_reasoning"),
            // `max_tokens` is the longest answer for some models, and the longest prompt for others.
            prompt_tokens: self.read("max_input_tokens", Node::count, findings),
        }
    }

    fn mode(&self, model: &str, findings: &mut Findings) -> Option<String> {
        let mode = self.read("mode", |node, what| node.text(what).map(str::to_owned), findings)?;
        if !SERVED.contains(&mode.as_str()) {
            let line = find(self.0, "mode").map_or(0, |entry| entry.line);
            let message = format!(
                "`model_info.mode` of `{model}` is `{mode}`: only chat, completion and embedding are served here"
            );
            findings.warn(line, message);
        }
        Some(mode)
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&Node, &str) -> Result<T, Wrong>,
        findings: &mut Findings,
    ) -> Option<T> {
        let entry = find(self.0, name)?;
        match read(&entry.node, &format!("model_info.{name}")) {
            Ok(value) => Some(value),
            Err(wrong) => {
                findings.warn(wrong.line.unwrap_or(entry.line), format!("{}: ignored", wrong.message));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::litellm_yaml::testing::{read_with, warnings};
    use rstest::rstest;

    fn read(info: &str) -> (Abilities, Vec<String>) {
        let text = format!(
            "model_list:\n- model_name: m\n  litellm_params: {{model: openai/x, api_key: k}}\n  model_info:\n    {info}\n"
        );
        let configuration = read_with(&text, &[]).expect("valid");
        (configuration.models.groups[0].endpoints[0].abilities, warnings(&configuration))
    }

    #[rstest]
    #[case::nothing("{base_model: x}", Abilities::default())]
    #[case::nulls("{mode: null, supports_vision: null}", Abilities::default())]
    #[case::vectors("{mode: embedding}", Abilities { embeds: Some(true), ..Abilities::default() })]
    #[case::a_chat(
        "{mode: chat, supports_function_calling: true, supports_vision: false, supports_reasoning: yes, max_input_tokens: 200000, max_tokens: 8192}",
        Abilities { embeds: Some(false), tools: Some(true), vision: Some(false), reasoning: Some(true), prompt_tokens: Some(200_000) }
    )]
    fn what_a_model_can_do_is_read_without_a_word(#[case] info: &str, #[case] expected: Abilities) {
        assert_eq!(read(info), (expected, Vec::new()));
    }

    #[rstest]
    #[case::no_chat(
        "{mode: rerank}",
        "c.yaml:5: `model_info.mode` of `m` is `rerank`: only chat, completion and embedding are served here"
    )]
    #[case::no_boolean(
        "{supports_vision: perhaps}",
        "c.yaml:5: `model_info.supports_vision` has to be true or false: ignored"
    )]
    fn what_means_nothing_here_is_named(#[case] info: &str, #[case] warning: &str) {
        assert_eq!(read(info).1, [warning]);
    }
}
