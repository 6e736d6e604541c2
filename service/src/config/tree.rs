//! A YAML document as a tree that knows its lines.
//!
//! LiteLLM reads its file with `PyYAML`, which speaks YAML 1.1, so scalars mean here what they mean
//! there: `yes` and `on` are true, and a text is what was written until somebody asks for a number.
//! Stricter than there: a key that stands twice in a mapping is refused, where `PyYAML` takes the last.

use serde_json::{Map, Number, Value};

use super::finding::Wrong;

mod load;

pub use load::load;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Counted from 1.
    pub line: usize,
    /// What stands there.
    pub content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text, a number, a boolean or nothing: whoever asks decides.
    Scalar {
        /// As it was written, escapes resolved.
        text: String,
        /// In quotes, or in a block: then it is a text and nothing else.
        quoted: bool,
    },
    /// A reference to a variable that is not set.
    Unset(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order.
    Map(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's line.
    pub line: usize,
    /// The key.
    pub key: String,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// Nothing: `null`, `~`, an empty value, or a reference to what is not set.
    pub fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar { text, quoted: false } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Content::Unset(_) => true,
            _ => false,
        }
    }

    /// The entries of a mapping; nothing has none. `what` names it where it is no mapping.
    pub fn entries(&self, what: &str) -> Result<&[Entry], Wrong> {
        match &self.content {
            Content::Map(entries) => Ok(entries),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.wrong(what, "a mapping of keys to values")),
        }
    }

    /// The items of a list; nothing has none.
    pub fn items(&self, what: &str) -> Result<&[Self], Wrong> {
        match &self.content {
            Content::List(items) => Ok(items),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.wrong(what, "a list")),
        }
    }

    /// A text; numbers and booleans are texts too, as they were written.
    pub fn text(&self, what: &str) -> Result<&str, Wrong> {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Ok(text),
            _ => Err(self.wrong(what, "a text")),
        }
    }

    /// `true`, `false`, and YAML 1.1's other words for them; in quotes as well.
    pub fn boolean(&self, what: &str) -> Result<bool, Wrong> {
        boolean(self.scalar()).ok_or_else(|| self.wrong(what, "true or false"))
    }

    /// A number; in quotes as well, as LiteLLM takes it.
    pub fn number(&self, what: &str) -> Result<f64, Wrong> {
        let number = number(self.scalar()).and_then(|number| number.as_f64());
        number.ok_or_else(|| self.wrong(what, "a number"))
    }

    /// A whole number that is not negative.
    pub fn count(&self, what: &str) -> Result<u64, Wrong> {
        let count = number(self.scalar()).and_then(|number| {
            let is_whole = |float: &f64| float.fract() == 0.0 && (0.0..9.0e15).contains(float);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked just before"
            )]
            number.as_u64().or_else(|| number.as_f64().filter(is_whole).map(|float| float as u64))
        });
        count.ok_or_else(|| self.wrong(what, "a whole number, 0 or more"))
    }

    /// What was written, if it is a scalar.
    fn scalar(&self) -> &str {
        if let Content::Scalar { text, .. } = &self.content { text } else { "" }
    }

    /// The error that `what` is not what was `expected`. What it holds is not told: it may be a secret.
    pub fn wrong(&self, what: &str, expected: &str) -> Wrong {
        Wrong::at(self.line, format!("`{what}` has to be {expected}"))
    }

    /// The same as JSON: plain scalars become what YAML says they are.
    pub fn json(&self) -> Value {
        match &self.content {
            Content::Scalar { text, quoted: true } => Value::from(text.as_str()),
            Content::Scalar { .. } if self.is_null() => Value::Null,
            Content::Scalar { text, .. } => match (boolean(text), number(text)) {
                (Some(boolean), _) => Value::Bool(boolean),
                (None, Some(number)) => Value::Number(number),
                (None, None) => Value::from(text.as_str()),
            },
            Content::Unset(_) => Value::Null,
            Content::List(items) => items.iter().map(Self::json).collect(),
            Content::Map(entries) => {
                let members: Map<_, _> =
                    entries.iter().map(|entry| (entry.key.clone(), entry.node.json())).collect();
                Value::Object(members)
            }
        }
    }
}

/// The value of `key` among `entries`, unless it is nothing.
pub fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key && !entry.node.is_null())
}

/// Source: <https://yaml.org/type/bool.html>, without its single letters, as `PyYAML` reads it.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Source: <https://yaml.org/type/int.html>, <https://yaml.org/type/float.html>, but for the bases 2 and
/// 60; and YAML 1.2's exponent without a sign, which is a text to `PyYAML` and a number to its users.
fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return u64::from_str_radix(hexadecimal, 16).ok().map(Number::from);
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    let whole = digits.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| digits.parse::<f64>().ok().and_then(Number::from_f64))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
