use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::domain::egress::Egress;
use crate::domain::endpoint::{Deadlines, Provider, Share, UpstreamModel};
use crate::domain::model::{Alias, Fallbacks, Model, Roles, Strategy};
use rstest::rstest;

const BREAKER: BreakerSettings = BreakerSettings { failures: 1, open: Duration::from_secs(120) };

fn endpoint(name: &str, model: UpstreamModel, share: Share) -> Arc<Endpoint> {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let url = "http://up".parse().expect("a URL");
    Arc::new(Endpoint { model, share, ..Endpoint::new(name, Provider::Openai, url, deadlines) })
}

fn named(name: &str) -> Arc<Endpoint> {
    endpoint(name, UpstreamModel::Named(format!("up-{name}")), Share::default())
}

fn model(name: &str, endpoints: Vec<Arc<Endpoint>>) -> Model {
    Model { name: name.to_owned(), endpoints, listed: true }
}

fn lists(of: &str, names: &[&str]) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(of.to_owned(), names.iter().map(|name| (*name).to_owned()).collect())])
}

fn models() -> Models {
    let star = |name: &str, pattern: &str| {
        endpoint(name, UpstreamModel::Pattern(pattern.to_owned()), Share::default())
    };
    Models {
        groups: vec![
            model("gpt-a", vec![named("a")]),
            model("gpt-b", vec![named("b")]),
            model("gpt-c", vec![named("c")]),
            model("openai/*", vec![star("star", "*")]),
            model("openai/my-*-x", vec![star("star-x", "their-*")]),
        ],
        aliases: BTreeMap::from([
            ("fast".to_owned(), Alias { model: "gpt-a".to_owned(), listed: true }),
            ("hidden".to_owned(), Alias { model: "fast".to_owned(), listed: false }),
            ("circle".to_owned(), Alias { model: "circle".to_owned(), listed: false }),
        ]),
        fallbacks: Fallbacks {
            general: lists("gpt-a", &["gpt-b", "gpt-a", "fast", "nobody"]),
            context_window: lists("gpt-a", &["gpt-c"]),
            content_policy: lists("*", &["gpt-b"]),
            default: vec!["gpt-c".to_owned()],
        },
        roles: Roles { summarizer: Some("gpt-b".to_owned()), title_generator: None },
        default_model: Some("gpt-c".to_owned()),
        ..Models::default()
    }
}

fn routing(front: Front) -> Routing {
    Routing::new(front, DefaultModel::Unset("other".to_owned()), models(), BREAKER)
}

fn asked(hops: &[Hop]) -> Vec<String> {
    hops.iter().map(|hop| format!("{}:{}", hop.endpoint.name, hop.model)).collect()
}

#[rstest]
#[case::its_fallbacks_stand_behind("gpt-a", &["a:up-a", "b:up-b"])]
#[case::the_default_fallbacks_stand_behind_all_others("gpt-b", &["b:up-b", "c:up-c"])]
#[case::nobody_stands_behind_himself("gpt-c", &["c:up-c"])]
#[case::an_alias("fast", &["a:up-a", "b:up-b"])]
#[case::an_alias_of_an_alias("hidden", &["a:up-a", "b:up-b"])]
#[case::a_wildcard("openai/gpt-9", &["star:gpt-9", "c:up-c"])]
#[case::the_more_particular_wildcard("openai/my-7-x", &["star-x:their-7", "c:up-c"])]
#[case::a_role(SUMMARIZER, &["b:up-b", "c:up-c"])]
#[case::a_role_of_the_default_model(TITLE_GENERATOR, &["c:up-c"])]
fn a_model_is_served_by(#[case] model: &str, #[case] expected: &[&str]) {
    let route = routing(Front::Nobody).route(model).expect("a route");
    assert_eq!(asked(&route.hops), expected);
}

#[test]
fn what_is_too_long_or_refused_has_routes_of_its_own() {
    let route = routing(Front::Nobody).route("gpt-a").expect("a route");
    assert_eq!(asked(&route.context_window), ["c:up-c"]);
    assert_eq!(asked(&route.content_policy), ["b:up-b"]);
}

#[rstest]
#[case::a_slip("gpt-aa", "did you mean gpt-a")]
#[case::nothing_like_it("zzz", "see /v1/models")]
#[case::a_circle("circle", "does not exist")]
fn an_unknown_model_is_not_found(#[case] model: &str, #[case] hint: &str) {
    let error = routing(Front::Nobody).route(model).expect_err("nobody serves it");
    assert_eq!((error.status(), error.code(), error.param()), (404, "model_not_found", Some("model")));
    assert!(error.message().contains(hint), "{error}");
}

