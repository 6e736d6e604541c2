//! What an OpenAI-compatible server (and LiteLLM) says. Knows nothing of HTTP framing or faults.

mod chat;
mod completion;
mod embeddings;
mod error;
mod reply;

pub(crate) use chat::{chunk_of_text, completion as chat_completion, stream as chat_stream};
pub(crate) use completion::{text_completion, text_stream};
pub(crate) use embeddings::embeddings;
pub(crate) use error::{error_data, status_error};

use serde_json::{Value, json};

use crate::record::RecordedRequest;

/// Fixed, so that the same request gets the same bytes.
const CREATED: u64 = 1_700_000_000;

/// What a request asks for.
pub(crate) struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub json: Value,
}

impl<'a> Asked<'a> {
    pub fn of(request: &'a RecordedRequest) -> Self {
        let RecordedRequest { method, path, .. } = request;
        Self { method, path, json: request.json() }
    }

    pub fn model(&self) -> &str {
        self.json["model"].as_str().unwrap_or_default()
    }

    pub fn stream(&self) -> bool {
        self.json["stream"] == true
    }

    pub fn include_usage(&self) -> bool {
        self.json["stream_options"]["include_usage"] == true
    }

    /// The last user message, or the prompt of a completion.
    fn last_text(&self) -> &str {
        let messages = self.json["messages"].as_array();
        let user = messages.and_then(|all| all.iter().rfind(|message| message["role"] == "user"));
        let text = user.map_or(&self.json["prompt"], |message| &message["content"]);
        text.as_str().unwrap_or("(no text)")
    }

    fn prompt_words(&self) -> u64 {
        let messages = self.json["messages"].as_array().into_iter().flatten();
        let texts = messages.map(|message| &message["content"]).chain([&self.json["prompt"]]);
        let words = |text: &Value| text.as_str().unwrap_or_default().split_whitespace().count();
        texts.map(words).sum::<usize>().max(1) as u64
    }
}

/// OpenAI's list of models.
pub(crate) fn models(names: &[String]) -> Value {
    let model = |name: &String| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "fault-upstream"});
    let names = if names.is_empty() { &["fault-model".to_owned()] } else { names };
    json!({"object": "list", "data": names.iter().map(model).collect::<Vec<_>>()})
}
