//! The conversation: system prompts apart, speakers in turns, results of tools first.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/working-with-messages>

use serde_json::{Map, Value, json};

use super::content::{blocks, marked, text};
use crate::adapters::params::unsupported;
use crate::domain::chat::{Message, Role, ToolCall};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

const ASSISTANT: &str = "assistant";
const USER: &str = "user";

/// A conversation in Anthropic's form.
#[derive(Debug, Default)]
pub struct Conversation {
    /// The system prompt, as text blocks: wherever it stood, it goes before everything.
    pub system: Vec<Value>,
    /// Whose turn, and its blocks.
    turns: Vec<(&'static str, Vec<Value>)>,
    /// The tools that were called, each once.
    pub called: Vec<String>,
}

impl Conversation {
    /// From OpenAI's messages.
    ///
    /// # Errors
    /// One of them cannot be said in Anthropic's format.
    pub fn of(endpoint: &Endpoint, messages: Vec<Message>) -> Result<Self> {
        let mut conversation = Self::default();
        for (at, message) in messages.into_iter().enumerate() {
            conversation.message(endpoint, &format!("messages[{at}]"), message)?;
        }
        conversation.trim_last_words();
        // Anthropic wants at least one message: instructions alone are one.
        if conversation.turns.is_empty() {
            let system = std::mem::take(&mut conversation.system);
            conversation.turn(USER).extend(system);
        }
        Ok(conversation)
    }

    /// As `messages`.
    pub fn into_messages(self) -> Value {
        self.turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
    }

    fn message(&mut self, endpoint: &Endpoint, path: &str, message: Message) -> Result<()> {
        match message.role {
            Role::System | Role::Developer => self.system_prompt(endpoint, path, message),
            Role::User => {
                let content = blocks(endpoint, path, message.content)?;
                self.say(USER, mark_last(content, message.cache_control));
                Ok(())
            }
            Role::Assistant => {
                let content = self.assistant(endpoint, path, message)?;
                self.say(ASSISTANT, content);
                Ok(())
            }
            Role::Tool => self.result(endpoint, path, message),
            Role::Function => Err(unsupported(endpoint, &format!("{path}.role"), "use tools, not functions")),
        }
    }

    fn system_prompt(&mut self, endpoint: &Endpoint, path: &str, message: Message) -> Result<()> {
        let content = blocks(endpoint, path, message.content)?;
        if content.iter().any(|block| block["type"] != "text") {
            return Err(unsupported(endpoint, &format!("{path}.content"), "a system prompt is text"));
        }
        self.system.extend(mark_last(content, message.cache_control));
        Ok(())
    }

    /// What was thought comes first, what was called last: Anthropic checks both. Thoughts keep their order,
    /// and so do texts and calls. In which order the three alternated, OpenAI's message has no place for: of
    /// an answer that thought again after it had spoken or called, all thoughts go back in front. What is
    /// thought after a result is a message of its own, and stays where it was.
    fn assistant(&mut self, endpoint: &Endpoint, path: &str, mut message: Message) -> Result<Vec<Value>> {
        for name in ["function_call", "audio"] {
            if message.rest.get(name).is_some_and(|value| !value.is_null()) {
                return Err(unsupported(endpoint, &format!("{path}.{name}"), ""));
            }
        }
        let mut content = message.thinking_blocks;
        content.retain(is_signed);
        if let Some(Value::Array(handed_back)) = message.rest.remove("content_blocks") {
            content.extend(handed_back);
        }
        content.extend(blocks(endpoint, path, message.content)?);
        content.extend(message.refusal.and_then(|words| text(words, None)));
        for (at, call) in message.tool_calls.into_iter().enumerate() {
            content.push(self.call(&format!("{path}.tool_calls[{at}]"), call)?);
        }
        Ok(mark_last(content, message.cache_control))
    }

    fn call(&mut self, path: &str, call: ToolCall) -> Result<Value> {
        let input = input(path, &call.function.arguments)?;
        let mut block =
            json!({"type": "tool_use", "id": id(&call.id), "name": call.function.name, "input": input});
        for (name, value) in call.rest {
            if matches!(name.as_str(), "caller" | "toolset_name" | "cache_control") && !value.is_null() {
                block[name] = value;
            }
        }
        if !self.called.contains(&call.function.name) {
            self.called.push(call.function.name);
        }
        Ok(block)
    }

    /// The results of one turn's calls go together, before everything else that the user says.
    fn result(&mut self, endpoint: &Endpoint, path: &str, message: Message) -> Result<()> {
        let missing =
            || Error::invalid(format!("{path}.tool_call_id"), format!("`{path}.tool_call_id` is missing"));
        let of = message.tool_call_id.ok_or_else(missing)?;
        let mut result = json!({"type": "tool_result", "tool_use_id": id(&of)});
        let content = blocks(endpoint, path, message.content)?;
        if !content.is_empty() {
            result["content"] = content.into();
        }
        if message.rest.get("is_error") == Some(&Value::Bool(true)) {
            result["is_error"] = true.into();
        }
        let turn = self.turn(USER);
        let behind_the_others = turn.iter().take_while(|block| block["type"] == "tool_result").count();
        turn.insert(behind_the_others, marked(result, message.cache_control));
        Ok(())
    }

    fn say(&mut self, role: &'static str, content: Vec<Value>) {
        if !content.is_empty() {
            self.turn(role).extend(content);
        }
    }

    /// The turn of `role`, the last one where it goes on.
    fn turn(&mut self, role: &'static str) -> &mut Vec<Value> {
        if self.turns.last().is_none_or(|(last, _)| *last != role) {
            self.turns.push((role, Vec::new()));
        }
        let at = self.turns.len() - 1;
        &mut self.turns[at].1
    }

    /// Words of the assistant that are to be continued must not end with white space.
    fn trim_last_words(&mut self) {
        if let Some((ASSISTANT, content)) = self.turns.last_mut()
            && let Some(Value::String(words)) = content.last_mut().and_then(|block| block.get_mut("text"))
        {
            words.truncate(words.trim_end().len());
        }
    }
}

/// A message's own mark stands at its last block.
fn mark_last(mut content: Vec<Value>, cache_control: Option<Value>) -> Vec<Value> {
    if let Some(last) = content.pop() {
        content.push(marked(last, cache_control.filter(|mark| !mark.is_null())));
    }
    content
}

/// Thinking of another vendor's has no signature, and Anthropic reads none without.
fn is_signed(block: &Value) -> bool {
    block["type"] != "thinking" || block["signature"].as_str().is_some_and(|signature| !signature.is_empty())
}

/// Ids of other vendors, as they stand in a history: Anthropic takes `[a-zA-Z0-9_-]` only.
fn id(id: &str) -> String {
    let is_taken = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-');
    id.chars().map(|sign| if is_taken(sign) { sign } else { '_' }).collect()
}

fn input(path: &str, arguments: &str) -> Result<Map<String, Value>> {
    if arguments.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(arguments).map_err(|_| {
        let path = format!("{path}.function.arguments");
        let message = format!("`{path}` must be a JSON object");
        Error::invalid(path, message)
    })
}
