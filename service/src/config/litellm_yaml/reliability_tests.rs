use std::sync::Arc;

use rstest::rstest;

use crate::config::litellm_yaml::testing::{file, read_with, s, warnings};
use crate::domain::model::{Alias, Strategy};
use crate::domain::secret::Secret;

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
#[case::a_key_of_ours("llm_proxy: {rols: {}}", "`llm_proxy.rols` is unknown: expected one of roles, egress")]
#[case::a_key_of_ours_in_an_entry(
    "  - {model_name: m, litellm_params: {model: openai/x}, llm_proxy: {roles: x}}",
    "`llm_proxy.roles` is unknown: expected one of egress,"
)]
#[case::a_word_for_yes_or_no(
    "  - {model_name: m, litellm_params: {model: ollama/x}, llm_proxy: {continues: perhaps}}",
    "`llm_proxy.continues` has to be true or false"
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
#[case::the_routers("router_settings: {num_retries: 1}\nlitellm_settings: {num_retries: 5}", Some(1))]
#[case::litellms("litellm_settings: {num_retries: 0}", Some(0))]
#[case::nothing("", None)]
fn the_routers_retries_win(#[case] rest: &str, #[case] retries: Option<u32>) {
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
