//! OpenAI's conversation as Mistral's.
//! Source: <https://docs.mistral.ai/api/#tag/chat>

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::adapters::body;
use crate::adapters::params::{Unsupported, unsupported};
use crate::domain::chat::{ChatRequest, FilePart, Message, Part, Role};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Every message of a request.
///
/// # Errors
/// One says what Mistral does not take.
pub fn of(endpoint: &Endpoint, request: &ChatRequest, left_out: &mut Unsupported<'_>) -> Result<Vec<Value>> {
    let last = request.messages.len().saturating_sub(1);
    let one = |(at, message)| {
        let reader = Reader { endpoint, path: format!("messages[{at}]"), is_last: at == last };
        reader.message(message, left_out)
    };
    request.messages.iter().enumerate().map(one).collect()
}

struct Reader<'a> {
    endpoint: &'a Endpoint,
    path: String,
    is_last: bool,
}

impl Reader<'_> {
    fn message(&self, message: &Message, left_out: &mut Unsupported<'_>) -> Result<Value> {
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

    fn refused(&self, member: &str, why: &str) -> Error {
        unsupported(self.endpoint, &format!("{}.{member}", self.path), why)
    }

    fn plain(&self, role: &str, message: &Message) -> Result<Value> {
        Ok(json!({"role": role, "content": body::content(message, |part| self.chunk(part))?}))
    }

    fn result(&self, message: &Message) -> Result<Value> {
        let id = call_id(message.tool_call_id.as_deref().unwrap_or_default());
        let mut result = json!({"role": "tool", "tool_call_id": id, "content": body::content(message, |part| self.chunk(part))?});
        if let Some(name) = &message.name {
            result["name"] = json!(name);
        }
        Ok(result)
    }

    fn assistant(&self, message: &Message) -> Result<Value> {
        if message.rest.get("function_call").is_some_and(|call| !call.is_null()) {
            return Err(self.refused("function_call", "it takes calls of tools, not of functions"));
        }
        let mut said = json!({"role": "assistant"});
        let content = body::content(message, |part| self.chunk(part))?;
        match message.reasoning_content.as_deref().filter(|text| !text.is_empty()) {
            Some(thought) => said["content"] = with_thinking(thought, &content),
            None if message.tool_calls.is_empty() || !body::is_nothing(&content) => said["content"] = content,
            None => {}
        }
        if !message.tool_calls.is_empty() {
            said["tool_calls"] =
                message.tool_calls.iter().map(|call| body::called(call, &call_id(&call.id))).collect();
        }
        let own = message.rest.get("prefix").cloned();
        let is_prefix = self.is_last && message.tool_calls.is_empty();
        if let Some(prefix) = own.or_else(|| is_prefix.then(|| json!(true))) {
            said["prefix"] = prefix;
        }
        Ok(said)
    }

    fn chunk(&self, part: &Part) -> Result<Value> {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => Ok(text_chunk(text)),
            Part::Image { url, detail, .. } => Ok(body::image(url, detail.as_deref())),
            Part::Audio { data, .. } => Ok(json!({"type": "input_audio", "input_audio": data})),
            Part::File { file, .. } => self.file(file),
            Part::Other { part, .. } => Ok(Value::Object(part.clone())),
        }
    }

    /// A document by its URL, which may hold the data itself, or by Mistral's id of it.
    /// Source: <https://docs.mistral.ai/capabilities/document_ai/document_qna/>
    fn file(&self, file: &FilePart) -> Result<Value> {
        let is_url = |id: &&String| id.starts_with("http://") || id.starts_with("https://");
        let Some(url) = file.file_data.as_ref().or(file.file_id.as_ref().filter(is_url)) else {
            let id = file.file_id.as_ref();
            let id = id.ok_or_else(|| self.refused("content", "a file needs `file_data` or `file_id`"))?;
            return Ok(json!({"type": "file", "file_id": id}));
        };
        let mut document = json!({"type": "document_url", "document_url": url});
        if let Some(name) = &file.filename {
            document["document_name"] = json!(name);
        }
        Ok(document)
    }
}

fn text_chunk(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Source: <https://docs.mistral.ai/capabilities/reasoning/>
fn with_thinking(thought: &str, content: &Value) -> Value {
    let mut chunks = vec![json!({"type": "thinking", "thinking": [text_chunk(thought)]})];
    match content {
        Value::Array(more) => chunks.extend(more.iter().cloned()),
        Value::String(text) if !text.is_empty() => chunks.push(text_chunk(text)),
        _ => {}
    }
    chunks.into()
}

const ID_CHARS: usize = 9;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `id` as Mistral takes it: nine letters or digits. Another vendor's is always mapped to the same one.
fn call_id(id: &str) -> String {
    if id.len() == ID_CHARS && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map(char::from);
    Sha256::digest(id.as_bytes()).into_iter().take(ID_CHARS).filter_map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::mistrals_own("D681PevKs", true)]
    #[case::openais("call_9pw1Dmv2RZwRv7NiTrzxV8oI", false)]
    #[case::nine_of_others("call_1234", false)]
    #[case::none("", false)]
    fn an_id_has_nine_letters_or_digits_and_mistrals_stay(#[case] id: &str, #[case] stays: bool) {
        let mapped = call_id(id);
        assert!(mapped.len() == 9 && mapped.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{mapped}");
        assert_eq!((mapped == id, call_id(id)), (stays, mapped));
    }
}
