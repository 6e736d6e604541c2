//! What passes between the services and an adapter: plain values, and one small state machine.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::domain::call::Call;
use crate::domain::delta::{ChatAnswer, Delta};
use crate::domain::embedding::{Embeddings, Encoding};
use crate::domain::envelope::{Envelope, Operation};
use crate::error::Result;

/// What a caller asks for, and what an adapter may see of it.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What is asked for.
    pub operation: Operation,
    /// The body in OpenAI's form: as the caller sent it, or put together from another format.
    pub body: &'a Bytes,
    /// That body's envelope.
    pub envelope: &'a Envelope,
    /// The body as the caller sent it, where its format is not OpenAI's.
    pub original: Option<(ClientFormat, &'a Bytes)>,
    /// What the endpoint calls the model.
    pub model: &'a str,
    /// The id to pass on; also the seed of ids that a vendor does not give.
    pub request_id: &'a str,
    /// The caller's headers that may be passed on to a LiteLLM.
    pub headers: &'a [(HeaderName, HeaderValue)],
}

/// A call, and how its answer is to be read.
#[derive(Debug)]
pub struct Prepared {
    /// What to do.
    pub call: Call,
    /// What the answer has to be read by.
    pub expect: Expect,
    /// Members of the request that were left out: because the operator wants that, or because they are hints
    /// that the vendor has no place for.
    pub dropped: Vec<String>,
}

/// What a request asked for that its answer has to be read by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// The request's id: ids that the vendor does not give are made from it.
    pub request_id: String,
    /// The answer's text comes as the arguments of this tool, which the caller did not offer.
    pub json_tool: Option<&'static str>,
}

impl Expect {
    /// What the answer to `ask` has to be read by, where the vendor adds nothing.
    #[must_use]
    pub fn of(ask: &Ask<'_>) -> Self {
        Self { request_id: ask.request_id.to_owned(), json_tool: None }
    }
}

/// An answer that is no success, read whole.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Its HTTP status, 400 or more.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, as far as it was read.
    pub body: &'a [u8],
}

/// What the mock needs to know beyond the request.
#[derive(Clone, Copy, Debug)]
pub struct MockTiming {
    /// The pause between two chunks of a stream.
    pub chunk_delay: Duration,
}

/// How a provider cuts its streams into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-Sent Events.
    Sse,
    /// One JSON object a line.
    Ndjson,
}

/// What a stream brings next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An event's data, or a line.
    Data {
        /// The event's name, where it has one.
        name: Option<&'a [u8]>,
        /// The data; comments and the like never get here.
        data: &'a [u8],
    },
    /// The body ended, as its framing says properly.
    Eof,
}

/// Whether a stream is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More is to come: an end of the body now would be a truncation.
    More,
    /// The vendor has said that this is all.
    Complete,
}

/// Reads one answer's stream. It must never panic, whatever comes.
pub trait Machine: Send {
    /// Takes an event and appends what it says to `deltas`.
    ///
    /// `Flow::More` at [`Event::Eof`] means that the answer is not whole. After `Flow::Complete` or an
    /// error nothing more is asked.
    ///
    /// # Errors
    /// The vendor reports a failure ([`crate::error::Kind::UpstreamFailure`] and the like), or breaks its
    /// own format ([`crate::error::Kind::MalformedAnswer`]). Deltas appended before count.
    fn on_event(&mut self, event: Event<'_>, deltas: &mut Vec<Delta>) -> Result<Flow>;
}

/// The form in which a caller asks and is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientFormat {
    /// OpenAI's.
    Openai,
    /// Ollama's `/api/chat`.
    OllamaChat,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// Ollama's `/api/embed`.
    OllamaEmbed,
    /// Ollama's older `/api/embeddings`.
    OllamaEmbeddings,
}

/// Writes answers in a client's format.
pub trait Render: Send {
    /// Appends what says these deltas.
    fn deltas(&mut self, deltas: &mut Vec<Delta>, out: &mut Vec<u8>);

    /// Appends what says that the stream is complete.
    fn complete(&mut self, timing: Timing, out: &mut Vec<u8>);

    /// An answer that is not streamed.
    fn whole(&self, answer: &ChatAnswer, timing: Timing) -> Vec<u8>;

    /// Vectors.
    fn embeddings(&self, embeddings: &Embeddings, encoding: Encoding, timing: Timing) -> Vec<u8>;
}

/// What a renderer needs to know that is not in the deltas.
#[derive(Clone, Debug)]
pub struct RenderContext {
    /// The request's id: what is called an id in the answer where the vendor gives none.
    pub request_id: String,
    /// The model's public name, as the caller asked for it.
    pub model: String,
    /// When the request arrived, since the Unix epoch.
    pub received: Duration,
    /// Whether the caller wants the usage in its stream.
    pub include_usage: bool,
    /// What to estimate tokens from where the vendor reports none: bytes of text in the prompt.
    pub prompt_bytes: u64,
}

/// How long an answer took, for formats that tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From the request's arrival to the first token.
    pub first_token: Duration,
    /// From the request's arrival to now.
    pub total: Duration,
}
