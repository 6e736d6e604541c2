//! What is said, and how it is written down.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ApiError;

/// What is said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// What an OpenAI server would say to this path; an error for a status of 400 and above.
    #[default]
    Auto,
    /// Nothing.
    Empty,
    /// A JSON value.
    Json(Value),
    /// Text, as it is.
    Raw(String),
    /// An error in its provider's form, whatever the status.
    Error(ApiError),
    /// A chat completion, streamed if the request says `"stream": true`.
    Chat(Reply),
    /// A chat completion in one piece, whatever the request says.
    ChatCompletion(Reply),
    /// A streamed chat completion, whatever the request says.
    ChatStream(Reply),
    /// Any events.
    Sse(Sse),
    /// Lines of JSON, as Ollama streams them; a line is an event.
    Ndjson(Ndjson),
    /// A small gzip body that becomes a big one of zeros.
    GzipBomb(GzipBomb),
    /// Chat chunks as fast as the peer reads, until it leaves. Always chunked, never compressed.
    Endless(Endless),
}

/// What the model says; ids and times are fixed, so the same request gets the same bytes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The text; left out, it is `echo: ` and the last user message (nothing beside tool calls).
    pub text: Option<Text>,
    /// Calls of tools; in a stream the arguments come in fragments.
    pub tool_calls: Vec<ToolCall>,
    /// Left out: `stop`, or `tool_calls` if there are any.
    pub finish_reason: Option<String>,
    /// Whether usage is reported.
    pub usage: UsageReport,
    /// Left out: the words of the request's messages.
    pub prompt_tokens: Option<u64>,
    /// Left out: the pieces of the text and the fragments of the tool calls, times the choices.
    pub completion_tokens: Option<u64>,
    /// Left out: the request's `n`, or 1.
    pub choices: Option<u64>,
    /// The model's name in the answer; left out, the request's.
    pub model: Option<String>,
}

/// A text: `"two words"`, `["Hel", "lo"]`, or `{"count": 100, "size": 20}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Text {
    /// Streamed word by word.
    Whole(String),
    /// Streamed in these pieces.
    Pieces(Vec<String>),
    /// So many pieces of so many bytes.
    Generated {
        /// Pieces.
        count: usize,
        /// Bytes of each.
        size: usize,
    },
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The function's name.
    pub name: String,
    /// The arguments: JSON as a string, as OpenAI has it.
    pub arguments: String,
    /// Into how many fragments a stream splits the arguments (3 by default).
    #[serde(default = "ToolCall::default_fragments")]
    pub fragments: usize,
}

impl ToolCall {
    pub(super) fn default_fragments() -> usize {
        3
    }
}

/// Whether usage is reported. An answer in one piece has it unless `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageReport {
    /// As a provider that has none.
    Never,
    /// As OpenAI: with `stream_options.include_usage`, a last chunk with `"choices": []` has it,
    /// and every other chunk says `"usage": null`.
    #[default]
    WhenAsked,
    /// That last chunk comes unasked.
    Always,
}

/// Any events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sse {
    /// The events in order, without `[DONE]`, which [`SseFraming::done`] adds.
    pub events: Vec<SseEvent>,
}

/// An event: `{"event": "ping", "data": …}`, or just the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SseEvent {
    /// With an `event:` line, as Anthropic has it.
    Named {
        /// The event's name.
        event: String,
        /// Its data: a string as it is, anything else as JSON.
        data: Value,
    },
    /// A string as it is, anything else as JSON.
    Data(Value),
}

/// Lines of JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ndjson {
    /// The lines in order.
    pub lines: Vec<Value>,
}

/// A small body that becomes a big one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GzipBomb {
    /// The size once inflated, about a thousand times what is sent.
    pub mib: usize,
}

/// Chunks without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endless {
    /// The text in each chunk.
    pub text_bytes: usize,
}

/// How events are written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SseFraming {
    /// What ends a line.
    pub line_end: LineEnd,
    /// A byte order mark first.
    pub bom: bool,
    /// A comment with this text before each event.
    pub comment: Option<String>,
    /// Objects over several `data:` lines.
    pub multi_line: bool,
    /// `data: x` rather than `data:x`; true by default.
    pub space: bool,
    /// Whether `data: [DONE]` comes last; true by default.
    pub done: bool,
}

impl Default for SseFraming {
    fn default() -> Self {
        Self { line_end: LineEnd::Lf, bom: false, comment: None, multi_line: false, space: true, done: true }
    }
}

/// What ends a line of an event stream; the standard allows all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    Crlf,
    /// `\r`.
    Cr,
}

/// How the body is cut into writes, and the time between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// So many events in one write and one chunk; 1 by default.
    pub events_per_write: usize,
    /// The time between those writes.
    pub gap_ms: u64,
    /// Then cut all bytes, chunk sizes included, into writes of this size.
    pub write_size: Option<usize>,
    /// The time between these; 0 only lets others run in between.
    pub write_gap_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { events_per_write: 1, gap_ms: 0, write_size: None, write_gap_ms: 0 }
    }
}
