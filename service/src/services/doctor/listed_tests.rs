use super::super::examination::Examination;
use super::super::report::{Step, Verdict};
use super::super::testing;
use super::*;
use crate::adapters::{self, Refusal};
use bytes::Bytes;
use http::HeaderMap;
use rstest::rstest;

const JSON: &str = "application/json";
const LIST: &str = r#"{"data": [{"id": "gpt-a"}]}"#;

/// The steps that an answer makes, up to the first that fails.
fn steps(status: u16, content_type: &str, body: &str) -> Vec<Step> {
    let endpoint = testing::endpoint("http://llm.test/v1");
    let patient = testing::patient(&endpoint);
    let refusal = Refusal { status, headers: &HeaderMap::new(), body: body.as_bytes() };
    let refused = (status >= 400).then(|| adapters::refusal(&endpoint, &refusal));
    let body = Bytes::copy_from_slice(body.as_bytes());
    let answered = Answered { status, content_type: content_type.to_owned(), body, refused };
    let mut examination = Examination { patient, begins: &mut |_| {}, steps: Vec::new() };
    let read = async {
        let answered = examination.note(StepName::Http, patient.http(Ok(answered))).await?;
        examination.note(StepName::Credentials, patient.credentials(&answered)).await?;
        examination.note(StepName::Model, patient.listed(&answered)).await
    };
    let _as_far_as_it_came = futures_util::FutureExt::now_or_never(read).expect("nothing to wait for");
    examination.steps
}

#[rstest]
#[case::all_is_well(200, JSON, LIST, &[Verdict::Ok, Verdict::Ok, Verdict::Ok])]
#[case::a_web_page(200, "text/html", "<html>", &[Verdict::Failed])]
#[case::a_web_page_by_another_name(200, "text/plain", " <!doctype html>", &[Verdict::Failed])]
#[case::a_text(200, "text/plain", "hello", &[Verdict::Failed])]
#[case::json_that_is_no_list(200, JSON, r#"{"hello": "world"}"#, &[Verdict::Ok, Verdict::Ok, Verdict::Warning])]
#[case::a_redirect(302, JSON, "{}", &[Verdict::Failed])]
#[case::a_key_that_is_not_taken(401, JSON, "{}", &[Verdict::Ok, Verdict::Failed])]
#[case::a_key_without_the_right(403, JSON, "{}", &[Verdict::Ok, Verdict::Failed])]
#[case::a_server_without_a_list(404, JSON, "{}", &[Verdict::Warning, Verdict::Skipped, Verdict::Skipped])]
#[case::a_limited_rate(429, JSON, "{}", &[Verdict::Warning, Verdict::Skipped, Verdict::Skipped])]
#[case::a_server_that_fails(503, JSON, "{}", &[Verdict::Failed])]
#[case::a_model_that_is_not_listed(
    200, JSON, r#"{"data": [{"id": "gpt-b"}]}"#, &[Verdict::Ok, Verdict::Ok, Verdict::Failed])]
#[case::a_model_that_may_be_on_the_next_page(
    200, JSON, r#"{"data": [{"id": "gpt-b"}], "has_more": true}"#, &[Verdict::Ok, Verdict::Ok, Verdict::Warning])]
fn an_answer_says_how_server_key_and_model_are(
    #[case] status: u16,
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] expected: &[Verdict],
) {
    let steps = steps(status, content_type, body);
    let verdicts: Vec<_> = steps.iter().map(|step| step.verdict).collect();
    assert_eq!(verdicts, expected, "{steps:#?}");
    let is_wrong = |step: &&Step| step.verdict > Verdict::Ok;
    assert!(steps.iter().filter(is_wrong).all(|step| step.advice.is_some()), "{steps:#?}");
}

#[test]
fn near_models_are_told() {
    let steps = steps(200, JSON, r#"{"data": [{"id": "gpt-b"}, {"id": "other"}]}"#);
    let advice = steps[2].advice.as_deref();
    assert_eq!(advice, Some("Correct `litellm_params.model` (near it: gpt-b)."));
}

#[test]
fn our_key_is_taken_out_of_what_a_server_says() {
    let steps = steps(401, JSON, r#"{"error": {"message": "Incorrect API key provided: our-own-key"}}"#);
    let detail = &steps[1].detail;
    assert!(detail.contains("Incorrect API key provided: ***"), "{detail}");
}
