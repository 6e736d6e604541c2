//! The members of a body in another format than OpenAI's, under the same rules.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{Key, Seen};
use super::{checked_text, not_json, range_in};
use crate::error::Result;

/// One member of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its key.
    pub name: Cow<'a, str>,
    /// Its value, as JSON text.
    pub value: &'a str,
    /// Where the value stands in the body.
    pub at: Range<usize>,
}

/// Every member of `body`, in its order.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`]: not UTF-8, not a JSON object, nested too deeply, a key twice.
pub fn members(body: &[u8]) -> Result<Vec<Member<'_>>> {
    let text = checked_text(body)?;
    let raw: RawMembers<'_> = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    let members = raw.0.into_iter().map(|(name, value)| {
        let value = value.get();
        Member { name, value, at: range_in(text, value) }
    });
    Ok(members.collect())
}

/// The JSON object of these members, each value by its own text.
#[must_use]
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Bytes {
    let written = |(name, value): (&str, &str)| format!("{}:{value}", serde_json::Value::from(name));
    let written: Vec<String> = members.into_iter().map(written).collect();
    format!("{{{}}}", written.join(",")).into()
}

struct RawMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawMembersVisitor)
    }
}

struct RawMembersVisitor;

impl<'de> Visitor<'de> for RawMembersVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut seen) = (Vec::new(), Seen::default());
        while let Some(key) = map.next_key::<Key<'de>>()? {
            seen.insert(&key).map_err(serde::de::Error::custom)?;
            members.push((key.0, map.next_value()?));
        }
        Ok(RawMembers(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn members_say_where_their_values_stand() {
        let body = br#" {"mod\u0065l" : "a", "x":1.10}"#;
        let members = members(body).expect("an object");
        let told: Vec<_> = members.iter().map(|member| (&*member.name, member.value)).collect();
        assert_eq!(told, [("model", "\"a\""), ("x", "1.10")]);
        assert_eq!(&body[members[1].at.clone()], b"1.10");
    }

    #[rstest]
    #[case::a_key_twice(br#"{"model":"a","mod\u0065l":"b"}"#, "duplicate_key")]
    #[case::no_object(b"[1]", "not_an_object")]
    #[case::no_utf8(b"{\"a\":\"\xff\"}", "invalid_utf8")]
    #[case::cut(br#"{"a":"#, "invalid_json")]
    fn what_is_no_body_is_refused(#[case] body: &[u8], #[case] code: &str) {
        assert_eq!(members(body).expect_err("refused").code(), code);
    }
}
