use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::endpoints::Configuration;
use crate::domain::endpoint::{Provider, Share, UpstreamModel};
use crate::domain::model::{Alias, Strategy};
use rstest::rstest;
use serde_json::json;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SETTINGS: Deadlines = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };

fn read_with(text: &str, pairs: &[(&str, &str)]) -> Result<Configuration, String> {
    let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    super::super::endpoints::read(Path::new("c.yaml"), text, &variables, SETTINGS)
        .map_err(|error| error.to_string())
}

/// With a usable model `ok` in front, in the lines 2 to 4.
fn file(rest: &str) -> Result<Configuration, String> {
    let first = "model_list:\n  - model_name: ok\n    litellm_params:\n      {model: openai/gpt-ok, api_key: sk-ok}\n";
    read_with(&format!("{first}{rest}"), &[])
}

/// The one endpoint of an entry with these `litellm_params`, in flow style in line 4.
fn endpoint(params: &str) -> Result<Arc<Endpoint>, String> {
    entry("m", params).map(|configuration| Arc::clone(&configuration.models.groups[0].endpoints[0]))
}

fn entry(name: &str, params: &str) -> Result<Configuration, String> {
    let text = format!("model_list:\n  - model_name: \"{name}\"\n    litellm_params:\n      {{{params}}}\n");
    read_with(&text, &[("OPENAI_API_KEY", "sk-openai"), ("SECRET", "sk-own")])
}

fn warnings(configuration: &Configuration) -> Vec<String> {
    configuration.warnings.iter().map(ToString::to_string).collect()
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
    let share = Share { order: Some(2), weight: Some(0.5), rpm: Some(10), tpm: Some(2000) };
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
#[case::not_yaml("model_list: [", "this is no YAML")]
#[case::a_text("hello", "`the file` has to be a mapping")]
#[case::no_list("model_list: {a: b}", "`model_list` has to be a list")]
#[case::an_entry_of_text("model_list: [a]", "`an entry of model_list` has to be a mapping")]
#[case::no_name("model_list: [{litellm_params: {model: x}}]", "an entry of model_list has no `model_name`")]
#[case::no_params("model_list: [{model_name: x}]", "an entry of model_list has no `litellm_params`")]
#[case::two_stars(
    "model_list: [{model_name: \"a*b*\", litellm_params: {model: x}}]",
    "`model_name` has to be a name with one"
)]
fn a_wrong_file_is_one_line_with_its_place(#[case] text: &str, #[case] expected: &str) {
    let error = read_with(text, &[]).expect_err("wrong");
    assert!(error.starts_with("c.yaml:1: ") && error.contains(expected), "{error}");
    assert!(!error.contains('\n'), "{error}");
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

#[rstest]
#[case::nothing("", "c.yaml: no endpoint is left: none is configured")]
#[case::an_empty_list("model_list: []", "c.yaml: no endpoint is left: none is configured")]
#[case::no_secret(
    "model_list:\n- {model_name: a, litellm_params: {model: openai/a}}\n- {model_name: b, litellm_params: {model: xai/b, api_key: os.environ/B}}",
    "c.yaml: no endpoint is left: 2 left out; not set: OPENAI_API_KEY, B"
)]
#[case::another_format(
    "model_list:\n- {model_name: a, litellm_params: {model: bedrock/a}}",
    "c.yaml: no endpoint is left: 1 left out; c.yaml:2: the endpoint `bedrock/a` of `a` is left out: the provider bedrock is not supported"
)]
fn a_file_that_leaves_no_endpoint_says_what_is_missing(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(read_with(text, &[]).expect_err("nothing is left"), expected);
}

