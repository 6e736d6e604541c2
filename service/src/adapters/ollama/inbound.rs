//! An Ollama client's request as one in OpenAI's form.
//!
//! - <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>
//! - <https://docs.ollama.com/api/embed>
//! - The older `/api/embeddings`:
//!   <https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embedding>
//!
//! The body is read for any provider. Where the request goes to an Ollama, its own bytes are relayed, and
//! of all this only the model's name counts.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::errand::{self, Errand};
use super::{history, parameters};
use crate::adapters::ClientFormat;
use crate::domain::chat::parse_json;
use crate::domain::envelope::{self, Member, Operation};
use crate::error::{Error, Result, UNSUPPORTED_PARAMETER};

/// What a request asks for, in OpenAI's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The model asked for; `None` where it is absent, null or empty.
    pub model: Option<String>,
    /// What is asked for.
    pub operation: Operation,
    /// Whether the answer is to be streamed: Ollama does so unless it is told not to.
    pub stream: bool,
    /// The request in OpenAI's form; empty for an [`Errand`].
    pub body: Bytes,
    /// Members that say nothing to a provider other than Ollama and are not in `body`: `keep_alive`,
    /// `options.top_k`… They are to be named in the answer, unless the request is relayed.
    pub dropped: Vec<String>,
    /// What only an Ollama can do: unless the request is relayed, it is refused with this.
    pub ollama_only: Option<Error>,
    /// Nothing is asked of the model: answered with [`Errand::answer`], without a call.
    pub errand: Option<Errand>,
}

/// Members that a format's requests are read for.
const CHAT: [&str; 9] =
    ["model", "messages", "tools", "format", "options", "think", "stream", "logprobs", "top_logprobs"];
const GENERATE: [&str; 10] = [
    "model",
    "prompt",
    "system",
    "images",
    "format",
    "options",
    "think",
    "stream",
    "logprobs",
    "top_logprobs",
];
const EMBED: [&str; 4] = ["model", "input", "dimensions", "options"];
const EMBEDDINGS: [&str; 3] = ["model", "prompt", "options"];

/// Members of `/api/generate` that change the prompt itself, or ask for an image.
const OLLAMA_ONLY: [&str; 7] = ["suffix", "template", "raw", "context", "width", "height", "steps"];

/// Every member that is read, of any format.
#[derive(Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    pub(super) messages: Option<Vec<history::Message>>,
    #[serde(default)]
    pub(super) prompt: Option<String>,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    images: Option<Vec<String>>,
    #[serde(default)]
    pub(super) input: Option<Value>,
    #[serde(default)]
    dimensions: Option<u64>,
    #[serde(default)]
    pub(super) keep_alive: Option<Value>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    pub(super) tools: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    pub(super) format: Option<Value>,
    #[serde(default)]
    pub(super) options: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) think: Option<Value>,
    #[serde(default)]
    pub(super) logprobs: Option<bool>,
    #[serde(default)]
    pub(super) top_logprobs: Option<u64>,
}

/// Reads a request of `format`.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`] naming the member: not JSON, a key twice or in another case, a
/// wrong type, an image or a tool's result that cannot be passed on.
pub fn parse(format: ClientFormat, body: &[u8]) -> Result<Inbound> {
    let members = envelope::members(body)?;
    let read = read_by(format);
    refuse_other_cases(read, &members)?;
    let request: Request = parse_json(body)?;
    let mut asked = Inbound {
        model: request.model.clone().filter(|model| !model.is_empty()),
        operation: operation(format),
        stream: operation(format) == Operation::Chat && request.stream.unwrap_or(true),
        body: Bytes::new(),
        dropped: Vec::new(),
        ollama_only: ollama_only(format, &members),
        errand: errand::of(format, &request)?,
    };
    if asked.errand.is_none() {
        asked.dropped = unread(format, read, &members);
        asked.body = Value::from(translated(format, request, &mut asked)?).to_string().into();
    }
    Ok(asked)
}

