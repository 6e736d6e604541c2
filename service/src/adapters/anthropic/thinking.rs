//! How much the model thinks.
//!
//! From 4.6 on `reasoning_effort` is Anthropic's own effort, with adaptive thinking; OpenAI's `minimal` is
//! `low`. Between 3.7 and 4.5 it is a budget of tokens, the one that LiteLLM gives. `none` turns thinking
//! off where it is on by default; models that always think refuse that themselves. A request's own
//! `thinking` goes through as it is and wins.
//!
//! - <https://platform.claude.com/docs/en/build-with-claude/thinking>
//! - <https://platform.claude.com/docs/en/build-with-claude/effort>

use serde_json::{Map, Value, json};

use super::model::Model;
use crate::adapters::params::Unsupported;
use crate::domain::chat::ChatRequest;
use crate::error::{Error, Result};

/// What is asked for.
#[derive(Debug, Default)]
pub struct Thinking {
    /// `thinking`.
    pub config: Option<Value>,
    /// `output_config.effort`.
    pub effort: Option<String>,
}

impl Thinking {
    /// What a request wants of `model`; `is_forced` tells that a tool has to be called, which does not go
    /// together with thinking.
    ///
    /// # Errors
    /// The model does not think, or not while a call is forced; or the effort is none that is known.
    pub fn of(
        request: &ChatRequest,
        rest: &mut Map<String, Value>,
        model: Model,
        is_forced: bool,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Self> {
        let own = rest.shift_remove("thinking");
        let Some(effort) = request.reasoning_effort.as_deref() else {
            return Ok(Self { config: own, effort: None });
        };
        let why = match effort {
            "none" => return Ok(Self { config: own.or_else(|| off(model)), effort: None }),
            _ if !model.thinks() => "the model does not think",
            _ if is_forced && own.is_none() => "not together with a forced `tool_choice`",
            _ if model.thinks_adaptively() => return Ok(adaptive(own, effort)),
            _ => return Ok(Self { config: Some(own.map_or_else(|| budget(effort), Ok)?), effort: None }),
        };
        unsupported.param("reasoning_effort", why)?;
        Ok(Self { config: own, effort: None })
    }

    /// Whether it asks for thinking.
    pub fn is_on(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config["type"] == "enabled" || config["type"] == "adaptive")
    }

    /// `max_tokens`, thinking included: more than the budget, or there would be no answer.
    pub fn max_tokens(&self, limit: u64) -> u64 {
        let budget = self.config.as_ref().and_then(|config| config["budget_tokens"].as_u64()).unwrap_or(0);
        if limit > budget { limit } else { limit.saturating_add(budget) }
    }
}

fn off(model: Model) -> Option<Value> {
    model.thinks_by_default().then(|| json!({"type": "disabled"}))
}

/// Newer models keep their thoughts to themselves unless they are asked to sum them up.
fn adaptive(own: Option<Value>, effort: &str) -> Thinking {
    let effort = if effort == "minimal" { "low" } else { effort };
    let config = own.unwrap_or_else(|| json!({"type": "adaptive", "display": "summarized"}));
    Thinking { config: Some(config), effort: Some(effort.to_owned()) }
}

/// Source: <https://docs.litellm.ai/docs/reasoning_content>
fn budget(effort: &str) -> Result<Value> {
    let budget_tokens = match effort {
        "minimal" | "low" => 1024,
        "medium" => 2048,
        "high" => 4096,
        "xhigh" | "max" => 8192,
        _ => {
            let message = "`reasoning_effort` must be none, minimal, low, medium, high, xhigh or max";
            return Err(Error::invalid("reasoning_effort", message));
        }
    };
    Ok(json!({"type": "enabled", "budget_tokens": budget_tokens}))
}
