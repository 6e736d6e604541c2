use super::*;
use crate::config::resilience::Failover;
use rstest::rstest;

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let pairs = pairs.iter().map(|(name, value)| (format!("{PREFIX}{name}"), (*value).to_owned()));
    Settings::from_variables(pairs)
}

#[test]
fn without_variables_every_setting_has_its_documented_default() {
    let settings = settings(&[]).expect("defaults are valid");
    assert_eq!((settings.mode, settings.host.as_str(), settings.port), (Mode::Litellm, "127.0.0.1", 8002));
    assert_eq!(settings.internal_api_key.expose(), DEFAULT_INTERNAL_API_KEY);
    assert_eq!(settings.litellm_proxy_url.to_string(), "http://localhost:4000");
    assert_eq!(settings.litellm_api_key, None);
    assert_eq!(settings.default_model, "gpt-3.5-turbo");
    let s = Duration::from_secs;
    let deadlines = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };
    assert_eq!(settings.deadlines, deadlines);
    assert_eq!(settings.keepalive_interval, Some(s(15)));
    assert_eq!((settings.limits.drain_timeout, settings.limits.max_body_bytes), (s(30), 16_777_216));
    assert_eq!((settings.resilience.attempts, settings.resilience.breaker_open), (3, s(120)));
    assert_eq!(settings.resilience.failover, Failover::Eager);
    assert!(!settings.metrics_open);
    assert_eq!(settings.warnings, Vec::<String>::new());
}

#[rstest]
#[case::a_mode("LLM_MODE", "fake", "one of litellm, native, mock")]
#[case::a_port("PORT", "80000", "a whole number from 0 to 65535")]
#[case::no_workers("WORKERS", "0", "a whole number from 1 to 1024")]
#[case::a_url("LITELLM_PROXY_URL", "litellm:4000", "an absolute http:// or https:// URL")]
#[case::a_duration("IDLE_TIMEOUT_S", "soon", "seconds, more than 0")]
#[case::no_duration("CONNECT_TIMEOUT_S", "0", "seconds, more than 0")]
#[case::a_negative_duration("KEEPALIVE_INTERVAL_S", "-1", "seconds from 0 (off)")]
#[case::not_a_number("REQUEST_TIMEOUT_S", "NaN", "seconds, more than 0")]
#[case::a_boolean("METRICS_OPEN", "maybe", "true or false")]
#[case::a_level("LOG_LEVEL", "loud", "one of ERROR, WARN, INFO, DEBUG, TRACE")]
#[case::a_ratio("RETRY_BUDGET_RATIO", "2", "a share from 0 to 1")]
#[case::a_file("CONFIG", "/nowhere.yaml", "the path of a readable file")]
fn a_wrong_value_is_named_with_what_it_held_and_what_was_expected(
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let line = settings(&[(name, value)]).expect_err("the value is wrong").to_string();
    assert!(line.starts_with(&format!("{PREFIX}{name} holds {value:?}, expected ")), "{line}");
    assert!(line.contains(expected), "{line}");
    assert!(!line.contains('\n'), "{line}");
}

#[rstest]
#[case::a_key_with_a_space("INTERNAL_API_KEY", "hunter2 hunter2", "hunter2")]
#[case::a_key_with_a_line_end("LITELLM_API_KEY", "hunter2\nx", "hunter2")]
#[case::a_password_in_a_url("LITELLM_PROXY_URL", "http://me:hunter2@litellm", "hunter2")]
fn a_wrong_secret_is_not_shown(#[case] name: &str, #[case] value: &str, #[case] secret: &str) {
    let line = settings(&[(name, value)]).expect_err("the value is wrong").to_string();
    assert!(line.contains(name) && line.contains("***") && !line.contains(secret), "{line}");
}

#[rstest]
#[case::all_interfaces("0.0.0.0", false)]
#[case::all_v6_interfaces("::", false)]
#[case::a_name("llm.internal", false)]
#[case::loopback("127.0.0.2", true)]
#[case::loopback_v6("::1", true)]
#[case::localhost("localhost", true)]
fn the_default_key_serves_on_loopback_only(#[case] host: &str, #[case] starts: bool) {
    assert_eq!(settings(&[("HOST", host)]).is_ok(), starts);
    assert!(settings(&[("HOST", host), ("INTERNAL_API_KEY", "own")]).is_ok());
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let settings = settings(&[("PORT", ""), ("LITELLM_API_KEY", ""), ("HOST", "")]).expect("valid");
    assert_eq!((settings.port, settings.litellm_api_key), (8002, None));
}

#[test]
fn fractions_of_seconds_are_durations_and_zero_turns_keep_alives_off() {
    let settings = settings(&[("IDLE_TIMEOUT_S", "0.25"), ("KEEPALIVE_INTERVAL_S", "0")]).expect("valid");
    assert_eq!(settings.deadlines.idle, Duration::from_millis(250));
    assert_eq!(settings.keepalive_interval, None);
}

#[test]
fn a_variable_that_is_no_setting_is_named_in_a_warning() {
    let settings = settings(&[("LITELM_API_KEY", "x"), ("RETRY_ATTEMPTS", "5")]).expect("valid");
    assert_eq!(settings.warnings, ["LLM_PROXY__LITELM_API_KEY is not a setting of this version: ignored"]);
}

#[rstest]
#[case::longer("120", "120.5", 0)]
#[case::the_same("120", "120", 1)]
fn an_endpoint_must_not_take_all_of_a_requests_time(
    #[case] first_byte: &str,
    #[case] request: &str,
    #[case] warnings: usize,
) {
    let settings = settings(&[("FIRST_BYTE_TIMEOUT_S", first_byte), ("REQUEST_TIMEOUT_S", request)]);
    assert_eq!(settings.expect("valid").warnings.len(), warnings);
}

#[test]
fn what_is_shown_holds_every_variable_and_no_secret() {
    let settings =
        settings(&[("INTERNAL_API_KEY", "hunter2"), ("LITELLM_API_KEY", "hunter3")]).expect("valid");
    let shown = format!("{:?} {settings:?}", settings.shown);
    assert!(!shown.contains("hunter"), "{shown}");
    assert_eq!(settings.shown.len(), 48);
}