const fn operation(format: ClientFormat) -> Operation {
    match format {
        ClientFormat::OllamaEmbed | ClientFormat::OllamaEmbeddings => Operation::Embeddings,
        ClientFormat::OllamaChat | ClientFormat::OllamaGenerate | ClientFormat::Openai => Operation::Chat,
    }
}

const fn read_by(format: ClientFormat) -> &'static [&'static str] {
    match format {
        ClientFormat::OllamaChat | ClientFormat::Openai => &CHAT,
        ClientFormat::OllamaGenerate => &GENERATE,
        ClientFormat::OllamaEmbed => &EMBED,
        ClientFormat::OllamaEmbeddings => &EMBEDDINGS,
    }
}

/// Ollama reads `MODEL` as `model`; we do not, so it must not pass.
fn refuse_other_cases(read: &[&str], members: &[Member<'_>]) -> Result<()> {
    for member in members {
        let name = &*member.name;
        let ours = read.iter().find(|ours| **ours != name && ours.eq_ignore_ascii_case(name));
        if let Some(ours) = ours {
            let message = format!("`{name}` must be written `{ours}`");
            return Err(Error::invalid(name, message).with_code("invalid_value"));
        }
    }
    Ok(())
}

fn ollama_only(format: ClientFormat, members: &[Member<'_>]) -> Option<Error> {
    let is_generate = format == ClientFormat::OllamaGenerate;
    let mut members = members.iter().filter(|_| is_generate);
    let name = &members.find(|member| OLLAMA_ONLY.contains(&&*member.name) && asks(member))?.name;
    let message = format!("`{name}` is taken by models that an Ollama serves, not by this one");
    Some(Error::invalid(name.clone(), message).with_code(UNSUPPORTED_PARAMETER))
}

/// Whether a member asks for anything: clients send empty ones along.
fn asks(member: &Member<'_>) -> bool {
    !matches!(member.value, "null" | "false" | "\"\"" | "[]" | "{}")
}

fn unread(format: ClientFormat, read: &[&str], members: &[Member<'_>]) -> Vec<String> {
    let refused: &[&str] = if format == ClientFormat::OllamaGenerate { &OLLAMA_ONLY } else { &[] };
    let unread = members.iter().filter(|member| asks(member));
    let unread = unread.filter(|member| !read.contains(&&*member.name) && !refused.contains(&&*member.name));
    unread.map(|member| member.name.clone().into_owned()).collect()
}

fn translated(format: ClientFormat, mut request: Request, asked: &mut Inbound) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    body.extend(asked.model.clone().map(|model| ("model".to_owned(), model.into())));
    if asked.operation == Operation::Embeddings {
        let input = request.input.take().or_else(|| request.prompt.take().map(Value::from));
        body.insert("input".to_owned(), input.unwrap_or_default());
        body.extend(request.dimensions.map(|count| ("dimensions".to_owned(), count.into())));
        let options = request.options.take().unwrap_or_default();
        asked.dropped.extend(options.keys().map(|name| format!("options.{name}")));
        return Ok(body);
    }
    let messages = match format {
        ClientFormat::OllamaGenerate => prompt(&mut request)?,
        _ => history::translated(request.messages.take().unwrap_or_default())?,
    };
    body.insert("messages".to_owned(), messages.into());
    body.insert("stream".to_owned(), asked.stream.into());
    let reads_tools = format != ClientFormat::OllamaGenerate;
    request.tools = request.tools.filter(|tools| reads_tools && !tools.is_empty());
    parameters::translated(request, &mut body, &mut asked.dropped)?;
    Ok(body)
}

/// The messages of `/api/generate`.
fn prompt(request: &mut Request) -> Result<Vec<Value>> {
    let system = request.system.take().filter(|text| !text.is_empty());
    let mut messages: Vec<Value> =
        system.map(|text| json!({"role": "system", "content": text})).into_iter().collect();
    let images = request.images.take().unwrap_or_default();
    let content = history::content(request.prompt.take().unwrap_or_default(), &images, "")?;
    messages.push(json!({"role": "user", "content": content}));
    Ok(messages)
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
