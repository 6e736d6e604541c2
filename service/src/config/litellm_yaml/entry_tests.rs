use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::config::litellm_yaml::testing::{endpoint, entry, file, read_with};
use crate::domain::endpoint::{Provider, Share, UpstreamModel};
use crate::domain::secret::Secret;

#[rstest]
#[case::nothing_said("{}", None)]
#[case::nothing("{continues: }", None)]
#[case::yes("{continues: true}", Some(true))]
#[case::no("{continues: off}", Some(false))]
fn an_entry_says_whether_its_endpoint_goes_on_with_others_answers(
    #[case] own: &str,
    #[case] expected: Option<bool>,
) {
    let entry =
        format!("  - {{model_name: m, litellm_params: {{model: groq/x, api_key: x}}, llm_proxy: {own}}}");
    let configuration = file(&entry).expect("valid");
    let endpoint = &configuration.models.groups[1].endpoints[0];
    assert_eq!((endpoint.continues, endpoint.vendor), (expected, Some("groq")));
    assert_eq!(configuration.warnings.len(), 0);
}

#[test]
fn an_entry_says_what_becomes_of_streams_that_break_off_or_whose_callers_leave() {
    let entry = "  - {model_name: m, litellm_params: {model: groq/x, api_key: x},
       llm_proxy: {continue_streams: true, drain_cancelled_s: 2.5}}";
    let configuration = file(entry).expect("valid");
    let endpoint = &configuration.models.groups[1].endpoints[0];
    assert_eq!(
        (endpoint.continue_streams, endpoint.drain_cancelled),
        (true, Some(Duration::from_millis(2500)))
    );
}

#[rstest]
#[case::openai(
    "model: openai/gpt-5.4",
    "openai/gpt-5.4",
    Provider::Openai,
    "https://api.openai.com/v1",
    "gpt-5.4"
)]
#[case::a_compatible_vendor(
    "model: groq/llama-3, api_key: x",
    "groq/llama-3",
    Provider::Openai,
    "https://api.groq.com/openai/v1",
    "llama-3"
)]
#[case::an_own_server(
    "model: hosted_vllm/meta/llama, api_base: \"http://vllm:8000/v1\"",
    "hosted_vllm/meta/llama",
    Provider::Openai,
    "http://vllm:8000/v1",
    "meta/llama"
)]
#[case::by_base_url(
    "model: openai/x, base_url: \"http://vllm:8000/v1/\"",
    "openai/x",
    Provider::Openai,
    "http://vllm:8000/v1",
    "x"
)]
#[case::azure(
    "model: azure/deployment, api_key: x, api_base: \"https://x.openai.azure.com\"",
    "azure/deployment",
    Provider::Azure,
    "https://x.openai.azure.com",
    "deployment"
)]
#[case::ollama(
    "model: ollama_chat/llama3.2",
    "ollama_chat/llama3.2",
    Provider::Ollama,
    "http://localhost:11434",
    "llama3.2"
)]
#[case::a_custom_provider(
    "model: some/model, custom_llm_provider: openai",
    "openai/some/model",
    Provider::Openai,
    "https://api.openai.com/v1",
    "some/model"
)]
#[case::a_reply_of_its_own(
    "model: openai/canned, mock_response: Hello",
    "mock/canned",
    Provider::Mock,
    "http://mock.invalid",
    "canned"
)]
fn an_entry_is_an_endpoint(
    #[case] params: &str,
    #[case] name: &str,
    #[case] provider: Provider,
    #[case] url: &str,
    #[case] model: &str,
) {
    let endpoint = endpoint(params).expect("an endpoint");
    assert_eq!((endpoint.name.as_str(), endpoint.provider), (name, provider));
    assert_eq!(endpoint.url.to_string(), url);
    assert_eq!(endpoint.model, UpstreamModel::Named(model.to_owned()));
}

#[rstest]
#[case::its_own("api_key: sk-own", Some("sk-own"))]
#[case::a_reference("api_key: os.environ/SECRET", Some("sk-own"))]
#[case::its_vendors_variable("timeout: 3", Some("sk-openai"))]
#[case::a_number("api_key: 1234", Some("1234"))]
fn a_key_is_its_own_or_its_vendors(#[case] params: &str, #[case] key: Option<&str>) {
    let endpoint = endpoint(&format!("model: openai/x, {params}")).expect("an endpoint");
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), key);
}

