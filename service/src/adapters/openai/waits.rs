//! How long a refusal asks to wait.
//!
//! - <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
//! - `retry-after-ms` and `x-ratelimit-*`: <https://platform.openai.com/docs/guides/rate-limits>
//!
//! LiteLLM passes its provider's headers on with the prefix `llm_provider-`.

use std::time::Duration;

use http::HeaderMap;

use crate::error::RetryAfter;

/// Longer numbers of seconds in a reset header are no waits but times of day, as OpenRouter sends them.
const LONGEST_RESET_S: f64 = 7.0 * 86_400.0;

/// What the headers ask for: `retry-after-ms`, or `retry-after` in seconds or as a date.
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    ["", "llm_provider-"].into_iter().find_map(|prefix| {
        let text = |name| text(headers, prefix, name);
        let milliseconds = text("retry-after-ms").and_then(|text| delay(text, 0.001));
        milliseconds.or_else(|| text("retry-after").and_then(delay_or_date))
    })
}

/// What the words of OpenAI and Groq ask for: `Please try again in 7.66s.` Nearer than the limit's reset,
/// which is when all of it is there again.
pub fn in_words(message: &str) -> Option<RetryAfter> {
    let (_, wait) = message.split_once("try again in ")?;
    let wait = wait.split_whitespace().next()?.trim_end_matches('.');
    duration(wait).filter(|_| wait.ends_with(char::is_alphabetic)).map(RetryAfter::Delay)
}

/// When the limit that was hit is reset: `x-ratelimit-reset-requests`, `x-ratelimit-reset-tokens`, or
/// `x-ratelimit-reset` where there is only one.
pub fn limit_reset(headers: &HeaderMap) -> Option<RetryAfter> {
    ["", "llm_provider-"].into_iter().find_map(|prefix| {
        let reset =
            |what: &str| text(headers, prefix, &format!("x-ratelimit-reset{what}")).and_then(duration);
        let used_up =
            |what: &str| text(headers, prefix, &format!("x-ratelimit-remaining{what}")) == Some("0");
        let (requests, tokens) = (reset("-requests"), reset("-tokens"));
        let wait = match (used_up("-requests"), used_up("-tokens")) {
            (true, true) => requests.max(tokens),
            (true, false) => requests,
            // A request can need more tokens than there are left, so that not all of them are used up.
            (false, _) => tokens.or(requests),
        };
        wait.or_else(|| reset("")).map(RetryAfter::Delay)
    })
}

fn text<'a>(headers: &'a HeaderMap, prefix: &str, name: &str) -> Option<&'a str> {
    headers.get(format!("{prefix}{name}"))?.to_str().ok().map(str::trim)
}

fn delay(text: &str, unit_s: f64) -> Option<RetryAfter> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit_s).ok().map(RetryAfter::Delay)
}

fn delay_or_date(text: &str) -> Option<RetryAfter> {
    let is_date = text.ends_with("GMT") && text.contains(", ");
    if is_date { Some(RetryAfter::Date(text.to_owned())) } else { delay(text, 1.0) }
}

/// `6m0s`, `1.5s`, `20ms` as OpenAI and Groq write them, or seconds as Azure does.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        seconds += number.parse::<f64>().ok()? * unit_s(unit)?;
        rest = behind;
    }
    let is_wait = !text.is_empty() && seconds <= LONGEST_RESET_S;
    is_wait.then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

fn unit_s(unit: &str) -> Option<f64> {
    match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86_400.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const DATE: &str = "Wed, 21 Oct 2037 07:28:00 GMT";

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name: http::HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        });
        pairs.collect()
    }

    #[rstest]
    #[case::seconds("retry-after", "7", Some(RetryAfter::Delay(Duration::from_secs(7))))]
    #[case::milliseconds("retry-after-ms", "250", Some(RetryAfter::Delay(Duration::from_millis(250))))]
    #[case::of_litellms_provider(
        "llm_provider-retry-after",
        "7",
        Some(RetryAfter::Delay(Duration::from_secs(7)))
    )]
    #[case::a_date("retry-after", DATE, Some(RetryAfter::Date(DATE.to_owned())))]
    #[case::nonsense("retry-after", "soon", None)]
    #[case::negative("retry-after", "-1", None)]
    fn the_wait_is_read(#[case] name: &str, #[case] value: &str, #[case] expected: Option<RetryAfter>) {
        assert_eq!(retry_after(&headers(&[(name, value)])), expected);
    }

    #[rstest]
    #[case::seconds("1s", Some(1000))]
    #[case::minutes("6m0s", Some(360_000))]
    #[case::milliseconds("20ms", Some(20))]
    #[case::a_fraction("7.66s", Some(7660))]
    #[case::hours("1h2m3s", Some(3_723_000))]
    #[case::azures("10", Some(10_000))]
    #[case::a_time_of_day("1741305600000", None)]
    #[case::an_unknown_unit("3 parsecs", None)]
    #[case::no_number("s", None)]
    #[case::nothing("", None)]
    fn a_reset_is_read(#[case] text: &str, #[case] expected_ms: Option<u64>) {
        let expected = expected_ms.map(|ms| RetryAfter::Delay(Duration::from_millis(ms)));
        assert_eq!(limit_reset(&headers(&[("x-ratelimit-reset-tokens", text)])), expected);
    }

    #[rstest]
    #[case::requests("0", "12", 60)]
    #[case::tokens("3", "0", 2)]
    #[case::tokens_that_are_not_enough("3", "12", 2)]
    #[case::both("0", "0", 60)]
    fn the_limit_that_was_hit_says_how_long(
        #[case] requests: &str,
        #[case] tokens: &str,
        #[case] wait_s: u64,
    ) {
        let headers = headers(&[
            ("x-ratelimit-remaining-requests", requests),
            ("x-ratelimit-reset-requests", "1m0s"),
            ("x-ratelimit-remaining-tokens", tokens),
            ("x-ratelimit-reset-tokens", "2s"),
        ]);
        assert_eq!(limit_reset(&headers), Some(RetryAfter::Delay(Duration::from_secs(wait_s))));
    }

    #[rstest]
    #[case::milliseconds("Limit 200000. Please try again in 600ms. Visit https://x.", Some(600))]
    #[case::minutes("Please try again in 6m0.5s", Some(360_500))]
    #[case::later("Please try again in a moment.", None)]
    #[case::a_number_of_something("Try again in 5 seconds; try again in 5 minutes", None)]
    #[case::nothing("try again in ", None)]
    fn a_wait_in_words_is_read(#[case] message: &str, #[case] expected_ms: Option<u64>) {
        let expected = expected_ms.map(|ms| RetryAfter::Delay(Duration::from_millis(ms)));
        assert_eq!(in_words(message), expected);
    }

    #[test]
    fn a_single_limit_has_a_name_without_an_end() {
        let headers = headers(&[("x-ratelimit-reset", "3")]);
        assert_eq!(limit_reset(&headers), Some(RetryAfter::Delay(Duration::from_secs(3))));
    }
}