#[rstest]
#[case::a_configured_model("gpt-b", &["front:gpt-b", "b:up-b", "c:up-c"])]
#[case::a_model_that_only_litellm_knows("claude", &["front:claude"])]
#[case::a_role(SUMMARIZER, &["front:gpt-b", "b:up-b", "c:up-c"])]
fn litellm_stands_in_front(#[case] model: &str, #[case] expected: &[&str]) {
    let litellm = endpoint("front", UpstreamModel::AsAsked, Share::default());
    let route = routing(Front::Litellm(litellm)).route(model).expect("a route");
    assert_eq!(asked(&route.hops), expected);
}

#[test]
fn litellm_is_not_asked_for_a_model_that_only_this_service_knows() {
    let role = Model { listed: false, ..model("SummarizerLLM", vec![named("r")]) };
    let models = Models {
        groups: vec![model("gpt-a", vec![named("a")]), role],
        roles: Roles { summarizer: Some("SummarizerLLM".to_owned()), title_generator: None },
        retries: Some(2),
        ..Models::default()
    };
    let routing = Routing::new(
        Front::Litellm(named("front")),
        DefaultModel::Unset("gpt-a".to_owned()),
        models,
        BREAKER,
    );
    let route = routing.route(SUMMARIZER).expect("a route");
    assert_eq!((asked(&route.hops), route.attempts), (vec!["r:up-r".to_owned()], Some(3)));
    assert_eq!(asked(&routing.route(TITLE_GENERATOR).expect("a route").hops), ["front:gpt-a", "a:up-a"]);
}

#[test]
fn the_mock_serves_every_model_alone() {
    let mock = endpoint("mock", UpstreamModel::AsAsked, Share::default());
    let route = routing(Front::Mock(mock)).route("gpt-a").expect("a route");
    assert_eq!(asked(&route.hops), ["mock:gpt-a"]);
}

#[test]
fn replaced_models_are_routed_at_once_and_loads_survive() {
    let routing = routing(Front::Nobody);
    let before = routing.route("gpt-a").expect("a route").hops.remove(0);
    let _in_use = before.load.begin();
    routing.replace(Models { groups: vec![model("new", vec![named("a")])], ..Models::default() });
    assert!(routing.route("gpt-a").is_err());
    let after = routing.route("new").expect("a route").hops.remove(0);
    assert_eq!(after.load.used().0, 1);
    assert_eq!((routing.listed(), routing.default_model()), (vec!["new".to_owned()], "new".to_owned()));
}

#[rstest]
#[case::which_litellm_may_know(Front::Litellm(named("front")), "other")]
#[case::which_nobody_serves(Front::Nobody, "new")]
fn a_default_model_that_nobody_set(#[case] front: Front, #[case] expected: &str) {
    let models = Models { groups: vec![model("new", vec![named("a")])], ..Models::default() };
    let routing = Routing::new(front, DefaultModel::Unset("other".to_owned()), models, BREAKER);
    assert_eq!(routing.default_model(), expected);
}

fn group(strategy: Strategy, shares: &[Share]) -> Routing {
    let endpoints = shares
        .iter()
        .enumerate()
        .map(|(at, share)| endpoint(&at.to_string(), UpstreamModel::AsAsked, *share));
    let groups = vec![model("m", endpoints.collect())];
    let models = Models { groups, strategy, ..Models::default() };
    Routing::new(Front::Nobody, DefaultModel::Set("m".to_owned()), models, BREAKER)
}

fn first(routing: &Routing) -> Hop {
    routing.route("m").expect("a route").hops.remove(0)
}

#[test]
fn a_shuffle_follows_the_weights() {
    let weight = |weight| Share { weight: Some(weight), ..Share::default() };
    let routing = group(Strategy::SimpleShuffle, &[weight(9.0), weight(1.0), Share::default()]);
    let firsts: Vec<String> = (0..2_000).map(|_| first(&routing).endpoint.name.clone()).collect();
    let count = |name: &str| firsts.iter().filter(|first| *first == name).count();
    // 1,800 of 2,000 are expected, with a standard deviation of 13.
    assert!((1_700..=1_900).contains(&count("0")), "{}", count("0"));
    assert_eq!(count("2"), 0, "without a weight among weights it is the last");
}

