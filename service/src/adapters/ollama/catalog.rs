//! Which models there are, for Ollama's clients: bodies built from names.
//!
//! What a client of ours cannot know about a model that runs elsewhere (its size, its quantization) is
//! there and empty, because clients read these members without asking whether they are there.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::line;
use crate::domain::abilities::Abilities;
use crate::domain::timestamp::rfc3339;

/// Which Ollama's API this is: a release that counts cached tokens. Clients ask for a smallest one, as
/// GitHub Copilot does for 0.6.4.
pub const VERSION: &str = "0.33.3";

/// The architecture's name in `model_info`, whose members have it as their prefix.
const ARCHITECTURE: &str = "llm-proxy";

/// What a model can do.
/// Source: <https://github.com/ollama/ollama/blob/main/types/model/capability.go>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capability {
    /// It answers.
    Completion,
    /// It calls tools.
    Tools,
    /// It sees images.
    Vision,
    /// It thinks aloud.
    Thinking,
    /// It makes vectors.
    Embedding,
}

impl Capability {
    /// Ollama's word.
    const fn name(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::Thinking => "thinking",
            Self::Embedding => "embedding",
        }
    }
}

/// What clients are told that a model can do. Most hosted models call tools, and clients offer them only
/// where this is said: a model of which nobody says otherwise is said to.
fn capabilities(abilities: &Abilities) -> Vec<Capability> {
    if abilities.embeds == Some(true) {
        return vec![Capability::Embedding];
    }
    let told = [
        (Capability::Completion, true),
        (Capability::Tools, abilities.tools != Some(false)),
        (Capability::Vision, abilities.vision == Some(true)),
        (Capability::Thinking, abilities.reasoning == Some(true)),
    ];
    told.into_iter().filter_map(|(capability, can)| can.then_some(capability)).collect()
}

/// The body of `GET /api/tags`; `modified` is the time since the Unix epoch when the list was made.
#[must_use]
pub fn tags<'a>(names: impl IntoIterator<Item = &'a str>, modified: Duration) -> Vec<u8> {
    let modified_at = rfc3339(modified);
    let model = |name: &str| {
        json!({
            "name": name,
            "model": name,
            "modified_at": modified_at,
            "size": 0,
            "digest": digest(name),
            "details": details(),
        })
    };
    let models: Vec<Value> = names.into_iter().map(model).collect();
    written(&json!({"models": models}))
}

/// The body of `POST /api/show`.
#[must_use]
pub fn show(name: &str, abilities: &Abilities, modified: Duration) -> Vec<u8> {
    let capabilities: Vec<&str> =
        capabilities(abilities).iter().map(|capability| capability.name()).collect();
    let mut info = json!({"general.architecture": ARCHITECTURE, "general.basename": name});
    if let Some(tokens) = abilities.prompt_tokens {
        info[format!("{ARCHITECTURE}.context_length")] = tokens.into();
    }
    written(&json!({
        "license": "",
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": details(),
        "model_info": info,
        "capabilities": capabilities,
        "modified_at": rfc3339(modified),
    }))
}

/// The body of `GET /api/ps`: nothing is loaded here.
#[must_use]
pub fn ps() -> Vec<u8> {
    written(&json!({"models": []}))
}

/// The body of `GET /api/version`.
#[must_use]
pub fn version() -> Vec<u8> {
    written(&json!({"version": VERSION}))
}

/// Always the same for a name, another one for another.
fn digest(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn details() -> Value {
    json!({
        "parent_model": "",
        "format": "",
        "family": ARCHITECTURE,
        "families": [ARCHITECTURE],
        "parameter_size": "",
        "quantization_level": "",
    })
}

fn written(body: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    line::write(body, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_list_has_every_member_that_clients_read() {
        let tags = read(&tags(["a", "b"], Duration::from_secs(1_700_000_000)));
        let model = &tags["models"][0];
        assert_eq!(model["name"], "a");
        assert_eq!(model["modified_at"], "2023-11-14T22:13:20.000000000Z");
        // `printf a | sha256sum`
        assert_eq!(model["digest"], "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        assert_eq!(tags["models"][1]["model"], "b");
    }

    #[test]
    fn a_model_shows_what_it_is() {
        let abilities = Abilities { prompt_tokens: Some(8192), ..Abilities::default() };
        let show = read(&show("a", &abilities, Duration::ZERO));
        assert_eq!(show["model_info"]["general.basename"], "a");
        assert_eq!(show["model_info"]["llm-proxy.context_length"], 8192);
    }

    #[rstest]
    #[case::nobody_says(Abilities::default(), json!(["completion", "tools"]))]
    #[case::no_tools(Abilities { tools: Some(false), ..Abilities::default() }, json!(["completion"]))]
    #[case::all(Abilities { embeds: Some(false), tools: Some(true), vision: Some(true), reasoning: Some(true),
        prompt_tokens: None }, json!(["completion", "tools", "vision", "thinking"]))]
    #[case::neither(Abilities { vision: Some(false), reasoning: Some(false), ..Abilities::default() },
        json!(["completion", "tools"]))]
    #[case::vectors(Abilities { embeds: Some(true), tools: Some(true), ..Abilities::default() },
        json!(["embedding"]))]
    fn a_model_shows_what_it_can_do(#[case] abilities: Abilities, #[case] expected: Value) {
        assert_eq!(read(&show("a", &abilities, Duration::ZERO))["capabilities"], expected);
    }

    #[test]
    fn nothing_is_loaded_and_the_version_is_a_release() {
        assert_eq!(read(&ps()), json!({"models": []}));
        assert_eq!(read(&version()), json!({"version": "0.33.3"}));
    }
}