#[rstest]
#[case::at_the_top("callback_settings: {a: b}", "c.yaml:5: `callback_settings` is not supported: ignored")]
#[case::a_section(
    "litellm_settings:\n  callbacks: [otel]",
    "c.yaml:6: `litellm_settings.callbacks` is not supported: ignored"
)]
#[case::of_the_router(
    "router_settings: {allowed_fails: 3}",
    "c.yaml:5: `router_settings.allowed_fails` is not supported: ignored"
)]
#[case::general(
    "general_settings: {database_url: x}",
    "c.yaml:5: `general_settings.database_url` is not supported: ignored"
)]
#[case::a_strategy(
    "router_settings: {routing_strategy: cost-based-routing}",
    "c.yaml:5: `router_settings.routing_strategy`: cost-based-routing is not supported: simple-shuffle is used"
)]
#[case::an_unset_key(
    "general_settings: {master_key: os.environ/NO}",
    "c.yaml:5: `general_settings.master_key` is ignored: NO is not set"
)]
#[case::an_entry(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x}, blocked: true}",
    "c.yaml:5: `blocked` of `m` is not supported: ignored"
)]
#[case::a_parameter(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, max_retries: 3}}",
    "c.yaml:5: `litellm_params.max_retries` is not supported: ignored"
)]
#[case::an_unknown_parameter(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, tempratur: 3}}",
    "c.yaml:5: `litellm_params.tempratur` is unknown: it goes to the provider with every request"
)]
#[case::a_path_to_drop(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, additional_drop_params: [\"tools[*].x\"]}}",
    "c.yaml:5: `litellm_params.additional_drop_params`: only whole members are left out, `tools[*].x` is ignored"
)]
#[case::prices(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, input_cost_per_token: 1, output_cost_per_token: 2}}",
    "c.yaml:5: `litellm_params.input_cost_per_token` (and 1 more prices) is for LiteLLM's accounting: ignored"
)]
#[case::a_credential(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, litellm_credential_name: c}}",
    "c.yaml:5: `litellm_credential_name` names `c`, which is not in `credential_list`"
)]
#[case::a_bare_gemini(
    "  - {model_name: m, litellm_params: {model: gemini-2.5-flash, api_key: x}}",
    "c.yaml:5: `gemini-2.5-flash`: without a prefix"
)]
#[case::an_egress(
    "llm_proxy: {egress: {direct: {}}}",
    "c.yaml:5: `llm_proxy.egress` has no effect in this version"
)]
#[case::an_egress_of_an_entry(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x}, llm_proxy: {egress: direct}}",
    "c.yaml:5: `llm_proxy.egress` has no effect in this version"
)]
#[case::a_fallback(
    "router_settings: {default_fallbacks: [no]}",
    "c.yaml:5: `router_settings.default_fallbacks` names `no`, but it is not in `model_list`: ignored"
)]
#[case::a_fallback_of_nobody(
    "litellm_settings: {fallbacks: [{no: [ok]}]}",
    "c.yaml:5: `litellm_settings.fallbacks` names `no`, but it is not in `model_list`: ignored"
)]
#[case::a_second_list(
    "router_settings: {fallbacks: [{ok: [ok]}, {ok: [ok]}]}",
    "c.yaml:5: `router_settings.fallbacks` lists `ok` again: only its first list counts"
)]
#[case::an_alias(
    "router_settings: {model_group_alias: {a: no}}",
    "c.yaml:5: `router_settings.model_group_alias` names `no`, but it is not in `model_list`: ignored"
)]
#[case::an_alias_of_itself(
    "router_settings: {model_group_alias: {ok: ok}}",
    "c.yaml:5: `router_settings.model_group_alias.ok` is the name of a model as well: ignored"
)]
#[case::a_role(
    "llm_proxy: {roles: {summarizer: no}}",
    "c.yaml:5: `llm_proxy.roles.summarizer` names `no`, but it is not in `model_list`: ignored"
)]
fn what_is_not_supported_is_named_with_its_line(#[case] rest: &str, #[case] expected: &str) {
    let configuration = file(rest).expect("valid");
    let warnings = warnings(&configuration);
    assert!(warnings.iter().any(|warning| warning.starts_with(expected)), "{warnings:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[rstest]
#[case::a_strategy(
    "router_settings: {routing_strategy: fastest}",
    "`router_settings.routing_strategy` has to be one of simple-shuffle,"
)]
#[case::retries(
    "router_settings: {num_retries: 1000}",
    "`router_settings.num_retries` has to be a whole number from 0 to 100"
)]
#[case::a_timeout(
    "litellm_settings: {request_timeout: -1}",
    "`litellm_settings.request_timeout` has to be seconds"
)]
#[case::fallbacks("router_settings: {fallbacks: {ok: ok}}", "`router_settings.fallbacks` has to be a list")]
#[case::a_fallback_list(
    "router_settings: {fallbacks: [{ok: ok}]}",
    "`router_settings.fallbacks` has to be a list"
)]
#[case::an_alias(
    "router_settings: {model_group_alias: {a: {model: ok, hiden: true}}}",
    "`router_settings.model_group_alias.a.hiden` is unknown"
)]
#[case::an_alias_of_nothing(
    "router_settings: {model_group_alias: {a: {hidden: true}}}",
    "`router_settings.model_group_alias.a.model` is missing"
)]
#[case::a_key_of_ours("llm_proxy: {rols: {}}", "`llm_proxy.rols` is unknown: expected one of roles, egress,")]
#[case::a_key_of_ours_in_an_entry(
    "  - {model_name: m, litellm_params: {model: openai/x}, llm_proxy: {roles: x}}",
    "`llm_proxy.roles` is unknown: expected one of egress,"
)]
#[case::a_role(
    "llm_proxy: {roles: {summariser: ok}}",
    "`llm_proxy.roles.summariser` is no role: expected summarizer or title-generator"
)]
fn a_wrong_setting_is_one_line_with_its_place(#[case] rest: &str, #[case] expected: &str) {
    let error = file(rest).expect_err("wrong");
    assert!(error.starts_with(&format!("c.yaml:5: {expected}")), "{error}");
}

