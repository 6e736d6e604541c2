use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::endpoints::Configuration;
use crate::domain::endpoint::{Deadlines, Provider};
use crate::domain::secret::Secret;
use rstest::rstest;
use serde_json::json;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SETTINGS: Deadlines = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };

fn file(text: &str) -> Result<Configuration, String> {
    let variables =
        [("KEY", "sk-var"), ("HOST", "llm.test")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let read = crate::config::endpoints::read(Path::new("c.ini"), text, &variables.into(), SETTINGS);
    read.map_err(|error| error.to_string())
}

/// The model `A` with these members from line 2 on.
fn endpoint(members: &str) -> Result<Arc<Endpoint>, String> {
    file(&format!("[LLM:A]\n{members}"))
        .map(|configuration| Arc::clone(&configuration.models.groups[0].endpoints[0]))
}

fn lines<T: ToString>(findings: &[T]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

const WHOLE: &str = "url = http://llm.test/v1\napikey = k\nmodel = m\n";

#[test]
fn every_member_is_read() {
    let members = "url = https://llm.test/v1 ; inside\napikey = a=b%c:d\nmodel = gpt-4\napi_type = openai\nenabled = true\n\
                   stream_response = no\ntimeout_seconds = 300\ntemperature = 0.7\nmax_tokens = 4096\ndefault = true\n";
    let endpoint = endpoint(members).expect("an endpoint");
    assert_eq!((endpoint.name.as_str(), endpoint.provider), ("A", Provider::Openai));
    assert_eq!(endpoint.url.to_string(), "https://llm.test/v1");
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), Some("a=b%c:d"));
    assert_eq!(endpoint.model, UpstreamModel::Named("gpt-4".to_owned()));
    assert_eq!((endpoint.deadlines.total, endpoint.stream_deadlines.first_byte), (s(300), s(120)));
    let defaults = serde_json::Value::from(endpoint.params.defaults.clone());
    assert_eq!(defaults, json!({"temperature": 0.7, "max_tokens": 4096}));
    assert!(!endpoint.streams);
}

#[rstest]
#[case::nothing_said("apikey = k", Provider::Openai, "https://api.openai.com/v1")]
#[case::anthropic(
    "api_type = anthropic\napikey = k\nurl = https://api.anthropic.com/v1",
    Provider::Anthropic,
    "https://api.anthropic.com"
)]
#[case::gemini(
    "api_type = gemini\napikey = k",
    Provider::Gemini,
    "https://generativelanguage.googleapis.com"
)]
#[case::mistral("api_type = mistral\napikey = k", Provider::Mistral, "https://api.mistral.ai/v1")]
#[case::cohere("api_type = cohere\napikey = k", Provider::Cohere, "https://api.cohere.com")]
#[case::ollama("api_type = Ollama", Provider::Ollama, "http://localhost:11434")]
#[case::litellm("api_type = litellm\nurl = http://litellm:4000/v1", Provider::Litellm, "http://litellm:4000")]
#[case::azure(
    "api_type = azure\napikey = k\nurl = https://x.openai.azure.com",
    Provider::Azure,
    "https://x.openai.azure.com"
)]
#[case::a_vendor("api_type = groq\napikey = k", Provider::Openai, "https://api.groq.com/openai/v1")]
fn the_api_type_says_whose_format_it_is(
    #[case] members: &str,
    #[case] provider: Provider,
    #[case] url: &str,
) {
    let endpoint = endpoint(members).expect("an endpoint");
    assert_eq!((endpoint.provider, endpoint.url.to_string().as_str()), (provider, url));
}

#[test]
fn a_variable_may_stand_anywhere() {
    let endpoint = endpoint("url = https://${HOST}/v1\napikey = ${KEY}\nmodel = m").expect("an endpoint");
    assert_eq!(endpoint.url.to_string(), "https://llm.test/v1");
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), Some("sk-var"));
}

