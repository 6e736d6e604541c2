//! The members that are looked at, the shapes their values must have, and keys that stand twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::Visitor;

use crate::error::{Error, Result};

/// A member of the body that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Model,
    Messages,
    Prompt,
    Input,
    Stream,
    StreamOptions,
    /// A member whose value must be a number or null.
    Number(&'static str),
    /// A member whose value must be an array or null.
    Array(&'static str),
    /// A member whose value must be an object or null.
    Object(&'static str),
}

impl Field {
    /// The field of that key, if it is one that is looked at.
    pub fn of(key: &str) -> Option<Self> {
        Some(match key {
            "model" => Self::Model,
            "messages" => Self::Messages,
            "prompt" => Self::Prompt,
            "input" => Self::Input,
            "stream" => Self::Stream,
            "stream_options" => Self::StreamOptions,
            "temperature" => Self::Number("temperature"),
            "top_p" => Self::Number("top_p"),
            "n" => Self::Number("n"),
            "max_tokens" => Self::Number("max_tokens"),
            "max_completion_tokens" => Self::Number("max_completion_tokens"),
            "presence_penalty" => Self::Number("presence_penalty"),
            "frequency_penalty" => Self::Number("frequency_penalty"),
            "seed" => Self::Number("seed"),
            "top_logprobs" => Self::Number("top_logprobs"),
            "tools" => Self::Array("tools"),
            "response_format" => Self::Object("response_format"),
            "logit_bias" => Self::Object("logit_bias"),
            _ => return None,
        })
    }

    /// The member's key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Messages => "messages",
            Self::Prompt => "prompt",
            Self::Input => "input",
            Self::Stream => "stream",
            Self::StreamOptions => "stream_options",
            Self::Number(name) | Self::Array(name) | Self::Object(name) => name,
        }
    }

    /// Whether the JSON text `value` has a shape that this member may have.
    ///
    /// # Errors
    /// Names the member, what it must be, and what it is.
    pub fn check(self, value: &str) -> Result<()> {
        let found = Shape::of(value);
        let (expected, fits) = match self {
            Self::Model => ("a string", found == Shape::String),
            Self::Stream => ("a boolean", found == Shape::Boolean),
            Self::Number(_) => ("a number", found == Shape::Number),
            Self::Array(_) | Self::Messages => ("an array", found == Shape::Array),
            Self::Object(_) | Self::StreamOptions => ("an object", found == Shape::Object),
            Self::Prompt | Self::Input => {
                let fits = matches!(found, Shape::String | Shape::Array);
                return if fits { Ok(()) } else { Err(wrong(self.name(), "a string or an array", found)) };
            }
        };
        if fits || found == Shape::Null { Ok(()) } else { Err(wrong(self.name(), expected, found)) }
    }
}

/// `field` is not of the type it must be of.
pub fn wrong(field: &str, expected: &str, found: Shape) -> Error {
    let message = format!("`{field}` must be {expected}, not {}", found.name());
    Error::invalid(field, message).with_code("wrong_type")
}

/// `field` is not there.
pub fn missing(field: &'static str) -> Error {
    Error::invalid(field, format!("`{field}` is required")).with_code("missing_required_parameter")
}

/// The type of a JSON value, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    String,
    Number,
    Boolean,
    Null,
    Array,
    Object,
}

impl Shape {
    /// The type of the valid JSON text `value`.
    pub fn of(value: &str) -> Self {
        match value.bytes().next() {
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    /// The type's name, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The JSON text of `include_usage` in that of `stream_options`.
///
/// # Errors
/// It is not a boolean, or it stands there twice.
pub fn include_usage(options: &str) -> Result<Option<&str>> {
    #[derive(Deserialize)]
    struct StreamOptions<'a> {
        #[serde(borrow)]
        include_usage: Option<&'a serde_json::value::RawValue>,
    }
    const NAME: &str = "stream_options.include_usage";
    let options: Option<StreamOptions<'_>> = serde_json::from_str(options)
        .map_err(|error| Error::invalid("stream_options", format!("`stream_options`: {error}")))?;
    let value = options.and_then(|options| options.include_usage);
    let value = value.map(serde_json::value::RawValue::get);
    match value.map(Shape::of) {
        None | Some(Shape::Boolean | Shape::Null) => Ok(value),
        Some(found) => Err(wrong(NAME, "a boolean", found)),
    }
}

/// A key of an object: borrowed unless it is written with escapes.
pub struct Key<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

/// The keys met so far in one object. JSON parsers disagree about which of two equal keys counts;
/// one that counts here and another one upstream would be a way around routing and quotas.
///
/// A few are compared one by one; many are hashed, with a seed of their own, so that a body made of keys
/// costs no more than its bytes.
#[derive(Default)]
pub struct Seen<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

const FEW: usize = 24;

impl<'a> Seen<'a> {
    /// Notes a key.
    ///
    /// # Errors
    /// The key was noted before.
    pub fn insert(&mut self, key: &Key<'a>) -> Result<(), String> {
        let is_new = if self.few.len() < FEW {
            let is_new = !self.few.contains(&key.0);
            self.few.push(key.0.clone());
            is_new
        } else {
            !self.few.contains(&key.0) && self.many.insert(key.0.clone())
        };
        if is_new { Ok(()) } else { Err(format!("{}{}`", super::DUPLICATE, key.0)) }
    }
}
