//! The few fields of a request that decide where it goes, read without copying the rest.
//!
//! A relayed body is never rebuilt: the envelope says which byte ranges to change. What every
//! OpenAI-format request must get right is checked here, so that a malformed one is refused in
//! microseconds, by name of its field, whatever stands behind.
//! Source: <https://platform.openai.com/docs/api-reference/chat/create>

mod fields;
mod members;
mod messages;

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Kind, Result};
use fields::{Field, Shape};
pub use members::{Member, members, object};
use messages::Messages;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
}

impl Operation {
    /// Every operation, for tables and metrics.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Completions, Self::Embeddings];

    /// A stable name: a metric label and a log field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat.completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
        }
    }

    /// The path under an OpenAI-format server's root.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
        }
    }
}

/// A request's envelope. Ranges are byte offsets into the body it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The model asked for; `None` where it is absent or null.
    pub model: Option<String>,
    /// Where `model`'s value stands, null included.
    pub model_at: Option<Range<usize>>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the caller asked for usage in the stream.
    pub include_usage: bool,
    /// Where `stream_options`' value stands, null included.
    pub stream_options_at: Option<Range<usize>>,
    /// Where `stream_options.include_usage`'s value stands.
    pub include_usage_at: Option<Range<usize>>,
    /// The offset behind the body's opening brace.
    pub first_member_at: usize,
    /// Bytes of text in the prompt, as escaped in the JSON; images are not text.
    pub prompt_bytes: u64,
}

/// Bodies nested deeper are refused: no OpenAI request needs more, and many a parser dies of it.
const MAX_DEPTH: usize = 128;

impl Envelope {
    /// Reads and checks the envelope of `body`.
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`] naming the field: not UTF-8, not a JSON object, nested too deeply, a
    /// key twice, a field of the wrong type, `messages` (or `prompt`, `input`) missing or empty.
    pub fn parse(operation: Operation, body: &[u8]) -> Result<Self> {
        let text = checked_text(body)?;
        let raw: RawEnvelope<'_> = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
        raw.check(operation, text)
    }

    /// The same request for an answer that is not streamed: the body without `stream` and
    /// `stream_options`, every other member by its own text.
    ///
    /// # Errors
    /// As for [`Envelope::parse`].
    pub fn not_streamed(operation: Operation, body: &Bytes) -> Result<(Bytes, Self)> {
        let members = members(body)?;
        let kept = members.iter().filter(|member| !matches!(&*member.name, "stream" | "stream_options"));
        let body = object(kept.map(|member| (&*member.name, member.value)));
        let envelope = Self::parse(operation, &body)?;
        Ok((body, envelope))
    }
}

/// The body as text that is safe to parse: UTF-8, and not nested too deeply.
fn checked_text(body: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("the body is not valid UTF-8: bad byte at offset {at}");
        Error::new(Kind::InvalidRequest, message).with_code("invalid_utf8")
    })?;
    check_depth(text)?;
    Ok(text)
}

fn not_json(text: &str, error: &serde_json::Error) -> Error {
    let first = text.trim_start().bytes().next();
    let is_other_json = first != Some(b'{') && serde_json::from_str::<&RawValue>(text).is_ok();
    if is_other_json {
        return Error::new(Kind::InvalidRequest, "the body must be a JSON object").with_code("not_an_object");
    }
    if let Some(key) = error.to_string().strip_prefix(DUPLICATE) {
        let key = key.split('`').next().unwrap_or_default().to_owned();
        let message = format!("`{key}` stands twice in the body");
        return Error::invalid(key, message).with_code("duplicate_key");
    }
    invalid_json(error)
}

fn invalid_json(error: &serde_json::Error) -> Error {
    Error::new(Kind::InvalidRequest, format!("the body is not valid JSON: {error}")).with_code("invalid_json")
}

