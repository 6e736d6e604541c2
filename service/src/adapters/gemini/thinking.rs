//! How much the model is to think.
//!
//! - <https://ai.google.dev/gemini-api/docs/thinking#levels-budgets>
//! - What OpenAI's words mean to Google: <https://ai.google.dev/gemini-api/docs/openai#thinking>

use serde_json::{Value, json};

use super::generation::Generation;
use crate::adapters::params::Unsupported;
use crate::domain::chat::ChatRequest;
use crate::error::Result;

/// `thinkingConfig`, by OpenAI's `reasoning_effort`, or else by Anthropic's `thinking`, which LiteLLM takes
/// for every vendor. Who asks for thoughts also gets to see them.
///
/// # Errors
/// The model cannot think that much, or cannot do without.
pub fn config(
    request: &ChatRequest,
    generation: Generation,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Value>> {
    if let Some(effort) = request.reasoning_effort.as_deref() {
        return match of_effort(generation, effort) {
            Ok(config) => Ok(config),
            Err(why) => unsupported.param("reasoning_effort", why).map(|()| None),
        };
    }
    let Some(thinking) = request.rest.get("thinking") else { return Ok(None) };
    let config = match (thinking["type"].as_str(), generation) {
        (Some("disabled"), Generation::TwoAndAHalf) => json!({"thinkingBudget": 0}),
        (Some("enabled"), Generation::TwoAndAHalf | Generation::Three) => {
            match thinking["budget_tokens"].as_u64() {
                Some(budget) => json!({"thinkingBudget": budget, "includeThoughts": true}),
                None => json!({"includeThoughts": true}),
            }
        }
        (Some("disabled"), Generation::Two) => return Ok(None),
        _ => return unsupported.param("thinking", "not by this model").map(|()| None),
    };
    Ok(Some(config))
}

fn of_effort(generation: Generation, effort: &str) -> Result<Option<Value>, &'static str> {
    const EXPECTED: &str = "expected none, minimal, low, medium, high or xhigh";
    let level = |level: &str| Ok(Some(json!({"thinkingLevel": level, "includeThoughts": true})));
    let budget = |tokens: u32| Ok(Some(json!({"thinkingBudget": tokens, "includeThoughts": true})));
    match (generation, effort) {
        (Generation::Two, "none") => Ok(None),
        (Generation::Two, _) => Err("this model does not think"),
        (Generation::TwoAndAHalf, "none") => Ok(Some(json!({"thinkingBudget": 0}))),
        (Generation::TwoAndAHalf, "minimal" | "low") => budget(1024),
        (Generation::TwoAndAHalf, "medium") => budget(8192),
        (Generation::TwoAndAHalf, "high" | "xhigh") => budget(24_576),
        (Generation::Three, "none") => Err("Gemini 3 always thinks: minimal is the least"),
        (Generation::Three, "minimal") => level("MINIMAL"),
        (Generation::Three, "low") => level("LOW"),
        (Generation::Three, "medium") => level("MEDIUM"),
        (Generation::Three, "high") => level("HIGH"),
        (Generation::Three, "xhigh") => level("XHIGH"),
        _ => Err(EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    fn asked(member: Value, generation: Generation) -> Result<Option<Value>> {
        let mut request = json!({"messages": []});
        request.as_object_mut().expect("an object").extend(member.as_object().cloned().unwrap_or_default());
        let request = ChatRequest::parse(request.to_string().as_bytes()).expect("a request");
        config(&request, generation, &mut Unsupported::by(&endpoint(Provider::Gemini, "http://gemini")))
    }

    #[rstest]
    #[case::nothing(json!({}), Generation::Three, None)]
    #[case::a_level(json!({"reasoning_effort": "low"}), Generation::Three,
        Some(json!({"thinkingLevel": "LOW", "includeThoughts": true})))]
    #[case::a_budget(json!({"reasoning_effort": "medium"}), Generation::TwoAndAHalf,
        Some(json!({"thinkingBudget": 8192, "includeThoughts": true})))]
    #[case::no_thoughts(json!({"reasoning_effort": "none"}), Generation::TwoAndAHalf,
        Some(json!({"thinkingBudget": 0})))]
    #[case::none_anyway(json!({"reasoning_effort": "none"}), Generation::Two, None)]
    #[case::anthropics_form(json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        Generation::TwoAndAHalf, Some(json!({"thinkingBudget": 2000, "includeThoughts": true})))]
    fn an_effort_is_a_level_or_a_budget(
        #[case] member: Value,
        #[case] generation: Generation,
        #[case] expected: Option<Value>,
    ) {
        assert_eq!(asked(member, generation), Ok(expected));
    }

    #[rstest]
    #[case::a_model_that_does_not_think(json!({"reasoning_effort": "low"}), Generation::Two, "reasoning_effort")]
    #[case::a_model_that_always_thinks(json!({"reasoning_effort": "none"}), Generation::Three, "reasoning_effort")]
    #[case::an_unknown_word(json!({"reasoning_effort": "a lot"}), Generation::TwoAndAHalf, "reasoning_effort")]
    #[case::anthropics_form(json!({"thinking": {"type": "disabled"}}), Generation::Three, "thinking")]
    fn what_a_model_cannot_do_is_refused_by_name(
        #[case] member: Value,
        #[case] generation: Generation,
        #[case] param: &str,
    ) {
        assert_eq!(asked(member, generation).expect_err("refused").param(), Some(param));
    }
}
