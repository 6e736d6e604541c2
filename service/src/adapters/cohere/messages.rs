//! OpenAI's conversation as Cohere's.
//! Source: <https://docs.cohere.com/reference/chat>

use serde_json::{Value, json};

use crate::adapters::body;
use crate::adapters::params::{Unsupported, unsupported};
use crate::domain::chat::{ChatRequest, Message, Part, Role};
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// Every message of a request.
///
/// # Errors
/// One says what Cohere does not take.
pub fn of(endpoint: &Endpoint, request: &ChatRequest, left_out: &mut Unsupported<'_>) -> Result<Vec<Value>> {
    let one = |(at, message)| Reader { endpoint, path: format!("messages[{at}]") }.message(message, left_out);
    request.messages.iter().enumerate().map(one).collect()
}

struct Reader<'a> {
    endpoint: &'a Endpoint,
    path: String,
}

impl Reader<'_> {
    fn message(&self, message: &Message, left_out: &mut Unsupported<'_>) -> Result<Value> {
        // A result's name is that of the function, which its call says already.
        let is_named = message.name.is_some() && !matches!(message.role, Role::Tool | Role::Function);
        left_out.param_if(is_named, &format!("{}.name", self.path), "")?;
        match message.role {
            Role::System | Role::Developer => self.plain("system", message),
            Role::User => self.plain("user", message),
            Role::Assistant => self.assistant(message),
            Role::Tool => self.result(message),
            Role::Function => Err(self.refused("role", "it takes results of tools, not of functions")),
        }
    }

    fn refused(&self, member: &str, why: &str) -> crate::error::Error {
        unsupported(self.endpoint, &format!("{}.{member}", self.path), why)
    }

    fn plain(&self, role: &str, message: &Message) -> Result<Value> {
        Ok(json!({"role": role, "content": body::content(message, |part| self.part(part))?}))
    }

    fn result(&self, message: &Message) -> Result<Value> {
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        Ok(
            json!({"role": "tool", "tool_call_id": id, "content": body::content(message, |part| self.part(part))?}),
        )
    }

    fn assistant(&self, message: &Message) -> Result<Value> {
        if message.rest.get("function_call").is_some_and(|call| !call.is_null()) {
            return Err(self.refused("function_call", "it takes calls of tools, not of functions"));
        }
        let mut said = json!({"role": "assistant"});
        let thought = message.reasoning_content.as_deref().filter(|text| !text.is_empty());
        let content = body::content(message, |part| self.part(part))?;
        if message.tool_calls.is_empty() {
            said["content"] = thought.map_or_else(|| content.clone(), |text| with_thinking(text, &content));
        } else {
            said["tool_calls"] = message.tool_calls.iter().map(|call| body::called(call, &call.id)).collect();
            if let Some(plan) = thought {
                said["tool_plan"] = json!(plan);
            }
            if !body::is_nothing(&content) {
                said["content"] = content;
            }
        }
        if let Some(citations) = message.rest.get("citations").filter(|it| it.is_array()) {
            said["citations"] = citations.clone();
        }
        Ok(said)
    }

    fn part(&self, part: &Part) -> Result<Value> {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => Ok(json!({"type": "text", "text": text})),
            Part::Image { url, detail, .. } => Ok(body::image(url, detail.as_deref())),
            Part::Audio { .. } => Err(self.refused("content", "it takes no audio")),
            Part::File { .. } => Err(self.refused("content", "it takes no files; use `documents`")),
            // `document`, in a tool's result.
            Part::Other { part, .. } => Ok(Value::Object(part.clone())),
        }
    }
}

fn with_thinking(thought: &str, content: &Value) -> Value {
    let mut parts = vec![json!({"type": "thinking", "thinking": thought})];
    match content {
        Value::Array(more) => parts.extend(more.iter().cloned()),
        text => parts.push(json!({"type": "text", "text": text})),
    }
    parts.into()
}
