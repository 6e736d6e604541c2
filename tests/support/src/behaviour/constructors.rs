//! Where a behaviour starts, so that a test reads as a sentence; `modifiers` goes on.

use serde_json::Value;

use super::{
    Action, Behaviour, Body, Endless, Garbage, GzipBomb, Ndjson, Point, Reply, Sse, SseEvent, Text, ToolCall,
};

impl Behaviour {
    /// A chat completion, streamed word by word if the request asks for a stream.
    pub fn chat(text: impl Into<String>) -> Self {
        let text = Some(Text::Whole(text.into()));
        Self::from_body(Body::Chat(Reply { text, ..Reply::default() }))
    }

    /// A streamed chat completion in these pieces.
    pub fn chat_stream<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        let text = Some(Text::Pieces(pieces.into_iter().map(Into::into).collect()));
        Self::from_body(Body::ChatStream(Reply { text, ..Reply::default() }))
    }

    /// A streamed chat completion of so many pieces of so many bytes.
    pub fn long_stream(count: usize, size: usize) -> Self {
        let text = Some(Text::Generated { count, size });
        Self::from_body(Body::ChatStream(Reply { text, ..Reply::default() }))
    }

    /// A call of a tool, streamed if the request asks for a stream.
    pub fn tool_call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let call = ToolCall {
            name: name.into(),
            arguments: arguments.into(),
            fragments: ToolCall::default_fragments(),
        };
        Self::from_body(Body::Chat(Reply { tool_calls: vec![call], ..Reply::default() }))
    }

    /// These events, and `[DONE]`. A string is sent as it is, anything else as JSON.
    pub fn sse<V: Into<Value>>(events: impl IntoIterator<Item = V>) -> Self {
        let events = events.into_iter().map(|data| SseEvent::Data(data.into()));
        Self::from_body(Body::Sse(Sse { events: events.collect() }))
    }

    /// These events with their names, and no `[DONE]`, as Anthropic has them.
    pub fn named_sse<N: Into<String>>(events: impl IntoIterator<Item = (N, Value)>) -> Self {
        let events = events.into_iter().map(|(event, data)| SseEvent::Named { event: event.into(), data });
        Self::from_body(Body::Sse(Sse { events: events.collect() })).without_done()
    }

    /// These lines, as Ollama streams them.
    pub fn ndjson(lines: impl IntoIterator<Item = Value>) -> Self {
        Self::from_body(Body::Ndjson(Ndjson { lines: lines.into_iter().collect() }))
    }

    /// A JSON body.
    pub fn json(value: impl Into<Value>) -> Self {
        Self::from_body(Body::Json(value.into()))
    }

    /// A text as it is.
    pub fn raw(text: impl Into<String>) -> Self {
        Self::from_body(Body::Raw(text.into()))
    }

    /// This body, nothing else unusual.
    pub fn from_body(body: Body) -> Self {
        Self { body, ..Self::default() }
    }

    /// A status; from 400 on with OpenAI's error body.
    pub fn status(status: u16) -> Self {
        let mut behaviour = Self::default();
        behaviour.head.status = status;
        behaviour
    }

    /// OpenAI's answer to an empty account: a 429 that no retry will heal.
    pub fn insufficient_quota() -> Self {
        Self::status(429).error_code("insufficient_quota")
    }

    /// Zeros that inflate to so many MiB.
    pub fn gzip_bomb(mib: usize) -> Self {
        Self::from_body(Body::GzipBomb(GzipBomb { mib }))
    }

    /// Chunks of a chat as fast as the peer reads, until it leaves.
    pub fn endless() -> Self {
        Self::from_body(Body::Endless(Endless { text_bytes: 100 }))
    }

    /// A TCP reset instead of an answer.
    pub fn reset_before_head() -> Self {
        Self::default().fault(Point::BeforeHead, Action::Reset)
    }

    /// A FIN instead of an answer.
    pub fn close_before_head() -> Self {
        Self::default().fault(Point::BeforeHead, Action::Close)
    }

    /// No answer at all, until the peer leaves.
    pub fn stall_before_head() -> Self {
        Self::default().fault(Point::BeforeHead, Action::Stall)
    }

    /// Bytes that are not HTTP, then a FIN.
    pub fn not_http() -> Self {
        Self::default()
            .fault(Point::BeforeHead, Action::Garbage(Garbage::Line))
            .fault(Point::BeforeHead, Action::Close)
    }
}
