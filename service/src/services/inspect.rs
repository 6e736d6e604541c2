//! Finding the few things that matter in OpenAI-format JSON without parsing it.
//!
//! Inside a JSON string every quote is escaped, so the bytes `"usage"` are a key, or a string that
//! says just that: only then is the JSON parsed.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::domain::envelope::end_of_string;
use crate::domain::usage::Tokens;

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
static LAST_USAGE: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new("\"usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"finish_reason\""));
/// The end of the keys `content` and `reasoning_content`.
static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("content\""));
static ARGUMENTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"arguments\""));
static TEXT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"text\""));

/// Whether it is a JSON object in UTF-8: checked from end to end, without building anything.
pub fn is_object(json: &[u8]) -> bool {
    let text = std::str::from_utf8(json).ok();
    text.is_some_and(|text| {
        text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
    })
}

/// Whether there may be a member `usage` that is an object.
pub fn may_have_usage(json: &[u8]) -> bool {
    values(json, &USAGE).any(|value| value.first() == Some(&b'{'))
}

/// Whether there may be a member `error` that is not null.
pub fn may_have_error(json: &[u8]) -> bool {
    values(json, &ERROR).any(|value| !value.starts_with(b"null"))
}

/// The finish reason of the first choice that has one.
pub fn finish_reason(json: &[u8]) -> Option<&str> {
    let mut strings = values(json, &FINISH).filter_map(string);
    strings.next().and_then(|reason| std::str::from_utf8(reason).ok())
}

/// Bytes of text, reasoning and tool arguments, as escaped.
pub fn text_bytes(json: &[u8]) -> u64 {
    let bytes = |finder: &'static LazyLock<Finder<'static>>| -> usize {
        values(json, finder).filter_map(string).map(<[u8]>::len).sum()
    };
    (bytes(&CONTENT) + bytes(&ARGUMENTS) + bytes(&TEXT)) as u64
}

/// What stands behind each `key:`, white space passed over.
fn values<'a>(json: &'a [u8], key: &'static Finder<'static>) -> impl Iterator<Item = &'a [u8]> {
    key.find_iter(json).filter_map(|at| {
        let behind = json[at + key.needle().len()..].trim_ascii_start();
        behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
    })
}

/// The inside of the string that `json` begins with.
fn string(json: &[u8]) -> Option<&[u8]> {
    if json.first() != Some(&b'"') {
        return None;
    }
    json.get(1..end_of_string(json, 1))
}

/// An answer, or a chunk of one, as far as accounting reads it.
#[derive(Deserialize)]
pub struct Accounted<'a> {
    /// Token counts.
    #[serde(default)]
    pub usage: Option<Tokens>,
    /// The choices of a chunk.
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default, borrow)]
    delta: Option<&'a RawValue>,
    #[serde(default, borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(default, borrow)]
    text: Option<&'a RawValue>,
}

impl Accounted<'_> {
    /// Whether no choice says anything: OpenAI sends no choices with the usage, LiteLLM an empty delta.
    pub fn says_nothing(&self) -> bool {
        self.choices.iter().flatten().all(|choice| {
            let silent = |value: Option<&RawValue>| value.is_none_or(|value| is_silent(value.get()));
            silent(choice.delta) && silent(choice.finish_reason) && silent(choice.text)
        })
    }
}

/// `null`, an empty string, an empty list, or an object whose members are silent.
fn is_silent(json: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Silent {
        Object(std::collections::HashMap<String, serde_json::Value>),
        Other(serde_json::Value),
    }
    let empty = |value: &serde_json::Value| {
        value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
    };
    match serde_json::from_str(json) {
        Ok(Silent::Object(members)) => members.iter().all(|(name, value)| name == "role" || empty(value)),
        Ok(Silent::Other(value)) => empty(&value),
        Err(_) => false,
    }
}

