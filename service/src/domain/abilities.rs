//! What a model can do, as far as its operator says.

/// What is known of a model; `None` is what nobody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it makes vectors, and nothing else.
    pub embeds: Option<bool>,
    /// Whether it calls tools.
    pub tools: Option<bool>,
    /// Whether it sees images.
    pub vision: Option<bool>,
    /// Whether it thinks aloud.
    pub reasoning: Option<bool>,
    /// The longest prompt, in tokens.
    pub prompt_tokens: Option<u64>,
}

impl Abilities {
    /// What a model of several endpoints can do, whichever of them serves: what one of them cannot, it
    /// cannot, and its longest prompt is the shortest of theirs.
    #[must_use]
    pub fn of(endpoints: impl IntoIterator<Item = Self>) -> Self {
        endpoints.into_iter().reduce(Self::both).unwrap_or_default()
    }

    fn both(self, other: Self) -> Self {
        Self {
            embeds: least(self.embeds, other.embeds),
            tools: least(self.tools, other.tools),
            vision: least(self.vision, other.vision),
            reasoning: least(self.reasoning, other.reasoning),
            prompt_tokens: least(self.prompt_tokens, other.prompt_tokens),
        }
    }
}

/// The lesser of those that were said.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    a.into_iter().chain(b).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_can_do_what_none_of_its_endpoints_cannot() {
        let one = Abilities {
            tools: Some(true),
            vision: Some(true),
            prompt_tokens: Some(9),
            ..Abilities::default()
        };
        let other = Abilities { vision: Some(false), prompt_tokens: Some(5), ..Abilities::default() };
        let expected = Abilities { tools: Some(true), ..other };
        assert_eq!(Abilities::of([one, other, Abilities::default()]), expected);
        assert_eq!(Abilities::of([]), Abilities::default());
    }
}
