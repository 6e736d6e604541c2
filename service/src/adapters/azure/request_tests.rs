use super::*;
use crate::adapters::testing;
use crate::domain::call::{Call, HttpCall};
use crate::domain::endpoint::Provider;
use crate::domain::envelope::{Envelope, Operation};
use bytes::Bytes;
use rstest::rstest;

fn asked(url: &str, version: Option<&str>, model: &str, operation: Operation, body: &str) -> HttpCall {
    let mut endpoint = testing::endpoint(Provider::Azure, url);
    endpoint.api_version = version.map(str::to_owned);
    let body = Bytes::copy_from_slice(body.as_bytes());
    let envelope = Envelope::parse(operation, &body).expect("valid");
    let ask = Ask {
        operation,
        body: &body,
        envelope: &envelope,
        original: None,
        model,
        request_id: "r-1",
        headers: &[],
    };
    let prepared = prepare(&endpoint, &ask).expect("a call");
    let Call::Http(call) = prepared.call else { panic!("{prepared:?}") };
    call
}

fn chat(url: &str, version: Option<&str>, model: &str) -> HttpCall {
    asked(url, version, model, Operation::Chat, r#"{"model":"m","messages":[{"role":"user"}]}"#)
}

const RESOURCE: &str = "https://r.openai.azure.com";

#[rstest]
#[case::the_newest_version("", None, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21")]
#[case::no_version("", Some(""), "/openai/deployments/gpt/chat/completions?api-version=2024-10-21")]
#[case::a_version(
    "",
    Some("2025-04-01-preview"),
    "/openai/deployments/gpt/chat/completions?api-version=2025-04-01-preview"
)]
#[case::openai_in_the_base(
    "/openai",
    None,
    "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
)]
#[case::a_gateway(
    "/team/llm",
    None,
    "/team/llm/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
)]
#[case::a_deployment_in_the_base(
    "/openai/deployments/other",
    None,
    "/openai/deployments/other/chat/completions?api-version=2024-10-21"
)]
#[case::v1("", Some("v1"), "/openai/v1/chat/completions")]
#[case::the_latest("", Some("latest"), "/openai/v1/chat/completions")]
#[case::a_preview("", Some("preview"), "/openai/v1/chat/completions?api-version=preview")]
#[case::v1_in_the_base("/openai/v1", None, "/openai/v1/chat/completions")]
#[case::v1_in_the_base_and_a_date("/openai/v1", Some("2024-10-21"), "/openai/v1/chat/completions")]
#[case::a_preview_in_the_base(
    "/openai/v1",
    Some("preview"),
    "/openai/v1/chat/completions?api-version=preview"
)]
#[case::v1_behind_openai("/openai", Some("v1"), "/openai/v1/chat/completions")]
fn the_path_is_that_of_the_api(#[case] base: &str, #[case] version: Option<&str>, #[case] expected: &str) {
    assert_eq!(chat(&format!("{RESOURCE}{base}"), version, "gpt").uri, expected);
}

#[rstest]
#[case::escaped("my gpt/4?é", "my%20gpt%2F4%3F%C3%A9")]
#[case::unreserved("gpt-4.1_a~b", "gpt-4.1_a~b")]
#[case::of_a_family("o_series/thinker", "thinker")]
fn a_deployment_is_one_segment_of_the_path(#[case] model: &str, #[case] segment: &str) {
    let expected = format!("/openai/deployments/{segment}/chat/completions?api-version=2024-10-21");
    assert_eq!(chat(RESOURCE, None, model).uri, expected.as_str());
}

#[rstest]
#[case::completions(Operation::Completions, r#"{"prompt":"a"}"#, "completions")]
#[case::embeddings(Operation::Embeddings, r#"{"input":"a"}"#, "embeddings")]
fn every_operation_has_its_path(#[case] operation: Operation, #[case] body: &str, #[case] path: &str) {
    let expected = format!("/openai/deployments/gpt/{path}?api-version=2024-10-21");
    assert_eq!(asked(RESOURCE, None, "gpt", operation, body).uri, expected.as_str());
}

#[test]
fn the_key_goes_out_as_azures_and_is_marked_sensitive() {
    let headers = chat(RESOURCE, None, "gpt").headers;
    let key = headers.iter().find(|(name, _)| name == "api-key").map(|(_, value)| value);
    assert!(key.is_some_and(|key| key == "hunter2hunter2" && key.is_sensitive()), "{headers:?}");
    assert!(headers.iter().all(|(name, _)| name != "authorization"), "{headers:?}");
}

#[rstest]
#[case::a_version_that_can(Some("2024-09-01-preview"), true)]
#[case::an_older_one(Some("2024-06-01"), false)]
#[case::v1(Some("v1"), true)]
fn usage_is_asked_for_where_the_version_can_report_it(
    #[case] version: Option<&str>,
    #[case] asked_for: bool,
) {
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user"}]}"#;
    let call = asked(RESOURCE, version, "gpt", Operation::Chat, body);
    let sent = String::from_utf8(call.body.to_vec()).expect("UTF-8");
    assert_eq!(sent.contains("include_usage"), asked_for, "{sent}");
    assert!(sent.contains(r#""model":"gpt""#), "{sent}");
}