/// Few brackets cannot nest deeply; only a body with many is looked at bracket by bracket.
fn check_depth(text: &str) -> Result<()> {
    let many = memchr::memchr2_iter(b'[', b'{', text.as_bytes()).nth(MAX_DEPTH).is_some();
    if many && deepest(text.as_bytes()) > MAX_DEPTH {
        let message = format!("the body is nested deeper than {MAX_DEPTH} levels");
        return Err(Error::new(Kind::InvalidRequest, message).with_code("nested_too_deeply"));
    }
    Ok(())
}

fn deepest(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = end_of_string(json, at + 1),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// The offset of the quote that closes the string whose first character is at `at`.
#[must_use]
pub fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if json[at] == b'"' {
            return at;
        }
        at += 2;
    }
    json.len()
}

const DUPLICATE: &str = "duplicate key `";

/// The members of the body that matter, as they stand.
struct RawEnvelope<'a> {
    fields: Vec<(Field, &'a RawValue)>,
    messages: Option<Messages>,
}

impl<'de> Deserialize<'de> for RawEnvelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawEnvelopeVisitor)
    }
}

struct RawEnvelopeVisitor;

impl<'de> Visitor<'de> for RawEnvelopeVisitor {
    type Value = RawEnvelope<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut raw = RawEnvelope { fields: Vec::with_capacity(8), messages: None };
        let mut seen = fields::Seen::default();
        while let Some(key) = map.next_key::<fields::Key<'de>>()? {
            seen.insert(&key).map_err(serde::de::Error::custom)?;
            match Field::of(&key.0) {
                Some(Field::Messages) => raw.messages = Some(map.next_value()?),
                Some(field) => raw.fields.push((field, map.next_value()?)),
                None => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(raw)
    }
}

impl RawEnvelope<'_> {
    fn check(self, operation: Operation, text: &str) -> Result<Envelope> {
        for (field, value) in &self.fields {
            field.check(value.get())?;
        }
        let model = self.string(Field::Model)?.filter(|model| !model.is_empty());
        let options = self.value(Field::StreamOptions);
        let include_usage = options.map_or(Ok(None), fields::include_usage)?;
        let stream_options_at = options.map(|value| range_in(text, value));
        Ok(Envelope {
            model,
            model_at: self.value(Field::Model).map(|value| range_in(text, value)),
            stream: self.value(Field::Stream) == Some("true") && operation != Operation::Embeddings,
            include_usage: include_usage == Some("true"),
            include_usage_at: include_usage.map(|value| range_in(text, value)),
            stream_options_at,
            first_member_at: text.find('{').map_or(0, |at| at + 1),
            prompt_bytes: self.prompt_bytes(operation)?,
        })
    }

    fn value(&self, wanted: Field) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| *field == wanted);
        found.map(|(_, value)| value.get())
    }

    fn string(&self, field: Field) -> Result<Option<String>> {
        match self.value(field) {
            Some(text) if Shape::of(text) == Shape::String => {
                serde_json::from_str(text).map(Some).map_err(|error| invalid_json(&error))
            }
            _ => Ok(None),
        }
    }

    /// The one member that each operation cannot do without, and how much text is in it.
    fn prompt_bytes(&self, operation: Operation) -> Result<u64> {
        match operation {
            Operation::Chat => match &self.messages {
                Some(messages) => messages.check(),
                None => Err(fields::missing("messages")),
            },
            Operation::Completions => self.text_member(Field::Prompt),
            Operation::Embeddings => self.text_member(Field::Input),
        }
    }

    fn text_member(&self, field: Field) -> Result<u64> {
        let value = self.value(field).ok_or_else(|| fields::missing(field.name()))?;
        if value.trim_matches(['[', ']', '"', ' ']).is_empty() && Shape::of(value) == Shape::Array {
            let message = format!("`{}` must not be empty", field.name());
            return Err(Error::invalid(field.name(), message).with_code("empty"));
        }
        Ok(value.len().saturating_sub(2) as u64)
    }
}

/// Where `part`, a slice of `whole`, stands in it.
fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

#[cfg(test)]
mod tests;