#[rstest]
#[case::an_own_server_wants_no_key("url = http://llm.test/v1", None)]
#[case::an_own_key("url = http://llm.test/v1\napikey = k", Some("k"))]
fn an_own_server_may_have_no_key(#[case] members: &str, #[case] key: Option<&str>) {
    let endpoint = endpoint(members).expect("an endpoint");
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), key);
}

#[rstest]
#[case::a_variable("apikey = ${NO_KEY}\n", "c.ini:5: `[LLM:B]` is left out: NO_KEY is not set")]
#[case::an_empty_key("apikey =\n", "c.ini:4: `[LLM:B]` is left out: its key is empty")]
#[case::the_vendors_variable("model = m\n", "c.ini:4: `[LLM:B]` is left out: OPENAI_API_KEY is not set")]
#[case::no_address(
    "api_type = azure\napikey = k\n",
    "c.ini:4: `[LLM:B]` is left out: it has no `url`, and AZURE_API_BASE is not set"
)]
#[case::another_format(
    "api_type = bedrock\n",
    "c.ini:5: `[LLM:B]` is left out: the api_type bedrock is not supported"
)]
fn a_section_that_cannot_be_used_is_left_out_with_its_line(#[case] members: &str, #[case] expected: &str) {
    let configuration =
        file(&format!("[LLM:A]\nurl = http://a/v1\nmodel = a\n[LLM:B]\n{members}")).expect("A is left");
    assert_eq!(lines(&configuration.left_out), [expected]);
}

#[test]
fn a_section_that_is_switched_off_is_left_out_without_a_word() {
    let configuration =
        file(&format!("[LLM:A]\n{WHOLE}[LLM:B]\nenabled = false\nurl = nonsense\n")).expect("A is left");
    assert_eq!((configuration.models.groups.len(), configuration.left_out.len()), (1, 0));
    assert_eq!(lines(&configuration.warnings), Vec::<String>::new());
}

#[rstest]
#[case::a_flag("enabled = perhaps", "c.ini:2: `enabled` of `[LLM:A]` has to be true or false")]
#[case::a_time(
    "url = http://a\ntimeout_seconds = 0",
    "c.ini:3: `timeout_seconds` of `[LLM:A]` has to be seconds, more than 0 and at most 86400"
)]
#[case::a_number(
    "url = http://a\ntemperature = hot",
    "c.ini:3: `temperature` of `[LLM:A]` has to be a number, 0 or more"
)]
#[case::a_count(
    "url = http://a\nmax_tokens = 1.5",
    "c.ini:3: `max_tokens` of `[LLM:A]` has to be a whole number, at least 1"
)]
#[case::no_scheme(
    "url = llm.test",
    "c.ini:2: `url` of `[LLM:A]` has to be an absolute http:// or https:// URL without query or credentials; its scheme is missing"
)]
#[case::an_api_type(
    "api_type = opnai",
    "c.ini:2: `api_type` of `[LLM:A]` has to be one of openai, azure, anthropic, gemini, mistral, cohere, ollama, litellm, or a vendor with OpenAI's format"
)]
#[case::a_key_twice(
    "url = http://a\nurl = http://b",
    "c.ini:3: `url` stands here again: it is set in line 2 already"
)]
#[case::a_section_twice("url = http://a\n[LLM:A]", "c.ini:3: the section `[LLM:A]` stands in line 1 already")]
#[case::a_section_twice_but_for_blanks(
    "url = http://a\n[LLM: A]\nurl = http://a",
    "c.ini:3: the model `A` has a section in line 1 already"
)]
#[case::two_defaults(
    "url = http://a\ndefault = true\n[LLM:B]\nurl = http://b\ndefault = yes",
    "c.ini:6: `default` is true here and in `[LLM:A]` already: expected one"
)]
#[case::a_proxy(
    "url = http://a\nproxy_https = ftp://me:hunter2@p",
    "c.ini:3: `proxy_https` of `[LLM:A]` has to be a URL of the form http://[user:password@]host:port, its scheme \
     http, https, socks5 or socks5h, special characters of user and password percent-encoded"
)]
#[case::a_file_that_is_not_there(
    "url = http://a\nca_file = /nowhere/ca.pem",
    "c.ini:3: `ca_file` of `[LLM:A]` names /nowhere/ca.pem, which cannot be read: No such file or directory (os error 2)"
)]
#[case::no_name("url = http://a\n[LLM:]\nurl = http://b", "c.ini:3: a section `[LLM:…]` has no name")]
#[case::nothing_left("apikey = ${NO_KEY}", "c.ini: no endpoint is left: 1 left out; not set: NO_KEY")]
fn a_wrong_file_is_one_line_with_its_place(#[case] members: &str, #[case] expected: &str) {
    assert_eq!(endpoint(members).expect_err("wrong"), expected);
}

