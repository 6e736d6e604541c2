//! What an endpoint is asked: a request that costs nothing, and two that cost some tokens.

use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use super::patient::{MAX_STEP, Patient};
use crate::adapters::{self, Ask, Prepared, Refusal};
use crate::domain::call::Call;
use crate::domain::endpoint::{Deadlines, Provider};
use crate::domain::envelope::{Envelope, Operation};
use crate::error::{Error, Kind, Result};
use crate::outbound::answer::Answer;
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;
use crate::services::whole;

/// As many tokens are written for the look at a stream: enough to tell one from the other.
const STREAMED_TOKENS: u64 = 48;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// What it is said to be.
    pub content_type: String,
    /// All of it.
    pub body: Bytes,
    /// What it means, where it is no success.
    pub refused: Option<Error>,
}

impl Patient<'_> {
    /// The answer to a request for the list of models, whatever it is.
    ///
    /// # Errors
    /// There was none.
    pub(super) async fn list(self) -> Result<Answered> {
        let question = adapters::list_models(self.endpoint).or_else(|| adapters::probe(self.endpoint));
        let question = question.ok_or_else(|| {
            Error::new(Kind::BackendAuthentication, "our key has characters that no header can have")
        })?;
        let deadline = deadline();
        let answer = self.call(question, deadline).await?;
        self.read(answer, deadline).await
    }

    /// A request for a chat, as its adapter writes it; streamed, or of one token.
    pub(super) fn chat(self, model: &str, stream: bool) -> Result<Prepared> {
        let (text, tokens) = if stream { ("Count from 1 to 20.", STREAMED_TOKENS) } else { ("Say hi.", 1) };
        let mut body = json!({
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "stream": stream,
        });
        body[self.limit_of_tokens()] = tokens.into();
        self.prepared(Operation::Chat, model, &body)
    }

    /// A request for the vector of a word, as its adapter writes it.
    pub(super) fn embedding(self, model: &str) -> Result<Prepared> {
        self.prepared(Operation::Embeddings, model, &json!({"model": model, "input": "hi"}))
    }

    fn prepared(self, operation: Operation, model: &str, body: &Value) -> Result<Prepared> {
        let body = Bytes::from(body.to_string());
        let envelope = Envelope::parse(operation, &body)?;
        let ask = Ask {
            operation,
            body: &body,
            envelope: &envelope,
            original: None,
            model,
            request_id: "doctor",
            headers: &[],
        };
        adapters::prepare(self.endpoint, &ask, self.options.mock_timing)
    }

    /// OpenAI's newer models take one name, servers that are only like it may know the other one alone.
    /// Source: <https://platform.openai.com/docs/api-reference/chat/create>
    fn limit_of_tokens(self) -> &'static str {
        match (self.endpoint.provider, self.endpoint.vendor) {
            (Provider::Azure, _) | (Provider::Openai, Some("openai")) => "max_completion_tokens",
            _ => "max_tokens",
        }
    }

    /// The head of an answer, on a connection of its own.
    pub(super) async fn call(self, call: Call, deadline: Deadline) -> Result<Answer> {
        let limits = self.endpoint.deadlines;
        let (connect, first_byte) = (limits.connect.min(MAX_STEP), limits.first_byte.min(MAX_STEP));
        let limits = Deadlines { connect, first_byte, ..limits };
        Client::default().call(self.endpoint, call, &limits, deadline).await
    }

    /// The rest of it.
    pub(super) async fn read(self, mut answer: Answer, deadline: Deadline) -> Result<Answered> {
        let body = whole::collect(&mut answer, self.endpoint, deadline).await?;
        let content_type = answer.headers.get(http::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let status = answer.status;
        let refusal = Refusal { status, headers: &answer.headers, body: &body };
        let refused = (status >= 400).then(|| adapters::refusal(self.endpoint, &refusal));
        Ok(Answered { status, content_type, body, refused })
    }
}

/// The end of a step that begins now.
pub fn deadline() -> Deadline {
    Deadline::after(Instant::now(), MAX_STEP)
}
