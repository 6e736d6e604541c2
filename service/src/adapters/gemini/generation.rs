//! What generations of models differ in, by their names.
//! Source: <https://ai.google.dev/gemini-api/docs/models>

/// A generation of Gemini models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Gemini 1 and 2.0: they do not think.
    Two,
    /// Gemini 2.5, and every model whose name does not tell: thinking has a budget.
    TwoAndAHalf,
    /// Gemini 3 and later: thinking has levels, calls have ids and signatures.
    Three,
}

impl Generation {
    /// That of `model`, by the vendor's name.
    pub fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or_default();
        let Some(version) = name.strip_prefix("gemini-") else { return Self::TwoAndAHalf };
        let number: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        match number.parse::<f64>() {
            Ok(number) if number >= 3.0 => Self::Three,
            Ok(number) if number < 2.5 => Self::Two,
            // `gemini-flash-latest` and the like are always the newest.
            Err(_) if version.ends_with("-latest") => Self::Three,
            _ => Self::TwoAndAHalf,
        }
    }

    /// Whether it is Gemini 3 or later.
    pub fn is_three(self) -> bool {
        self == Self::Three
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one("gemini-1.5-pro", Generation::Two)]
    #[case::two("gemini-2.0-flash-001", Generation::Two)]
    #[case::two_and_a_half("gemini-2.5-flash", Generation::TwoAndAHalf)]
    #[case::three("gemini-3-pro-preview", Generation::Three)]
    #[case::three_and_more("models/gemini-3.8-flash", Generation::Three)]
    #[case::the_newest("gemini-flash-latest", Generation::Three)]
    #[case::another_family("gemma-3-27b-it", Generation::TwoAndAHalf)]
    #[case::a_tuned_model("tunedModels/mine", Generation::TwoAndAHalf)]
    fn a_models_name_tells_its_generation(#[case] model: &str, #[case] expected: Generation) {
        assert_eq!(Generation::of(model), expected);
    }
}