#[test]
fn what_goes_without_saying_is_no_warning() {
    let rest = "litellm_settings: {set_verbose: false, json_logs: true, telemetry: false, turn_off_message_logging: true}";
    assert_eq!(warnings(&file(rest).expect("valid")), Vec::<String>::new());
}

#[rstest]
#[case::the_routers("router_settings: {num_retries: 1}\nlitellm_settings: {num_retries: 5}", 1)]
#[case::litellms("litellm_settings: {num_retries: 0}", 0)]
#[case::nothing("", 2)]
fn the_routers_retries_win_and_the_default_is_litellms(#[case] rest: &str, #[case] retries: u32) {
    assert_eq!(file(rest).expect("valid").models.retries, retries);
}

#[rstest]
#[case::simple_shuffle("simple-shuffle", Strategy::SimpleShuffle)]
#[case::least_busy("least-busy", Strategy::LeastBusy)]
#[case::latency("latency-based-routing", Strategy::LatencyBased)]
#[case::usage("usage-based-routing", Strategy::UsageBased)]
#[case::usage_2("usage-based-routing-v2", Strategy::UsageBased)]
fn litellms_strategies_are_ours(#[case] name: &str, #[case] strategy: Strategy) {
    let configuration = file(&format!("router_settings: {{routing_strategy: {name}}}")).expect("valid");
    assert_eq!(configuration.models.strategy, strategy);
}

