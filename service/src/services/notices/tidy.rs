//! What a notice may hold. Names of models come from callers, and codes from upstreams: both may be of any
//! length, and a thousand notices are kept.

use crate::domain::notice::{Notice, NoticeEvent};

/// Of a model's name, in bytes.
const LONGEST_NAME: usize = 200;

/// Of a code, in bytes.
const LONGEST_CODE: usize = 64;

/// What is told instead of an upstream's code that is none.
const OTHER: &str = "other";

/// The notice with names cut, and with nothing but codes as reasons.
pub fn tidy(notice: &Notice) -> Notice {
    let mut tidy = notice.clone();
    tidy.model.truncate(tidy.model.floor_char_boundary(LONGEST_NAME));
    match &mut tidy.event {
        NoticeEvent::Retry { reason, .. }
        | NoticeEvent::Failover { reason, .. }
        | NoticeEvent::Continued { reason, .. }
        | NoticeEvent::Outage { reason, .. } => {
            if !is_code(reason) {
                *reason = OTHER.into();
            }
        }
        NoticeEvent::Recovered { .. } => {}
    }
    tidy
}

/// Letters, digits and underscores: not a sentence, and not a key with its dashes.
fn is_code(reason: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=LONGEST_CODE).contains(&reason.len()) && reason.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn outage(reason: &str, model: &str) -> Notice {
        let event =
            NoticeEvent::Outage { endpoint: None, reason: reason.to_owned().into(), retry_after_ms: None };
        Notice { event, request_id: "r".into(), model: model.into() }
    }

    #[rstest]
    #[case::ours("upstream_timeout", "upstream_timeout")]
    #[case::azures("DeploymentNotFound", "DeploymentNotFound")]
    #[case::a_key("sk-proj-0123456789", OTHER)]
    #[case::a_sentence("The key AIza0123 is wrong", OTHER)]
    #[case::nothing("", OTHER)]
    #[case::a_flood(&"x".repeat(65), OTHER)]
    fn a_reason_is_a_code(#[case] reason: &str, #[case] expected: &str) {
        assert_eq!(tidy(&outage(reason, "m")), outage(expected, "m"));
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        let tidy = tidy(&outage("r", &"é".repeat(1_000_000)));
        assert_eq!(tidy.model, "é".repeat(100));
        let odd = super::tidy(&outage("r", &format!("a{}", "é".repeat(1000))));
        assert_eq!(odd.model, format!("a{}", "é".repeat(99)));
    }
}
