//! The conversation: that it is one, and how much text is in it, without keeping any of it.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{Key, Seen, Shape, wrong};
use crate::error::{Error, Result};

/// OpenAI's roles.
const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// What was found where `messages` should be.
pub enum Messages {
    /// An array.
    Array { count: usize, text_bytes: u64, first_fault: Option<(usize, Fault)> },
    /// Something else.
    Other(Shape),
}

/// What is wrong with one message.
#[derive(Clone)]
pub enum Fault {
    NotAnObject,
    NoRole,
    RoleNotAString(Shape),
    UnknownRole(String),
    Content(Shape),
}

impl Messages {
    /// Bytes of text in the conversation.
    ///
    /// # Errors
    /// It is not an array, it is empty, or one of its messages is no message.
    pub fn check(&self) -> Result<u64> {
        match self {
            Self::Other(found) => Err(wrong("messages", "an array", *found)),
            Self::Array { count: 0, .. } => {
                Err(Error::invalid("messages", "`messages` must not be empty").with_code("empty"))
            }
            Self::Array { first_fault: Some((index, fault)), .. } => Err(fault.error(*index)),
            Self::Array { text_bytes, .. } => Ok(*text_bytes),
        }
    }
}

impl Fault {
    fn error(&self, index: usize) -> Error {
        let role = format!("messages[{index}].role");
        match self {
            Self::NotAnObject => {
                let param = format!("messages[{index}]");
                let message = format!("`{param}` must be an object with a `role`");
                Error::invalid(param, message).with_code("wrong_type")
            }
            Self::NoRole => {
                let message = format!("`{role}` is required");
                Error::invalid(role, message).with_code("missing_required_parameter")
            }
            Self::RoleNotAString(found) => wrong(&role, "a string", *found),
            Self::UnknownRole(given) => {
                let given: String = given.chars().take(40).collect();
                let message = format!("`{role}` must be one of {}, not {given:?}", ROLES.join(", "));
                Error::invalid(role, message).with_code("invalid_value")
            }
            Self::Content(found) => {
                wrong(&format!("messages[{index}].content"), "a string, an array or null", *found)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessagesVisitor)
    }
}

struct MessagesVisitor;

impl<'de> Visitor<'de> for MessagesVisitor {
    type Value = Messages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Messages, A::Error> {
        let (mut count, mut text_bytes, mut first_fault) = (0, 0, None);
        while let Some(message) = seq.next_element::<Message>()? {
            match message.0 {
                Ok(bytes) => text_bytes += bytes,
                Err(fault) => first_fault = first_fault.or(Some((count, fault))),
            }
            count += 1;
        }
        Ok(Messages::Array { count, text_bytes, first_fault })
    }

    fn visit_str<E>(self, _: &str) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::String))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::Boolean))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::Number))
    }

    fn visit_unit<E>(self) -> Result<Messages, E> {
        Ok(Messages::Other(Shape::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Messages, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Messages::Other(Shape::Object))
    }
}

/// One message: bytes of text in it, or what is wrong with it.
struct Message(Result<u64, Fault>);

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let (mut role, mut content) = (None, None);
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            seen.insert(&key).map_err(serde::de::Error::custom)?;
            match &*key.0 {
                "role" => role = Some(map.next_value::<&RawValue>()?),
                "content" => content = Some(map.next_value::<&RawValue>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let role = check_role(role.map(RawValue::get));
        Ok(Message(role.and_then(|()| text_bytes(content.map(RawValue::get)))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Message, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_str<E>(self, _: &str) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }

    fn visit_unit<E>(self) -> Result<Message, E> {
        Ok(Message(Err(Fault::NotAnObject)))
    }
}

fn check_role(role: Option<&str>) -> Result<(), Fault> {
    let role = role.ok_or(Fault::NoRole)?;
    let known = ROLES
        .iter()
        .any(|known| role.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(*known));
    match Shape::of(role) {
        _ if known => Ok(()),
        Shape::String => {
            let role: String = serde_json::from_str(role).unwrap_or_default();
            let known = ROLES.contains(&role.as_str());
            if known { Ok(()) } else { Err(Fault::UnknownRole(role)) }
        }
        found => Err(Fault::RoleNotAString(found)),
    }
}

/// Bytes of text in a message's content: a string, or the text parts of an array.
fn text_bytes(content: Option<&str>) -> Result<u64, Fault> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Option<&'a RawValue>,
    }
    let Some(content) = content else { return Ok(0) };
    match Shape::of(content) {
        Shape::String => Ok(content.len() as u64 - 2),
        Shape::Null => Ok(0),
        Shape::Array => {
            let parts: Vec<Part<'_>> = serde_json::from_str(content).unwrap_or_default();
            let texts = parts.iter().filter_map(|part| part.text);
            Ok(texts.map(|text| text.get().len().saturating_sub(2) as u64).sum())
        }
        found => Err(Fault::Content(found)),
    }
}
