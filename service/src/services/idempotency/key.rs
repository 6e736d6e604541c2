//! What a caller says of a request that it may repeat.
//!
//! Sources: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>,
//! <https://docs.stripe.com/api/idempotent_requests>. The draft writes the key as a quoted string, the field
//! as it is: the quotes are taken for a part of it.

use sha2::{Digest, Sha256};

use crate::domain::caller::Caller;
use crate::error::{Error, Result};
use crate::services::completion::Asked;

/// The header that names a request.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header that names the last event that a client had.
pub const LAST_EVENT_ID: &str = "last-event-id";

const MAX_KEY_LEN: usize = 255;

/// The name that a caller gave a request: another caller's same name is another request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    caller: Caller,
    name: Box<str>,
}

impl Key {
    /// The request that `caller` calls `name`.
    ///
    /// # Errors
    /// It is not 1 to 255 visible ASCII characters.
    pub fn new(caller: Caller, name: &[u8]) -> Result<Self> {
        let is_sane = (1..=MAX_KEY_LEN).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
        match str::from_utf8(name) {
            Ok(name) if is_sane => Ok(Self { caller, name: name.into() }),
            _ => {
                let message =
                    format!("`{IDEMPOTENCY_KEY}` must be 1 to {MAX_KEY_LEN} visible ASCII characters");
                Err(Error::invalid(IDEMPOTENCY_KEY, message).with_code("invalid_value"))
            }
        }
    }
}

/// How many events of the stream the caller had; none where it says nothing.
///
/// # Errors
/// It is no number.
pub fn events_had(last_event_id: &[u8]) -> Result<usize> {
    if last_event_id.is_empty() {
        return Ok(0);
    }
    let number = str::from_utf8(last_event_id).ok().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(|id| id.parse().ok()).ok_or_else(never_was)
}

/// What a caller is told that names an event that it cannot have had.
pub fn never_was() -> Error {
    let message = format!("`{LAST_EVENT_ID}` must be the id of an event of this answer");
    Error::invalid(LAST_EVENT_ID, message).with_code("unknown_event_id")
}

/// What a caller is told that wants the rest of an answer of which nothing is here.
pub fn nothing_to_resume() -> Error {
    let message = format!("there is no answer to resume: without `{LAST_EVENT_ID}` it is asked again");
    Error::invalid(LAST_EVENT_ID, message).with_code("nothing_to_resume")
}

/// What was asked: a repeat has to ask the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of operation, format and body, as the caller sent it.
    #[must_use]
    pub fn of(asked: &Asked) -> Self {
        let body = asked.original.as_ref().map_or(&asked.body, |original| &original.body);
        Self::of_parts(&format!("{:?} {:?}", asked.operation, asked.format), body)
    }

    /// Of what is asked for, a line, and how.
    pub(super) fn of_parts(what: &str, body: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(what).chain_update("\n").chain_update(body);
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const CALLER: Caller = Caller::of_key_hash([1; 32]);

    #[rstest]
    #[case::a_uuid(b"8e03978e-40d5-43e8-bc93-6894a57f9324", true)]
    #[case::quoted(b"\"8e03978e\"", true)]
    #[case::the_longest(&[b'k'; 255], true)]
    #[case::one_longer(&[b'k'; 256], false)]
    #[case::nothing(b"", false)]
    #[case::a_space(b"a b", false)]
    #[case::not_ascii("é".as_bytes(), false)]
    #[case::a_control_character(b"a\x7f", false)]
    fn a_key_is_visible_ascii(#[case] name: &[u8], #[case] expected: bool) {
        let key = Key::new(CALLER, name);
        assert_eq!(key.is_ok(), expected);
        assert!(key.is_ok() || key.is_err_and(|error| error.param() == Some("idempotency-key")));
    }

    #[test]
    fn the_same_name_of_another_caller_is_another_key() {
        let other = Caller::of_key_hash([2; 32]);
        assert_ne!(Key::new(CALLER, b"k"), Key::new(other, b"k"));
    }

    #[rstest]
    #[case::nothing(b"", Some(0))]
    #[case::a_number(b"17", Some(17))]
    #[case::a_word(b"last", None)]
    #[case::signed(b"+1", None)]
    #[case::too_large(b"99999999999999999999999", None)]
    fn the_last_events_id_is_a_number(#[case] id: &[u8], #[case] expected: Option<usize>) {
        assert_eq!(events_had(id).ok(), expected);
    }
}