#[test]
fn everything_an_endpoint_can_say_is_read() {
    let params = "model: azure/d, api_key: k, api_base: \"https://a.example\", api_version: 2024-10-21, \
                  organization: org-1, extra_headers: {x-team: blue}, headers: {x-old: \"1\"}, rpm: 10, tpm: 2000, \
                  weight: 0.5, order: 2, temperature: 0.7, max_tokens: 64, top_k: 4, extra_body: {guided_choice: [a]}, \
                  max_parallel_requests: 7,
                  drop_params: yes, additional_drop_params: [user], stop: [x]";
    let endpoint = endpoint(params).expect("an endpoint");
    assert_eq!(endpoint.api_version.as_deref(), Some("2024-10-21"));
    let headers: Vec<_> = endpoint
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
        .collect();
    assert_eq!(headers, [("x-old", "1"), ("x-team", "blue"), ("openai-organization", "org-1")]);
    assert!(endpoint.headers.iter().all(|(_, value)| value.is_sensitive()));
    let share =
        Share { order: Some(2), weight: Some(0.5), rpm: Some(10), tpm: Some(2000), max_parallel: Some(7) };
    assert_eq!(endpoint.share, share);
    let defaults =
        json!({"temperature": 0.7, "max_tokens": 64, "top_k": 4, "stop": ["x"], "guided_choice": ["a"]});
    assert_eq!(serde_json::Value::from(endpoint.params.defaults.clone()), defaults);
    assert_eq!(endpoint.params.dropped, ["user"]);
    assert!(endpoint.params.drop_unsupported && endpoint.streams);
}

#[test]
fn a_canned_reply_goes_to_the_mock() {
    let endpoint = endpoint("model: gpt-5.4, mock_response: \"One, two.\"").expect("an endpoint");
    assert_eq!(endpoint.params.defaults.get("mock_response"), Some(&json!("One, two.")));
}

#[rstest]
#[case::the_same_star("openai/*", "openai/*", "*")]
#[case::a_lone_star("*", "*", "*")]
#[case::a_star_for_everything("*", "openai/*", "*")]
#[case::inside("my-*", "openai/gpt-*-mini", "gpt-*-mini")]
fn a_star_stands_for_what_the_public_star_stands_for(
    #[case] name: &str,
    #[case] model: &str,
    #[case] pattern: &str,
) {
    let configuration = entry(name, &format!("model: \"{model}\"")).expect("valid");
    let group = &configuration.models.groups[0];
    assert_eq!(group.name, name);
    assert_eq!(group.endpoints[0].model, UpstreamModel::Pattern(pattern.to_owned()));
}

#[rstest]
#[case::no_model("api_key: x", "c.yaml:2: `litellm_params.model` of `m` is missing")]
#[case::no_scheme(
    "model: openai/x, api_base: \"vllm:8000\"",
    "c.yaml:4: `api_base` has to be an absolute http:// or https:// URL without query or credentials; its scheme is missing"
)]
#[case::a_star_without_a_public_one(
    "model: openai/*",
    "c.yaml:4: `litellm_params.model` has to be a name, or a pattern with one `*` where `model_name` has one"
)]
#[case::a_timeout(
    "model: openai/x, timeout: soon",
    "c.yaml:4: `litellm_params.timeout` has to be seconds, more than 0 and at most 86400"
)]
#[case::no_timeout(
    "model: openai/x, stream_timeout: 0",
    "c.yaml:4: `litellm_params.stream_timeout` has to be seconds, more than 0 and at most 86400"
)]
#[case::a_rate(
    "model: openai/x, rpm: -1",
    "c.yaml:4: `litellm_params.rpm` has to be a whole number, 0 or more"
)]
#[case::a_weight(
    "model: openai/x, weight: heavy",
    "c.yaml:4: `litellm_params.weight` has to be a number, 0 or more"
)]
#[case::an_order(
    "model: openai/x, order: 5000000000",
    "c.yaml:4: `litellm_params.order` has to be a small whole number, 0 or more"
)]
#[case::a_flag(
    "model: openai/x, drop_params: maybe",
    "c.yaml:4: `litellm_params.drop_params` has to be true or false"
)]
#[case::a_headers_name(
    "model: openai/x, extra_headers: {a b: c}",
    "c.yaml:4: `litellm_params.extra_headers.a b` is no name of a header"
)]
#[case::a_headers_value(
    "model: openai/x, extra_headers: {a: \"b\\nc\"}",
    "c.yaml:4: `litellm_params.extra_headers.a` has to be one line of visible characters"
)]
#[case::a_reply(
    "model: openai/x, mock_response: {a: b}",
    "c.yaml:4: `litellm_params.mock_response` has to be a text"
)]
#[case::a_key_twice(
    "model: openai/x, model: openai/y",
    "c.yaml:4: `model` stands here again: it is set in line 4 already"
)]
fn a_wrong_entry_is_one_line_with_its_place(#[case] params: &str, #[case] expected: &str) {
    assert_eq!(endpoint(params).expect_err("wrong"), expected);
}

