//! Content blocks, as deltas: one that comes whole is one that starts and stops at once, which is why a
//! stream and a whole answer agree.
//! Source: <https://platform.claude.com/docs/en/api/messages#response-content>

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;
use serde_json::{Error, Map, Value};

use crate::domain::delta::Delta;

/// The blocks of one answer.
#[derive(Debug, Default)]
pub struct Blocks {
    /// The tool whose arguments are the answer's text.
    json_tool: Option<&'static str>,
    /// The blocks that have begun and not stopped, by the vendor's index.
    open: Vec<(u64, Open)>,
    /// How many of the caller's tools were called.
    calls: u32,
    /// Whether the answer's text came as arguments.
    said_by_tool: bool,
}

#[derive(Debug)]
enum Open {
    Text,
    /// A call; `index` is `None` where its arguments are the answer's text.
    Call {
        index: Option<u32>,
        input: String,
        said: bool,
    },
    /// A block that is passed on when it is whole: `json` is its input, as far as it came.
    Whole {
        name: &'static str,
        block: Map<String, Value>,
        json: String,
    },
}

/// A block as it starts: empty in a stream, complete in a whole answer.
#[derive(Deserialize)]
struct Start<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    citations: Option<Vec<Value>>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Call<'a> {
    id: String,
    name: String,
    #[serde(default, borrow)]
    input: Option<&'a RawValue>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A piece of a block; of `message_delta` as well, which shares the name.
#[derive(Deserialize)]
pub struct Piece<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    citation: Option<Value>,
    /// Why the answer ended.
    #[serde(default)]
    pub stop_reason: Option<String>,
    /// The same in detail, where it was refused.
    #[serde(default)]
    pub stop_details: Option<Value>,
}

impl Blocks {
    /// For one answer.
    pub fn new(json_tool: Option<&'static str>) -> Self {
        Self { json_tool, ..Self::default() }
    }

    /// Whether the vendor's `tool_use` calls nothing that the caller knows: the answer's text came as
    /// arguments, and it is complete.
    pub const fn only_said_by_tool(&self) -> bool {
        self.said_by_tool && self.calls == 0
    }

    /// A block begins.
    ///
    /// # Errors
    /// It is none that the vendor documents.
    pub fn start(&mut self, index: u64, json: &RawValue, deltas: &mut Vec<Delta>) -> Result<(), Error> {
        let start: Start<'_> = serde_json::from_str(json.get())?;
        let open = match &*start.kind {
            "text" => {
                push_text(start.text, deltas);
                push_extra("citations", start.citations.unwrap_or_default(), deltas);
                Open::Text
            }
            "tool_use" => self.start_call(start.name.as_deref(), json, deltas)?,
            kind => start_whole(kind, serde_json::from_str(json.get())?, deltas),
        };
        self.open.push((index, open));
        Ok(())
    }

    fn start_call(
        &mut self,
        name: Option<&str>,
        json: &RawValue,
        deltas: &mut Vec<Delta>,
    ) -> Result<Open, Error> {
        let call: Call<'_> = serde_json::from_str(json.get())?;
        let input = call.input.map(RawValue::get).filter(|input| *input != "null").unwrap_or("{}").to_owned();
        if self.json_tool.is_some() && self.json_tool == name {
            self.said_by_tool = true;
            return Ok(Open::Call { index: None, input, said: false });
        }
        let mut extra = call.rest;
        // Who called: of interest only where it was a server's tool, not the model.
        extra.retain(|name, value| name != "type" && !(name == "caller" && value["type"] == "direct"));
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        deltas.push(Delta::ToolCall { choice: 0, index, id: call.id, name: call.name, extra });
        Ok(Open::Call { index: Some(index), input, said: false })
    }

