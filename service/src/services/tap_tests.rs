use super::*;
use crate::domain::endpoint::{Deadlines, Provider};
use rstest::rstest;
use std::time::Duration;

fn endpoint() -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    Endpoint::new("up", Provider::Litellm, "http://up".parse().expect("a URL"), deadlines)
}

fn pass(usage_event: UsageEvent, whole: &str) -> (Tap, Passed) {
    let mut tap = Tap::new(usage_event);
    let passed = tap.pass(&endpoint(), Bytes::copy_from_slice(whole.as_bytes()));
    (tap, passed)
}

const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
const FINISH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn a_buffer_of_which_all_goes_on_is_not_copied() {
    let whole = Bytes::from([TEXT, FINISH, DONE].concat());
    let passed = Tap::new(UsageEvent::Hidden).pass(&endpoint(), whole.clone());
    assert_eq!(passed.forward.as_ptr(), whole.as_ptr());
    assert_eq!(passed.forward.len(), whole.len());
    assert_eq!(passed.end, Some(Ok(())));
}

#[rstest]
#[case::wanted(UsageEvent::Wanted, [TEXT, FINISH, USAGE, DONE].concat())]
#[case::hidden(UsageEvent::Hidden, [TEXT, FINISH, DONE].concat())]
fn usage_is_seen_and_passed_on_only_where_it_was_asked_for(
    #[case] event: UsageEvent,
    #[case] expected: String,
) {
    let (tap, passed) = pass(event, &[TEXT, FINISH, USAGE, DONE].concat());
    assert_eq!(passed.forward, expected);
    assert_eq!(tap.seen.tokens.map(|tokens| tokens.total_tokens), Some(3));
    assert_eq!(tap.seen.finish_reason.as_deref(), Some("stop"));
    assert_eq!(tap.seen.relayed, Relayed { deltas: 1, text_bytes: 5 });
}

#[test]
fn what_follows_done_is_dropped() {
    let (_, passed) = pass(UsageEvent::Hidden, &[TEXT, DONE, TEXT].concat());
    assert_eq!(passed.forward, [TEXT, DONE].concat());
}

#[rstest]
#[case::plain("data: {\"error\":{\"message\":\"boom\",\"code\":\"x\"}}\n\n", "boom")]
#[case::spaced("data: {\"error\": {\"message\": \"boom\"}}\n\n", "boom")]
#[case::an_error_event("event: error\ndata: {\"error\":{\"message\":\"boom\"}}\n\n", "boom")]
#[case::an_error_event_without_words(
    "event: error\ndata: {}\n\n",
    "up reported an error in the middle of its answer"
)]
fn an_error_in_the_stream_ends_it(#[case] event: &str, #[case] message: &str) {
    let (_, passed) = pass(UsageEvent::Hidden, &[TEXT, event, DONE].concat());
    assert_eq!(passed.forward, TEXT);
    let error = passed.end.expect("an end").expect_err("an error");
    assert_eq!((error.kind(), error.message()), (Kind::UpstreamFailure, message));
}

#[test]
fn a_text_about_errors_is_no_error() {
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"error\"}}],\"error\":null}\n\n";
    let (_, passed) = pass(UsageEvent::Hidden, event);
    assert_eq!((passed.forward.len(), passed.end), (event.len(), None));
}

#[rstest]
#[case::cut_json("data: {\"choices\":[{\"delta\":{\"cont\n\n")]
#[case::no_json("data: {oops}\n\n")]
#[case::html("<html>busy</html>\n\n")]
#[case::bare_json("{\"choices\":[]}\n\n")]
fn a_malformed_event_ends_the_stream(#[case] event: &str) {
    let (_, passed) = pass(UsageEvent::Hidden, &[TEXT, event].concat());
    assert_eq!(passed.forward, TEXT);
    assert_eq!(passed.end.expect("an end").expect_err("an error").kind(), Kind::MalformedAnswer);
}

#[rstest]
#[case::a_comment(": ping\n\n")]
#[case::crlf("data: {\"choices\":[]}\r\n\r\n")]
#[case::lines("data: {\"choices\":\ndata: []}\n\n")]
#[case::an_id("id: 1\ndata: {\"choices\":[]}\n\n")]
fn unusual_events_go_on_as_they_came(#[case] event: &str) {
    let (_, passed) = pass(UsageEvent::Hidden, &[event, TEXT].concat());
    assert_eq!((passed.forward, passed.end), (Bytes::from([event, TEXT].concat()), None));
}