#[rstest]
#[case::a_reference(
    "model: openai/x, api_key: os.environ/NO_KEY",
    "`openai/x` of `m` is left out: NO_KEY is not set"
)]
#[case::an_address(
    "model: openai/x, api_base: os.environ/NO_URL",
    "`openai/x` of `m` is left out: NO_URL is not set"
)]
#[case::a_reference_deep_inside(
    "model: openai/x, extra_headers: {a: os.environ/NO_KEY}",
    "`openai/x` of `m` is left out: NO_KEY is not set"
)]
#[case::the_model("model: os.environ/NO_MODEL", "`m` is left out: NO_MODEL is not set")]
#[case::an_empty_key("model: openai/x, api_key: \"\"", "`openai/x` of `m` is left out: its key is empty")]
#[case::a_vendors_variable("model: groq/x", "`groq/x` of `m` is left out: GROQ_API_KEY is not set")]
#[case::several_variables("model: perplexity/x", "none of PERPLEXITYAI_API_KEY, PERPLEXITY_API_KEY is set")]
#[case::no_address("model: hosted_vllm/x", "it has no `api_base`, and HOSTED_VLLM_API_BASE is not set")]
#[case::another_format(
    "model: bedrock/x",
    "`bedrock/x` of `m` is left out: the provider bedrock is not supported"
)]
#[case::a_typo("model: opnai/x", "`opnai` is no provider that is known here")]
#[case::no_provider("model: my-model", "its name says no provider: put one before it, as in openai/NAME")]
fn an_endpoint_that_cannot_be_used_is_left_out_with_its_line(#[case] params: &str, #[case] expected: &str) {
    let rest = format!("  - model_name: m\n    litellm_params:\n      {{{params}}}\n");
    let configuration = file(&rest).expect("`ok` is left");
    let left_out: Vec<String> = configuration.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert!(
        left_out[0].starts_with("c.yaml:7: the endpoint ") && left_out[0].contains(expected),
        "{left_out:?}"
    );
    let names: Vec<&str> = configuration.models.groups.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["ok"]);
}

#[test]
fn a_reference_that_means_nothing_here_leaves_nothing_out() {
    let endpoint =
        endpoint("model: openai/x, langfuse_secret: os.environ/NO_KEY, aws_region_name: os.environ/NO");
    assert!(endpoint.is_ok(), "{endpoint:?}");
}

#[test]
fn entries_of_one_name_are_one_model_with_names_that_tell_them_apart() {
    let entry = |host: &str| {
        format!(
            "  - {{model_name: ok, litellm_params: {{model: openai/gpt-ok, api_key: k, api_base: \"http://{host}\"}}}}\n"
        )
    };
    let named =
        "  - {model_name: ok, model_info: {id: 7 b}, litellm_params: {model: openai/gpt-ok, api_key: k}}\n";
    let configuration = file(&format!("{}{}{named}", entry("a"), entry("a"))).expect("valid");
    let [model] = configuration.models.groups.as_slice() else { panic!("{:?}", configuration.models.groups) };
    let names: Vec<&str> = model.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    assert_eq!(names, ["openai/gpt-ok@api.openai.com", "openai/gpt-ok@a", "openai/gpt-ok@a#2", "7-b"]);
}

#[test]
fn a_credential_fills_what_an_entry_leaves_open() {
    let text = "credential_list:\n- credential_name: shared\n  credential_values: {api_key: sk-shared, api_base: \"http://shared/v1\"}\n\
                model_list:\n- model_name: m\n  litellm_params: {model: openai/x, api_base: \"http://own/v1\", litellm_credential_name: shared}\n";
    let endpoint = Arc::clone(&read_with(text, &[]).expect("valid").models.groups[0].endpoints[0]);
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), Some("sk-shared"));
    assert_eq!(endpoint.url.to_string(), "http://own/v1");
}
