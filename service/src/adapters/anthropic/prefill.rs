//! Words that are put into the model's mouth: a last message of the assistant's.
//!
//! - <https://platform.claude.com/docs/en/build-with-claude/working-with-messages>
//! - Refused with 400 from 4.6 on: <https://platform.claude.com/docs/en/about-claude/models/migration-guide>
//! - Not together with thinking: <https://platform.claude.com/docs/en/build-with-claude/thinking>

use serde_json::Value;

use super::model::Model;
use crate::domain::chat::ChatRequest;

/// Whether the model of that name goes on with them.
pub fn is_taken_by(model: &str) -> bool {
    Model::of(model).takes_prefill()
}

/// The member that asks for thinking.
pub fn obstacle(request: &ChatRequest) -> Option<&'static str> {
    let thinking = request.rest.get("thinking").and_then(|thinking| thinking.get("type"));
    if thinking.and_then(Value::as_str).is_some_and(|kind| kind != "disabled") {
        return Some("thinking");
    }
    let effort = request.reasoning_effort.as_deref().filter(|effort| *effort != "none");
    effort.map(|_| "reasoning_effort")
}
