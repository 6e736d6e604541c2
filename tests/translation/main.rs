//! Every provider's wire format, from the fixtures in `tests/fixtures/<provider>/<scenario>/`.
//!
//! A scenario is a folder of what its vendor documents, and of the goldens (`*.snap`, written by
//! `INSTA_UPDATE=always`, read before they are committed):
//!
//! | file | |
//! |---|---|
//! | `request.json` | a caller's request in OpenAI's form |
//! | `endpoint.json` | what is unusual about the endpoint: `url`, `model`, `api_version`, `drop_params` |
//! | `response.json` | the vendor's answer, not streamed |
//! | `stream.sse`, `stream.ndjson` | the vendor's stream of the same answer |
//! | `refusal.json` | the vendor's refusal: `status`, `headers`, `body` |
//!
//! Each stream says the same however its bytes are cut and framed, and the same as the whole answer.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod framings;
mod ollama_client;
mod scenario;

use std::path::PathBuf;

use llm_proxy::domain::delta::ChatAnswer;
use rstest::rstest;
use scenario::Scenario;

#[rstest]
fn a_request_is_the_vendors(#[files("../tests/fixtures/*/*/request.json")] request: PathBuf) {
    let scenario = Scenario::of(&request);
    scenario.assert_golden("call", &scenario.call(false));
    if let Some(changes) = scenario.call_changes_for_a_stream() {
        scenario.assert_golden("call_streamed", &changes);
    }
}

#[rstest]
fn an_answer_says_what_the_vendor_said(#[files("../tests/fixtures/*/*/response.json")] response: PathBuf) {
    let scenario = Scenario::of(&response);
    scenario.assert_golden("answer", &scenario.rendered_answer());
}

#[rstest]
fn a_stream_says_what_the_vendor_said(#[files("../tests/fixtures/*/*/stream.[sn][sd]*")] stream: PathBuf) {
    let scenario = Scenario::of(&stream);
    scenario.assert_golden("stream", &scenario.rendered_stream());
}

#[rstest]
fn a_stream_says_the_same_as_the_whole_answer(
    #[files("../tests/fixtures/*/*/response.json")] response: PathBuf,
) {
    let scenario = Scenario::of(&response);
    if scenario.has_stream() {
        let (deltas, end) = scenario.read(&[&scenario.stream()]);
        assert_eq!(end, Ok(()), "the stream is not complete");
        assert_eq!(ChatAnswer::of(deltas), ChatAnswer::of(scenario.deltas().expect("an answer")));
    }
}

#[rstest]
fn a_stream_says_the_same_however_it_is_cut_and_framed(
    #[files("../tests/fixtures/*/*/stream.[sn][sd]*")] stream: PathBuf,
) {
    let scenario = Scenario::of(&stream);
    let expected = scenario.read(&[&scenario.stream()]);
    for (at_name, (name, bytes)) in framings::all(&scenario).into_iter().enumerate() {
        // As it is, everywhere; framed otherwise, where the framing is.
        let is_worth_it = |at: &usize| at_name == 0 || framings::is_near_a_line_end(&bytes, *at);
        for at in (0..=bytes.len()).filter(is_worth_it) {
            let read = scenario.read(&[&bytes[..at], &bytes[at..]]);
            assert_eq!(read, expected, "{name}, cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(scenario.read(&single), expected, "{name}, byte by byte");
    }
}

#[rstest]
fn a_stream_that_is_cut_anywhere_is_never_complete(
    #[files("../tests/fixtures/*/*/stream.[sn][sd]*")] stream: PathBuf,
) {
    let scenario = Scenario::of(&stream);
    let bytes = scenario.stream();
    let whole = scenario.read(&[&bytes]);
    for at in 0..bytes.len() {
        let (said, end) = scenario.read(&[&bytes[..at]]);
        let answer = |deltas| ChatAnswer::of(deltas);
        assert!(end.is_err() || answer(said) == answer(whole.0.clone()), "cut at {at}: complete");
    }
}

#[rstest]
fn a_refusal_says_whose_fault_it_is(#[files("../tests/fixtures/*/*/refusal.json")] refusal: PathBuf) {
    let scenario = Scenario::of(&refusal);
    scenario.assert_golden("refusal", &scenario.refusal());
}