    /// A block goes on.
    ///
    /// # Errors
    /// It has not begun. `json` is the piece itself: kinds that are not known are read from it.
    pub fn piece(
        &mut self,
        index: u64,
        piece: Piece<'_>,
        json: &[u8],
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Error> {
        if piece.kind == "text_delta" {
            push_text(piece.text, deltas);
            return Ok(());
        }
        let open = self.open.iter_mut().rev().find(|(at, _)| *at == index);
        let (_, open) = open.ok_or_else(|| Error::custom("a piece of a block that has not begun"))?;
        match (&*piece.kind, open) {
            ("citations_delta", _) => push_extra("citations", piece.citation.into_iter().collect(), deltas),
            ("input_json_delta", Open::Call { index, said, .. }) => {
                let json = piece.partial_json.filter(|json| !json.is_empty());
                *said |= json.is_some();
                deltas.extend(json.map(|json| argument(*index, json)));
            }
            ("input_json_delta", Open::Whole { json, .. }) => {
                json.push_str(&piece.partial_json.unwrap_or_default());
            }
            ("thinking_delta", Open::Whole { block, .. }) => {
                let thinking = piece.thinking.unwrap_or_default();
                append(block, "thinking", &thinking);
                push_reasoning(thinking, deltas);
            }
            ("signature_delta", Open::Whole { block, .. }) => {
                append(block, "signature", &piece.signature.unwrap_or_default());
            }
            (_, Open::Whole { block, .. }) => absorb(block, json)?,
            (kind, _) => return Err(Error::custom(format!("a piece of kind `{kind}` of another block"))),
        }
        Ok(())
    }

    /// A block is over.
    pub fn stop(&mut self, index: u64, deltas: &mut Vec<Delta>) {
        if let Some(at) = self.open.iter().rposition(|(of, _)| *of == index) {
            finish(self.open.remove(at).1, deltas);
        }
    }

    /// All of them are.
    pub fn stop_all(&mut self, deltas: &mut Vec<Delta>) {
        for (_, open) in self.open.drain(..) {
            finish(open, deltas);
        }
    }
}

/// Thinking, and everything that OpenAI has no member for: passed on as it came.
fn start_whole(kind: &str, block: Map<String, Value>, deltas: &mut Vec<Delta>) -> Open {
    let name = match kind {
        "thinking" | "redacted_thinking" => "thinking_blocks",
        _ => "content_blocks",
    };
    if kind == "thinking" {
        push_reasoning(block.get("thinking").and_then(Value::as_str).unwrap_or_default().to_owned(), deltas);
    }
    Open::Whole { name, block, json: String::new() }
}

fn finish(open: Open, deltas: &mut Vec<Delta>) {
    match open {
        Open::Text | Open::Call { said: true, .. } => {}
        Open::Call { index, input, said: false } => deltas.push(argument(index, input)),
        Open::Whole { name, mut block, json } => {
            if !json.is_empty() {
                // Input that was cut is no JSON: it is kept as the text that it is.
                let input = serde_json::from_str(&json).unwrap_or(Value::String(json));
                block.insert("input".to_owned(), input);
            }
            push_extra(name, vec![block.into()], deltas);
        }
    }
}

const fn argument(index: Option<u32>, json: String) -> Delta {
    match index {
        Some(index) => Delta::Arguments { choice: 0, index, json },
        None => Delta::Text { choice: 0, text: json },
    }
}

/// A kind of piece that is not known: its texts continue those of the block, all else replaces.
fn absorb(block: &mut Map<String, Value>, json: &[u8]) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Event {
        delta: Map<String, Value>,
    }
    let event: Event = serde_json::from_slice(json)?;
    for (name, value) in event.delta {
        match value {
            _ if name == "type" => {}
            Value::String(text) => append(block, &name, &text),
            value => {
                block.insert(name, value);
            }
        }
    }
    Ok(())
}

fn append(block: &mut Map<String, Value>, name: &str, text: &str) {
    match block.get_mut(name) {
        Some(Value::String(so_far)) => so_far.push_str(text),
        _ => {
            block.insert(name.to_owned(), text.into());
        }
    }
}

fn push_text(text: Option<String>, deltas: &mut Vec<Delta>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        deltas.push(Delta::Text { choice: 0, text });
    }
}

fn push_reasoning(text: String, deltas: &mut Vec<Delta>) {
    if !text.is_empty() {
        deltas.push(Delta::Reasoning { choice: 0, text });
    }
}

fn push_extra(name: &'static str, list: Vec<Value>, deltas: &mut Vec<Delta>) {
    if !list.is_empty() {
        deltas.push(Delta::Extra { choice: 0, name, value: list.into() });
    }
}
