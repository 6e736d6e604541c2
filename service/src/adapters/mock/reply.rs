//! What the mock says: decided by the request, and by nothing else.

use serde_json::{Map, Value, json};

use super::faults::Fault;
use crate::domain::chat::{ChatRequest, Function, Role, Tool, ToolChoice};
use crate::error::{Error, Result};

/// What one choice says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A text, as its tokens.
    Text(Vec<String>),
    /// Calls of functions: name and arguments.
    Tools(Vec<(String, String)>),
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The same for every choice.
    pub said: Said,
    /// Why it stopped.
    pub finish_reason: &'static str,
    /// How many choices.
    pub choices: u32,
    /// Tokens of the request.
    pub prompt_tokens: usize,
    /// Tokens of all choices.
    pub completion_tokens: usize,
}

impl Reply {
    /// The reply to a chat request; `given` is what it says in any case.
    ///
    /// # Errors
    /// `tool_choice` demands what `tools` does not offer.
    pub fn to_chat(request: &ChatRequest, given: Option<String>, fault: Fault) -> Result<Self> {
        let prompt_tokens = request.messages.iter().map(|message| tokens(&message.text()).len()).sum();
        let limit = request.token_limit();
        if let Some(text) = given {
            return Ok(Self::text_of(
                behind_beginning(&text, request),
                limit,
                request.n,
                prompt_tokens,
                fault,
            ));
        }
        if let Some(calls) = demanded_calls(request)? {
            return Ok(Self::new(Said::Tools(calls), "tool_calls", request.n, prompt_tokens));
        }
        let last = request.messages.iter().rev().find(|message| message.role == Role::User);
        let last = last.map(crate::domain::chat::Message::text).unwrap_or_default();
        let text = echo(&last, fault);
        Ok(Self::text_of(behind_beginning(&text, request), limit, request.n, prompt_tokens, fault))
    }

    /// The reply to a text prompt; `given` is what it says in any case.
    pub fn to_prompt(
        prompt: &str,
        given: Option<String>,
        limit: Option<u64>,
        n: Option<u32>,
        fault: Fault,
    ) -> Self {
        let text = given.unwrap_or_else(|| echo(prompt, fault));
        Self::text_of(&text, limit, n, tokens(prompt).len(), fault)
    }

    fn text_of(text: &str, limit: Option<u64>, n: Option<u32>, prompt_tokens: usize, fault: Fault) -> Self {
        let mut words = tokens(text);
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let cut = words.len() > limit;
        words.truncate(limit);
        let finish_reason = fault.finish_reason().unwrap_or(if cut { "length" } else { "stop" });
        Self::new(Said::Text(words), finish_reason, n, prompt_tokens)
    }

    fn new(said: Said, finish_reason: &'static str, n: Option<u32>, prompt_tokens: usize) -> Self {
        let choices = n.unwrap_or(1).clamp(1, 128);
        let each = match &said {
            Said::Text(words) => words.len(),
            Said::Tools(calls) => calls.iter().map(|(_, arguments)| arguments.len().div_ceil(4)).sum(),
        };
        let completion_tokens = each * choices as usize;
        Self { said, finish_reason, choices, prompt_tokens, completion_tokens }
    }

    /// Usage in OpenAI's form.
    pub fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        })
    }

    /// The text, whole.
    pub fn text(&self) -> Option<String> {
        match &self.said {
            Said::Text(words) => Some(words.concat()),
            Said::Tools(_) => None,
        }
    }
}

fn echo(text: &str, fault: Fault) -> String {
    if fault == Fault::Empty { String::new() } else { format!("You said: {text}") }
}

/// The rest of `text`, where the request's last message is the assistant's and begins it; else all of it.
fn behind_beginning<'a>(text: &'a str, request: &ChatRequest) -> &'a str {
    let begun = request.messages.last().filter(|message| message.role == Role::Assistant);
    begun.and_then(|message| text.strip_prefix(&message.text())).unwrap_or(text)
}

/// A text as tokens: words with the white space in front of them; together they are the text.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut after_space = true;
    for character in text.chars() {
        let starts = character.is_whitespace() && !after_space;
        if starts || tokens.is_empty() {
            tokens.push(String::new());
        }
        if let Some(token) = tokens.last_mut() {
            token.push(character);
        }
        after_space = character.is_whitespace();
    }
    tokens
}

/// The calls that `tool_choice` demands; `None` where it leaves the choice to the model.
fn demanded_calls(request: &ChatRequest) -> Result<Option<Vec<(String, String)>>> {
    let named = match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => None,
        Some(ToolChoice::Function(name)) => Some(name),
        _ => return Ok(None),
    };
    let mut functions = request.tools.iter().filter_map(function_of);
    let chosen = functions.find(|function| named.is_none_or(|name| *name == function.name));
    let Some(function) = chosen else {
        let message = "`tool_choice` demands a function that `tools` does not offer";
        return Err(Error::invalid("tool_choice", message).with_code("invalid_value"));
    };
    let arguments = function.parameters.as_ref().map_or_else(|| json!({}), example);
    Ok(Some(vec![(function.name.clone(), arguments.to_string())]))
}

