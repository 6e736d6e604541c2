//! What a model takes, by the version in its name.
//! Source: <https://platform.claude.com/docs/en/about-claude/models/overview>

/// A model's version: `claude-opus-4-5-20251101` is 4.5, `claude-3-7-sonnet-latest` is 3.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Absent where the name has none.
    version: Option<(u32, u32)>,
}

impl Model {
    /// By its name, whatever a cloud puts around it.
    pub fn of(name: &str) -> Self {
        // Longer numbers are dates.
        let number = |part: &str| (part.len() <= 2).then(|| part.parse().ok()).flatten();
        let mut parts = name.split(['-', '.', '@', '/', ':', '_']).map(number);
        let major: Option<u32> = parts.by_ref().flatten().next();
        let minor = parts.next().flatten().unwrap_or(0);
        Self { version: major.map(|major| (major, minor)) }
    }

    /// Whether it is of that version or newer. A name without a version is taken for the newest one:
    /// that is what Anthropic's aliases mean, and what will still be right next year.
    fn is_since(self, version: (u32, u32)) -> bool {
        self.version.is_none_or(|own| own >= version)
    }

    /// Whether it can think.
    pub fn thinks(self) -> bool {
        self.is_since((3, 7))
    }

    /// Whether it decides itself how much it thinks, led by an effort: older ones want a budget of
    /// tokens, newer ones refuse it.
    pub fn thinks_adaptively(self) -> bool {
        self.is_since((4, 6))
    }

    /// Whether it thinks unless it is told not to.
    pub fn thinks_by_default(self) -> bool {
        self.is_since((5, 0))
    }

    /// Whether it can be made to call a tool. Those that think by default refuse that, some always.
    /// Source: <https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5>
    pub fn takes_forced_tools(self) -> bool {
        !self.thinks_by_default()
    }

    /// Whether it goes on with a last message of the assistant's.
    /// Source: <https://platform.claude.com/docs/en/about-claude/models/migration-guide>
    pub fn takes_prefill(self) -> bool {
        !self.is_since((4, 6))
    }

    /// Whether its text and its tools' arguments can be held to a schema.
    pub fn takes_schemas(self) -> bool {
        self.is_since((4, 5))
    }

    /// Whether it refuses `temperature`, `top_p` and `top_k`. A name without a version gets them: Anthropic
    /// says itself when it does not want them.
    pub fn refuses_sampling(self) -> bool {
        self.version.is_some_and(|own| own >= (4, 7))
    }

    /// The longest answer that is asked for where the caller names none, because Anthropic wants a
    /// number. OpenAI's default is the model's own limit, so this is near that of the smallest model of
    /// each age.
    pub fn default_max_tokens(self) -> u64 {
        if self.is_since((3, 7)) {
            32_000
        } else if self.is_since((3, 5)) {
            8192
        } else {
            4096
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::version_behind_the_family("claude-opus-4-5-20251101", Some((4, 5)))]
    #[case::version_before_the_family("claude-3-7-sonnet-latest", Some((3, 7)))]
    #[case::a_date_is_no_version("claude-sonnet-4-20250514", Some((4, 0)))]
    #[case::no_minor("claude-opus-5", Some((5, 0)))]
    #[case::with_dots("anthropic/claude-haiku-5.5", Some((5, 5)))]
    #[case::of_bedrock("us.anthropic.claude-opus-4-6-v1:0", Some((4, 6)))]
    #[case::none("claude-mythos-preview", None)]
    #[case::nothing("", None)]
    fn a_version_is_read_from_the_name(#[case] name: &str, #[case] version: Option<(u32, u32)>) {
        assert_eq!(Model::of(name), Model { version });
    }
}
