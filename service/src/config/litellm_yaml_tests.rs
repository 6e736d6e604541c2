use rstest::rstest;

use super::testing::{endpoint, file, read_with, s, warnings};
use crate::domain::secret::Secret;

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
#[case::a_proxy_that_is_not_set(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x}, llm_proxy: {proxy_http: os.environ/HTTP_PROXY}}",
    "c.yaml:5: `llm_proxy.proxy_http` is ignored: HTTP_PROXY is not set"
)]
#[case::no_verification(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x}, llm_proxy: {ssl_verify: false}}",
    "c.yaml:5: `llm_proxy.ssl_verify` is false: whoever stands between can read and change everything"
)]
#[case::a_metadata_service(
    "  - {model_name: m, litellm_params: {model: openai/x, api_key: x, api_base: \"http://169.254.169.254/v1\"}}",
    "c.yaml:5: `api_base` names a cloud's metadata service"
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

/// The proxy of an entry whose `llm_proxy` says this, with the named ways `out` and `direct` at the top.
fn proxy_of(said: &str) -> Result<Option<String>, String> {
    let entry = format!(
        "  - {{model_name: m, litellm_params: {{model: openai/x, api_key: x}}, llm_proxy: {{{said}}}}}"
    );
    let top = "llm_proxy: {egress: {out: {proxy_https: \"http://out.test:1\", proxy_no_proxy: a.test}, direct: {}}}";
    let configuration = file(&format!("{entry}\n{top}"))?;
    let endpoint = &configuration.models.groups[1].endpoints[0];
    Ok(endpoint.egress.proxy_for(&endpoint.url).map(ToString::to_string))
}

#[rstest]
#[case::its_own("proxy_https: \"http://me:p@own.test:2\"", Some("http://own.test:2"))]
#[case::a_named_way("egress: out", Some("http://out.test:1"))]
#[case::a_named_way_and_its_own(
    "egress: out, proxy_https: \"socks5h://own.test\"",
    Some("socks5h://own.test:1080")
)]
#[case::the_direct_way("egress: direct", None)]
#[case::an_exception("egress: out, proxy_no_proxy: .openai.com", None)]
#[case::nothing("", None)]
fn an_entry_says_how_it_is_reached(#[case] said: &str, #[case] expected: Option<&str>) {
    assert_eq!(proxy_of(said), Ok(expected.map(str::to_owned)));
}

#[rstest]
#[case::a_way_that_is_not_there("egress: no", "c.yaml:5: `llm_proxy.egress` names `no`, which is not in")]
#[case::a_key_that_nobody_knows(
    "proxy: x",
    "c.yaml:5: `llm_proxy.proxy` is unknown: expected one of egress, proxy_http,"
)]
#[case::no_proxy("proxy_https: \"ftp://me:hunter2@x\"", "c.yaml:5: `llm_proxy.proxy_https` has to be a URL")]
#[case::no_text("proxy_https: [a]", "c.yaml:5: `llm_proxy.proxy_https` has to be a text")]
#[case::no_file(
    "ca_file: /nowhere/ca.pem",
    "c.yaml:5: `llm_proxy.ca_file` names /nowhere/ca.pem, which cannot be read"
)]
fn a_wrong_way_is_refused_with_its_line(#[case] said: &str, #[case] expected: &str) {
    let error = proxy_of(said).expect_err("wrong");
    assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
}

#[test]
fn an_entry_without_a_secret_of_its_way_is_left_out() {
    let said = "llm_proxy: {proxy_username: me, proxy_password: os.environ/NO_KEY}";
    let entry = format!("  - {{model_name: m, litellm_params: {{model: openai/x, api_key: x}}, {said}}}");
    let configuration = file(&entry).expect("valid");
    assert_eq!(configuration.models.groups.len(), 1);
    let left_out: Vec<String> = configuration.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out, ["c.yaml:5: the endpoint `openai/x` of `m` is left out: NO_KEY is not set"]);
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