#[rstest]
#[case::a_proxy_that_is_not_set(
    "proxy_http = ${HTTP_PROXY}",
    "c.ini:5: `proxy_http` of `[LLM:A]` is ignored: HTTP_PROXY is not set"
)]
#[case::no_verification(
    "ssl_verify = false",
    "c.ini:5: `ssl_verify` of `[LLM:A]` is false: whoever stands between can read and change everything"
)]
#[case::a_typo("tempratur = 1", "c.ini:5: `tempratur` of `[LLM:A]` is unknown: ignored")]
#[case::a_section("[Window]\nwidth = 1", "c.ini:5: the section `[Window]` is not about models: ignored")]
#[case::no_model(
    "[LLM:B]\nurl = http://b",
    "c.ini:5: `[LLM:B]` has no `model`: the provider is asked for `B`"
)]
#[case::a_default_that_is_off(
    "[LLM:B]\nenabled = false\ndefault = true",
    "c.ini:7: `[LLM:B]` is the default, but has no endpoint: the first that has one is"
)]
fn what_will_surprise_is_named_with_its_line(#[case] rest: &str, #[case] expected: &str) {
    let configuration = file(&format!("[LLM:A]\n{WHOLE}{rest}\n")).expect("valid");
    assert_eq!(lines(&configuration.warnings), [expected]);
}

#[test]
fn a_section_says_how_it_is_reached() {
    let members = "proxy_http = http://p:1\nproxy_https = http://me:p%40ss@p:2\nproxy_no_proxy = .house.test,10.0.0.0/8\n\
                   server_name = other.test\ntls_min_version = 1.3\n";
    let egress = Arc::clone(&endpoint(&format!("{WHOLE}{members}")).expect("an endpoint").egress);
    let proxy = egress.proxy_https.as_ref().expect("a proxy");
    let credentials = proxy.credentials.as_ref().expect("credentials");
    assert_eq!((proxy.to_string().as_str(), credentials.password.expose()), ("http://p:2", "p@ss"));
    assert!(egress.no_proxy.matches("a.house.test", 443) && egress.no_proxy.matches("10.1.1.1", 443));
    assert_eq!(egress.tls.server_name.as_deref(), Some("other.test"));
}

#[test]
fn an_endpoint_without_its_proxys_password_is_left_out() {
    let members = format!("{WHOLE}proxy_username = me\nproxy_password = ${{NO_KEY}}\n");
    let error = endpoint(&members).expect_err("nothing left");
    assert_eq!(error, "c.ini: no endpoint is left: 1 left out; not set: NO_KEY");
}

#[rstest]
#[case::the_one_that_says_so("default = true", Some("B"))]
#[case::else_the_first("", Some("A"))]
fn one_model_is_the_default(#[case] member: &str, #[case] expected: Option<&str>) {
    let configuration = file(&format!("[LLM:A]\n{WHOLE}[LLM:B]\n{WHOLE}{member}\n")).expect("valid");
    assert_eq!(configuration.models.default_model.as_deref(), expected);
}