#[test]
fn a_lower_order_comes_first_whatever_the_weights() {
    let share = |order, weight| Share { order: Some(order), weight: Some(weight), ..Share::default() };
    let routing = group(Strategy::SimpleShuffle, &[share(2, 100.0), share(1, 1.0), Share::default()]);
    for _ in 0..50 {
        let route = routing.route("m").expect("a route");
        assert_eq!(asked(&route.hops), ["1:m", "0:m", "2:m"]);
    }
}

#[test]
fn the_least_busy_endpoint_comes_first() {
    let routing = group(Strategy::LeastBusy, &[Share::default(); 3]);
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let hop = first(&routing);
            (hop.load.begin(), hop.endpoint.name.clone())
        })
        .collect();
    let mut names: Vec<_> = busy.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["0", "1", "2"]);
}

#[test]
fn the_fastest_endpoint_comes_first_once_all_are_known() {
    let routing = group(Strategy::LatencyBased, &[Share::default(); 3]);
    for _ in 0..3 {
        let hop = first(&routing);
        let wait = if hop.endpoint.name == "1" { 10 } else { 100 };
        hop.load.begin().answered(Duration::from_millis(wait));
    }
    assert_eq!(first(&routing).endpoint.name, "1");
}

#[test]
fn the_least_used_endpoint_comes_first_and_one_without_room_not_at_all() {
    let tpm = |tpm| Share { tpm: Some(tpm), ..Share::default() };
    let routing = group(Strategy::UsageBased, &[tpm(1_000), tpm(100)]);
    let spend = |name: &str, tokens| {
        let hops = routing.route("m").expect("a route").hops;
        let hop = hops.iter().find(|hop| hop.endpoint.name == name).expect("the endpoint");
        hop.load.begin().spent(tokens);
    };
    spend("0", 500);
    assert_eq!(first(&routing).endpoint.name, "1");
    spend("1", 100);
    assert_eq!(asked(&routing.route("m").expect("a route").hops), ["0:m"]);
    spend("0", 500);
    let error = routing.route("m").expect_err("no room");
    assert_eq!((error.kind(), error.retry_after().is_some()), (Kind::RateLimited, true));
}

fn names(routing: &Routing) -> Vec<String> {
    routing.vitals().into_iter().map(|vitals| vitals.endpoint.name.clone()).collect()
}

#[test]
fn every_configured_endpoint_is_known_before_it_is_asked() {
    assert_eq!(names(&routing(Front::Nobody)), ["a", "b", "c", "star", "star-x"]);
    assert_eq!(names(&routing(Front::Litellm(named("front"))))[0], "front");
    assert_eq!(names(&routing(Front::Mock(named("mock")))), ["mock"]);
}

#[test]
fn a_reload_keeps_healths_by_name_and_lists_what_is_configured_now() {
    let (routing, now) = (routing(Front::Nobody), std::time::Instant::now());
    let health = || routing.route("gpt-a").expect("a route").hops[0].health.clone();
    let mut pass = health().begin(now).expect("it admits");
    assert!(pass.failed(&Error::new(Kind::UpstreamFailure, ""), now));
    routing.replace(Models { groups: vec![model("gpt-a", vec![named("a")])], ..Models::default() });
    assert!(!health().admits(now));
    assert_eq!(names(&routing), ["a"]);
}

/// A model of one endpoint behind that proxy.
fn behind(proxy: &str) -> Models {
    let egress = Egress { proxy_http: proxy.parse().ok(), ..Egress::default() };
    let endpoint = Endpoint { egress: Arc::new(egress), ..Arc::unwrap_or_clone(named("a")) };
    Models { groups: vec![model("gpt-a", vec![Arc::new(endpoint)])], ..Models::default() }
}

#[rstest]
#[case::with_another_password("http://me:other@proxy.test:3128", true)]
#[case::another_one("http://other.test:3128", false)]
#[case::in_another_way("socks5://proxy.test:3128", false)]
fn a_reload_keeps_what_is_known_of_the_same_proxy(#[case] proxy: &str, #[case] is_same: bool) {
    let (front, default_model) = (Front::Nobody, DefaultModel::Set("gpt-a".to_owned()));
    let routing = Routing::new(front, default_model, behind("http://me:secret@proxy.test:3128"), BREAKER);
    let health = || routing.route("gpt-a").expect("a route").hops[0].proxy.clone().expect("a proxy");
    let before = health();
    routing.replace(behind(proxy));
    assert_eq!(Arc::ptr_eq(&before, &health()), is_same);
}