const fn function_of(tool: &Tool) -> Option<&Function> {
    match tool {
        Tool::Function { function, .. } => Some(function),
        Tool::Other { .. } => None,
    }
}

/// A value that fits a JSON schema, as far as types, enums, constants and defaults say.
fn example(schema: &Value) -> Value {
    let given = ["const", "default"].iter().find_map(|key| schema.get(key));
    let first = schema.get("enum").and_then(|values| values.get(0));
    if let Some(value) = given.or(first) {
        return value.clone();
    }
    let of_type = schema.get("type");
    let first_type = of_type.and_then(|types| types.get(0)).or(of_type).and_then(Value::as_str);
    match first_type {
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            members.map(|(name, schema)| (name.clone(), example(schema))).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([schema.get("items").map_or(Value::Null, example)]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        _ => json!("mock"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn reply(request: &Value) -> Result<Reply> {
        Reply::to_chat(&serde_json::from_value(request.clone()).expect("a request"), None, Fault::None)
    }

    #[rstest]
    #[case::words("You said: hi", 3)]
    #[case::spaces("  two   words ", 3)]
    #[case::no_text("", 0)]
    #[case::unicode("日本語 👋🏽", 2)]
    fn tokens_are_words_and_add_up_to_the_text(#[case] text: &str, #[case] count: usize) {
        assert_eq!(tokens(text).concat(), text);
        assert_eq!(tokens(text).len(), count);
    }

    #[test]
    fn the_last_user_message_is_echoed_and_counted() {
        let request = json!({"messages": [{"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "hello there"}]}]});
        let reply = reply(&request).expect("a reply");
        assert_eq!(reply.text().as_deref(), Some("You said: hello there"));
        assert_eq!((reply.prompt_tokens, reply.completion_tokens, reply.finish_reason), (4, 4, "stop"));
    }

    #[rstest]
    #[case::begun("You said: hello", " there")]
    #[case::not_yet_begun("", "You said: hello there")]
    #[case::said_whole("You said: hello there", "")]
    #[case::begun_in_other_words("Hello", "You said: hello there")]
    fn a_reply_goes_on_behind_its_beginning(#[case] beginning: &str, #[case] expected: &str) {
        let request = json!({"messages": [{"role": "user", "content": "hello there"},
            {"role": "assistant", "content": beginning}]});
        let reply = reply(&request).expect("a reply");
        assert_eq!(reply.text().as_deref(), Some(expected));
        assert_eq!((reply.completion_tokens, reply.finish_reason), (tokens(expected).len(), "stop"));
    }

    #[test]
    fn max_tokens_cuts_the_text() {
        let request = json!({"max_tokens": 2, "messages": [{"role": "user", "content": "a b c"}]});
        let reply = reply(&request).expect("a reply");
        assert_eq!((reply.text().as_deref(), reply.finish_reason), (Some("You said:"), "length"));
    }

    fn with_tools(choice: &Value) -> Result<Reply> {
        let schema = json!({"type": "object", "properties": {
            "city": {"type": "string"}, "unit": {"enum": ["c", "f"]}, "days": {"type": ["integer", "null"]}}});
        reply(&json!({"tool_choice": choice, "messages": [{"role": "user", "content": "weather"}],
            "tools": [{"type": "function", "function": {"name": "now"}},
                      {"type": "function", "function": {"name": "weather", "parameters": schema}}]}))
    }

    #[rstest]
    #[case::required(json!("required"), "now", "{}")]
    #[case::named(json!({"type": "function", "function": {"name": "weather"}}), "weather",
        r#"{"city":"mock","unit":"c","days":1}"#)]
    fn a_demanded_tool_is_called(#[case] choice: Value, #[case] name: &str, #[case] arguments: &str) {
        let reply = with_tools(&choice).expect("a reply");
        assert_eq!(reply.said, Said::Tools(vec![(name.to_owned(), arguments.to_owned())]));
        assert_eq!(reply.finish_reason, "tool_calls");
    }

    #[test]
    fn an_offered_tool_is_not_called_unless_demanded() {
        assert!(matches!(with_tools(&json!("auto")), Ok(Reply { said: Said::Text(_), .. })));
    }

    #[test]
    fn a_tool_that_is_not_offered_cannot_be_demanded() {
        let choice = json!({"type": "function", "function": {"name": "other"}});
        let error = with_tools(&choice).expect_err("not offered");
        assert_eq!((error.param(), error.status()), (Some("tool_choice"), 400));
    }
}