#[test]
fn enabled_models_stand_in_for_each_other_in_the_files_order() {
    let off = format!("[LLM:Off]\n{WHOLE}enabled = off\n");
    let configuration = file(&format!("[LLM:B]\n{WHOLE}{off}[LLM:A]\n{WHOLE}")).expect("valid");
    assert_eq!(configuration.models.fallbacks.default, ["B", "A"]);
    assert_eq!(configuration.models.retries, None);
    let alone = file(&format!("[LLM:B]\n{WHOLE}")).expect("valid");
    assert_eq!(alone.models.fallbacks.default, Vec::<String>::new());
}

#[test]
fn a_vendors_name_of_a_model_is_an_unlisted_alias_where_it_means_one() {
    let section = |name: &str, model: &str| format!("[LLM:{name}]\nurl = http://x\nmodel = {model}\n");
    let text = [section("A", "one"), section("B", "two"), section("C", "two"), section("D", "A")].concat();
    let aliases = file(&text).expect("valid").models.aliases;
    assert_eq!(aliases, [("one".to_owned(), Alias { model: "A".to_owned(), listed: false })].into());
}

#[test]
fn a_role_of_its_own_is_a_hidden_model_that_inherits_from_the_default() {
    let text = "[LLM:Big]\nurl = http://big/v1\napikey = k-big\nmodel = big\ntemperature = 0.2\ndefault = true\n\
                [SummarizerLLM]\nmodel = small\nmax_tokens = 99\nproxy_http = http://proxy\n";
    let configuration = file(text).expect("valid");
    let models = configuration.models;
    assert_eq!(models.roles.summarizer.as_deref(), Some("SummarizerLLM"));
    assert_eq!(models.roles.title_generator, None);
    let hidden = &models.groups[1];
    assert_eq!((hidden.name.as_str(), hidden.listed), ("SummarizerLLM", false));
    let endpoint = &hidden.endpoints[0];
    assert_eq!(endpoint.url.to_string(), "http://big/v1");
    assert_eq!(endpoint.key.as_ref().map(Secret::expose), Some("k-big"));
    assert_eq!(endpoint.model, UpstreamModel::Named("small".to_owned()));
    let defaults = serde_json::Value::from(endpoint.params.defaults.clone());
    assert_eq!(defaults, json!({"temperature": 0.2, "max_tokens": 99}));
    assert_eq!((models.fallbacks.default.len(), models.default_model.as_deref()), (0, Some("Big")));
    let proxy = endpoint.egress.proxy_http.as_ref().map(ToString::to_string);
    assert_eq!(proxy.as_deref(), Some("http://proxy:80"));
    assert_eq!(lines(&configuration.warnings), Vec::<String>::new());
}

#[rstest]
#[case::nothing_of_its_own("enabled = true\n")]
#[case::switched_off("enabled = false\nmodel = small\n")]
#[case::without_its_secret("apikey = ${NO_KEY}\n")]
fn a_role_without_an_endpoint_is_done_by_the_default_model(#[case] members: &str) {
    let models = file(&format!("[LLM:A]\n{WHOLE}[TitleGeneratorLLM]\n{members}")).expect("valid").models;
    assert_eq!((models.roles.title_generator, models.groups.len()), (None, 1));
}

#[test]
fn an_inherited_key_that_goes_to_another_address_is_named() {
    let text = format!("[LLM:A]\n{WHOLE}[SummarizerLLM]\nurl = http://other/v1\n");
    let warnings = lines(&file(&text).expect("valid").warnings);
    assert_eq!(warnings, ["c.ini:6: `[SummarizerLLM]` has an own `url`, and shows it the key of `[LLM:A]`"]);
}

#[test]
fn no_secret_is_told_when_everything_is_printed() {
    let told =
        format!("{:?}", file("[LLM:A]\nurl = http://a\napikey = hunter2\nproxy_https = http://me:hunter2@p"));
    assert!(!told.contains("hunter2"), "{told}");
    let error = endpoint("url = http://me:hunter2@a").expect_err("credentials");
    assert!(!error.contains("hunter2"), "{error}");
}
