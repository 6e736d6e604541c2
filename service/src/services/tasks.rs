//! The service's own jobs: a summary of a conversation, and a title for it.
//!
//! Each is one chat request of its role's model, recorded like any other. The conversation goes in as a
//! transcript, so that calls, their results and images cannot trip a model that knows none of them.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::completion::{Asked, Failed, Served, ServedBy};
use super::routing::{SUMMARIZER, TITLE_GENERATOR};
use crate::domain::chat::{ChatRequest, Content, Message, Part, Role, parse_json};
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// What was said, in a few sentences.
    Summary,
    /// A few words to find the conversation by.
    Title,
}

/// What came of a job.
pub struct Done {
    /// The summary or title.
    pub text: String,
    /// The model that did it, by the vendor's name.
    pub model: Option<String>,
    /// OpenAI's usage, where the vendor reported any.
    pub usage: Option<Value>,
    /// Who answered.
    pub by: ServedBy,
}

impl Task {
    const fn model(self) -> &'static str {
        match self {
            Self::Summary => SUMMARIZER,
            Self::Title => TITLE_GENERATOR,
        }
    }

    const fn instruction(self) -> &'static str {
        match self {
            Self::Summary => {
                "Summarize the conversation that the user gives you. Keep facts, decisions, numbers, names \
                 and open questions; leave out greetings. Write in the conversation's language. Answer with \
                 the summary alone."
            }
            Self::Title => {
                "Give the conversation that the user gives you a title of at most eight words, in the \
                 conversation's language. Answer with the title alone: no quotes, no full stop."
            }
        }
    }

    /// The chat request that does the job: `asked` with a body of its own. Members of the body other
    /// than the conversation are kept, so that a caller may choose the model or its temperature.
    ///
    /// # Errors
    /// The body is no conversation, or asks for a stream.
    pub fn request(self, asked: Asked) -> Result<Asked> {
        let envelope = Envelope::parse(Operation::Chat, &asked.body)?;
        if envelope.stream {
            let message = "`stream` must be false: a summary or title comes whole";
            return Err(Error::invalid("stream", message).with_code("invalid_value"));
        }
        let conversation = transcript(&ChatRequest::parse(&asked.body)?.messages);
        let mut body: Map<String, Value> = parse_json(&asked.body)?;
        if envelope.model.is_none() {
            body.insert("model".to_owned(), self.model().into());
        }
        let messages = json!([
            {"role": "system", "content": self.instruction()},
            {"role": "user", "content": conversation},
        ]);
        body.insert("messages".to_owned(), messages);
        Ok(Asked { body: Value::from(body).to_string().into(), ..asked })
    }

    /// What the answer to the job's request says.
    ///
    /// # Errors
    /// [`Kind::MalformedAnswer`]: it says nothing.
    pub fn read(self, served: Served) -> Result<Done, Failed> {
        let (by, body) = match served {
            Served::Whole { by, body, .. } => (by, body),
            Served::Stream { .. } => return Err(Error::new(Kind::Internal, "a task was streamed").into()),
        };
        let answer: Answer = serde_json::from_slice(&body).unwrap_or_default();
        let said = answer.choices.into_iter().next().and_then(|choice| choice.message.content);
        let text = self.cleaned(&said.unwrap_or_default());
        if text.is_empty() {
            let message = format!("{} answered without a text", by.endpoint.name);
            return Err(Failed { by: Some(by), ..Error::new(Kind::MalformedAnswer, message).into() });
        }
        Ok(Done { text, model: answer.model, usage: answer.usage, by })
    }

    /// Models like to put titles into quotes, whatever they are told.
    fn cleaned(self, text: &str) -> String {
        const QUOTES: [char; 8] = ['"', '\'', '“', '”', '«', '»', '*', '`'];
        let text = text.trim();
        match self {
            Self::Summary => text.to_owned(),
            Self::Title => {
                let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                let line = line.trim_start_matches('#').trim().trim_matches(QUOTES).trim();
                line.strip_suffix('.').unwrap_or(line).trim_matches(QUOTES).to_owned()
            }
        }
    }
}

#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
}

/// The conversation as one text, a paragraph a turn.
fn transcript(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let speaker = match message.role {
            Role::System | Role::Developer => "Instructions",
            Role::User => "User",
            Role::Assistant => "Assistant",
            Role::Tool | Role::Function => "Tool result",
        };
        let said = message.content.clone().map(Content::into_parts).unwrap_or_default();
        let said: Vec<String> = said.iter().map(shown).collect();
        let mut said = said.join("\n");
        for call in &message.tool_calls {
            let _infallible = write!(said, "\n[calls {}({})]", call.function.name, call.function.arguments);
        }
        let _infallible = write!(text, "{speaker}: {}\n\n", said.trim());
    }
    text.trim_end().to_owned()
}

fn shown(part: &Part) -> String {
    match part {
        Part::Text { text, .. } | Part::Refusal { text } => text.clone(),
        Part::Image { .. } => "[an image]".to_owned(),
        Part::Audio { .. } => "[a recording]".to_owned(),
        Part::File { file, .. } => {
            format!("[the file {}]", file.filename.as_deref().unwrap_or("without a name"))
        }
        Part::Other { kind, .. } => format!("[{kind}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("Rust in Production", "Rust in Production")]
    #[case::quotes_and_full_stop("\"Rust in Production.\"\n", "Rust in Production")]
    #[case::markdown("## **Rust in Production**\n\nHope it helps!", "Rust in Production")]
    #[case::guillemets("« Rust en production »", "Rust en production")]
    fn a_title_is_one_line_without_quotes(#[case] said: &str, #[case] title: &str) {
        assert_eq!(Task::Title.cleaned(said), title);
    }

    #[test]
    fn a_transcript_names_what_is_no_text() {
        let body = json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "a cat"},
        ]});
        let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a request");
        assert_eq!(
            transcript(&request.messages),
            "User: What is it?\n[an image]\n\nAssistant: [calls look({})]\n\nTool result: a cat"
        );
    }
}
