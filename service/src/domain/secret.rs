//! A string that never shows itself.

use std::fmt;

use serde::Deserialize;

/// A key or password. It prints as `***` in every format; only [`Secret::expose`] gives the text, so
/// that a search for that word finds every place where a secret leaves.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the wire, never for a log or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// `text` with every secret of `known`, and everything that looks like a vendor's key, replaced by
/// `***`: for upstream error bodies, which like to quote the key they refuse.
#[must_use]
pub fn redact(text: &str, known: &[&Secret]) -> String {
    let mut clean = text.to_owned();
    for secret in known.iter().filter(|secret| secret.0.len() >= 4) {
        clean = clean.replace(secret.expose(), "***");
    }
    redact_key_shapes(&clean)
}

/// Vendors' keys start with a known prefix and go on with at least eight key characters.
const KEY_PREFIXES: [&str; 7] = ["sk-", "sk_", "gsk_", "xai-", "AIza", "Bearer ", "key-"];

fn redact_key_shapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, prefix)) = first_prefix(rest) {
        let tail = &rest[at + prefix.len()..];
        let key_len = tail.bytes().take_while(|byte| is_key_byte(*byte)).count();
        out.push_str(&rest[..at]);
        out.push_str(prefix);
        let starts_a_word = !text_before(text, rest, at).is_some_and(|c| c.is_ascii_alphanumeric());
        if key_len >= 8 && starts_a_word {
            out.push_str("***");
        } else {
            out.push_str(&tail[..key_len]);
        }
        rest = &tail[key_len..];
    }
    out.push_str(rest);
    out
}

/// The character in front of `rest[at]`, of which `text` is the whole.
fn text_before(text: &str, rest: &str, at: usize) -> Option<char> {
    text[..text.len() - rest.len() + at].chars().next_back()
}

fn first_prefix(text: &str) -> Option<(usize, &'static str)> {
    let found = KEY_PREFIXES.iter().filter_map(|prefix| text.find(prefix).map(|at| (at, *prefix)));
    found.min_by_key(|(at, _)| *at)
}

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_secret_prints_as_stars_everywhere() {
        let secret = Secret::new("sk-very-secret");
        let json = serde_json::to_string(&secret).unwrap_or_default();
        assert_eq!(format!("{secret} {secret:?} {json}"), "*** *** \"***\"");
    }

    #[rstest]
    #[case::a_known_key("no such key: hunter2hunter2", "no such key: ***")]
    #[case::a_key_shape("Incorrect API key provided: sk-abcdef123456.", "Incorrect API key provided: sk-***")]
    #[case::a_bearer("got Bearer abcdefghijk instead", "got Bearer *** instead")]
    #[case::an_innocent_word("our task-management of key-s", "our task-management of key-s")]
    fn redaction_takes_keys_out_of_text(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(redact(text, &[&Secret::new("hunter2hunter2")]), expected);
    }
}