#[rstest]
#[case::nothing("", "", (600, 120, 120))]
#[case::the_files("litellm_settings: {request_timeout: 30}\nrouter_settings: {timeout: 40}", "", (30, 30, 30))]
#[case::the_routers("router_settings: {timeout: 40, stream_timeout: 7}", "", (40, 40, 7))]
#[case::its_own("litellm_settings: {request_timeout: 30}", ", timeout: 3, stream_timeout: 1", (3, 3, 1))]
#[case::its_own_by_another_name("litellm_settings: {request_timeout: 30}", ", request_timeout: 300", (300, 300, 120))]
fn an_entrys_timeout_wins_over_the_files(
    #[case] sections: &str,
    #[case] own: &str,
    #[case] (total, first_byte, stream): (u64, u64, u64),
) {
    let text = format!(
        "{sections}\nmodel_list: [{{model_name: m, litellm_params: {{model: openai/x, api_key: x{own}}}}}]"
    );
    let endpoint = Arc::clone(&read_with(&text, &[]).expect("valid").models.groups[0].endpoints[0]);
    assert_eq!((endpoint.deadlines.total, endpoint.deadlines.first_byte), (s(total), s(first_byte)));
    assert_eq!((endpoint.stream_deadlines.total, endpoint.stream_deadlines.first_byte), (s(600), s(stream)));
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

#[test]
fn aliases_fallbacks_roles_and_the_default_model_are_read() {
    let text = "model_list:\n- {model_name: a, litellm_params: {model: openai/a, api_key: k}}\n\
                - {model_name: b, litellm_params: {model: openai/b, api_key: k}}\n\
                - {model_name: \"w-*\", litellm_params: {model: openai/*, api_key: k}}\n\
                router_settings:\n  model_group_alias: {x: a, y: {model: w-1, hidden: true}}\n  \
                fallbacks: [{a: [b, x]}, {\"*\": [b]}]\n\
                litellm_settings:\n  fallbacks: [{b: [a]}]\n  context_window_fallbacks: [{a: [w-long]}]\n  \
                content_policy_fallbacks: [{b: [a]}]\n\
                general_settings: {master_key: sk-master, completion_model: b}\n\
                llm_proxy:\n  roles: {summarizer: a, title-generator: y}\n";
    let configuration = read_with(text, &[]).expect("valid");
    assert_eq!(warnings(&configuration), Vec::<String>::new());
    let models = configuration.models;
    let alias = |model: &str, listed| Alias { model: model.to_owned(), listed };
    let aliases = [("x".to_owned(), alias("a", true)), ("y".to_owned(), alias("w-1", false))];
    assert_eq!(models.aliases, aliases.into());
    let lists = |model: &str, names: &[&str]| {
        std::iter::once((model.to_owned(), names.iter().map(|name| (*name).to_owned()).collect())).collect()
    };
    assert_eq!(models.fallbacks.general, lists("a", &["b", "x"]), "the router's win");
    assert_eq!(models.fallbacks.context_window, lists("a", &["w-long"]));
    assert_eq!(models.fallbacks.content_policy, lists("b", &["a"]));
    assert_eq!(models.fallbacks.default, ["b"]);
    assert_eq!(
        (models.roles.summarizer.as_deref(), models.roles.title_generator.as_deref()),
        (Some("a"), Some("y"))
    );
    assert_eq!(models.default_model.as_deref(), Some("b"));
    assert_eq!(configuration.master_key.as_ref().map(Secret::expose), Some("sk-master"));
}

#[test]
fn what_refers_to_a_model_without_an_endpoint_says_so() {
    let rest = "  - {model_name: gone, litellm_params: {model: xai/x}}\nrouter_settings: {default_fallbacks: [gone, ok]}";
    let configuration = file(rest).expect("valid");
    let expected =
        "c.yaml:6: `router_settings.default_fallbacks` names `gone`, but no endpoint is left of it: ignored";
    assert_eq!(warnings(&configuration), [expected]);
    assert_eq!(configuration.models.fallbacks.default, ["ok"]);
}

#[test]
fn the_files_own_variables_are_used() {
    let text = "environment_variables: {OPENAI_API_KEY: sk-file, TIMEOUT: \"9\"}\n\
                model_list: [{model_name: m, litellm_params: {model: openai/x, timeout: os.environ/TIMEOUT}}]";
    let configuration = read_with(text, &[("OPENAI_API_KEY", "sk-process")]).expect("valid");
    let endpoint = &configuration.models.groups[0].endpoints[0];
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), Some("sk-file"));
    assert_eq!(endpoint.deadlines.total, s(9));
}

#[test]
fn no_secret_is_told_when_everything_is_printed() {
    let text = "general_settings: {master_key: hunter2}\nmodel_list:\n- model_name: m\n  litellm_params:\n    \
                model: openai/x\n    api_key: hunter2\n    extra_headers: {authorization: hunter2}\n";
    let told = format!("{:?}", read_with(text, &[]).expect("valid"));
    assert!(!told.contains("hunter2"), "{told}");
    for (params, at) in
        [("api_key: {a: hunter2}", 4), ("api_base: \"http://me:hunter2@x\"", 4), ("rpm: hunter2", 4)]
    {
        let error = endpoint(&format!("model: openai/x, {params}")).expect_err("wrong");
        assert!(error.starts_with(&format!("c.yaml:{at}:")) && !error.contains("hunter2"), "{error}");
    }
}