/// The usage of a whole answer, which nearly always stands near its end.
///
/// Where nothing but scalars stands behind it, and then the brace that closes the answer, it is the
/// answer's own; otherwise the whole answer is parsed.
pub fn whole_usage(json: &[u8]) -> Option<Tokens> {
    let last = LAST_USAGE.rfind(json)?;
    let object = json[last + LAST_USAGE.needle().len()..].trim_ascii_start();
    let object = object.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(object).into_iter::<Tokens>();
    if let Some(Ok(tokens)) = values.next() {
        let behind = object[values.byte_offset()..].trim_ascii();
        let closing = memchr::memchr3(b'{', b'}', b'[', behind);
        if closing.is_some_and(|at| at + 1 == behind.len() && behind[at] == b'}') {
            return Some(tokens);
        }
    }
    if may_have_usage(json) { serde_json::from_slice::<Accounted<'_>>(json).ok()?.usage } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::an_object(br#"{"usage": {"total_tokens":1}}"#, true)]
    #[case::null(br#"{"usage":null}"#, false)]
    #[case::a_text_that_says_so(br#"{"content":"usage"}"#, false)]
    #[case::an_escaped_text(br#"{"content":"\"usage\":{"}"#, false)]
    fn usage_is_found_as_a_key(#[case] json: &[u8], #[case] expected: bool) {
        assert_eq!(may_have_usage(json), expected);
    }

    #[rstest]
    #[case::no_space(br#"{"finish_reason":"stop"}"#, Some("stop"))]
    #[case::space(br#"{"finish_reason" : "length"}"#, Some("length"))]
    #[case::null(br#"{"finish_reason":null}"#, None)]
    #[case::the_second_choice(br#"[{"finish_reason":null},{"finish_reason":"stop"}]"#, Some("stop"))]
    fn the_finish_reason_is_read(#[case] json: &[u8], #[case] expected: Option<&str>) {
        assert_eq!(finish_reason(json), expected);
    }

    #[rstest]
    #[case::text(br#"{"delta":{"content":"hello"}}"#, 5)]
    #[case::spaced_text(br#"{"delta": {"content": "a \"b\""}}"#, 7)]
    #[case::reasoning(br#"{"delta":{"reasoning_content":"hm","content":null}}"#, 2)]
    #[case::arguments(br#"{"tool_calls":[{"function":{"arguments":"{\"a\":"}}]}"#, 7)]
    #[case::a_completion(br#"{"choices":[{"text":"abc"}]}"#, 3)]
    #[case::a_role(br#"{"delta":{"role":"assistant"}}"#, 0)]
    fn text_is_counted(#[case] json: &[u8], #[case] expected: u64) {
        assert_eq!(text_bytes(json), expected);
    }

    #[rstest]
    #[case::at_the_end(r#"{"choices":[],"usage":{"total_tokens":7}}"#, Some(7))]
    #[case::scalars_behind(r#"{"usage":{"total_tokens":7},"fp":null,"x":"y"}"#, Some(7))]
    #[case::choices_behind(r#"{"usage":{"total_tokens":7},"choices":[{"a":1}]}"#, Some(7))]
    #[case::another_one_inside(r#"{"usage":{"total_tokens":7},"x":{"usage":{"total_tokens":9}}}"#, Some(7))]
    #[case::only_inside(r#"{"x":{"usage":{"total_tokens":9}}}"#, None)]
    #[case::a_brace_in_a_string_behind(r#"{"usage":{"total_tokens":7},"x":"}"}"#, Some(7))]
    #[case::null(r#"{"usage":null}"#, None)]
    fn the_answers_own_usage_counts(#[case] json: &str, #[case] expected: Option<u64>) {
        assert_eq!(whole_usage(json.as_bytes()).map(|tokens| tokens.total_tokens), expected);
    }

    #[rstest]
    #[case::openai(r#"{"choices":[],"usage":{}}"#, true)]
    #[case::litellm(r#"{"choices":[{"index":0,"delta":{}}],"usage":{}}"#, true)]
    #[case::nulls(
        r#"{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#,
        true
    )]
    #[case::a_finish(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, false)]
    #[case::a_text(r#"{"choices":[{"delta":{"content":"x"}}]}"#, false)]
    #[case::a_tool(r#"{"choices":[{"delta":{"tool_calls":[{}]}}]}"#, false)]
    fn a_chunk_without_content_says_nothing(#[case] json: &str, #[case] expected: bool) {
        let chunk: Accounted<'_> = serde_json::from_str(json).expect("JSON");
        assert_eq!(chunk.says_nothing(), expected);
    }
}
