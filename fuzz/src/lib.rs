//! What is promised of the adapters whatever comes, and the inputs that try to break it.
//!
//! A [`Target`] takes any bytes and panics where a promise is broken. The inputs come from the fixtures
//! in `tests/fixtures`, changed at random: by [`mutation`] in `make test`, by libFuzzer, which looks for
//! code that was not reached yet, in `make fuzz`.

pub mod mutation;
pub mod seeds;
mod targets;

use llm_proxy::domain::endpoint::Provider;

/// One thing to try to break.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name; a provider's, where it reads that provider's answers.
    pub name: &'static str,
    run: fn(&[u8]),
}

impl Target {
    /// The target of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Tries `input`; panics where it breaks a promise.
    pub fn run(&self, input: &[u8]) {
        (self.run)(input);
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "openai", run: |input| targets::answers::read(Provider::Openai, input) },
    Target { name: "anthropic", run: |input| targets::answers::read(Provider::Anthropic, input) },
    Target { name: "gemini", run: |input| targets::answers::read(Provider::Gemini, input) },
    Target { name: "mistral", run: |input| targets::answers::read(Provider::Mistral, input) },
    Target { name: "cohere", run: |input| targets::answers::read(Provider::Cohere, input) },
    Target { name: "ollama", run: |input| targets::answers::read(Provider::Ollama, input) },
    Target { name: "framing", run: targets::framing::cut },
    Target { name: "requests", run: targets::requests::prepare },
    Target { name: "clients", run: targets::clients::ask },
    Target { name: "refusals", run: targets::refusals::explain },
];
