use std::sync::Arc;

use super::*;
use crate::domain::endpoint::{Deadlines, Endpoint, Provider, UpstreamModel};
use crate::domain::model::{Model, Models};
use crate::domain::secret::Secret;
use crate::error::{Error, Kind};
use crate::resilience::breaker::BreakerSettings;
use crate::services::routing::{DefaultModel, Front};
use serde_json::{Value, json};

const SETTINGS: BreakerSettings = BreakerSettings { failures: 2, open: Duration::from_secs(100) };

/// 2023-11-14T22:13:20Z.
const WALL: Duration = Duration::from_secs(1_700_000_000);

fn endpoint(name: &str, model: UpstreamModel) -> Arc<Endpoint> {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let url = "http://secret-host.example/v1".parse().expect("a URL");
    let endpoint = Endpoint::new(name, Provider::Openai, url, deadlines);
    Arc::new(Endpoint { model, key: Some(Secret::new("hunter2hunter2")), ..endpoint })
}

fn routing() -> Routing {
    let named = |name: &str| endpoint(name, UpstreamModel::Named("gpt".to_owned()));
    let groups = vec![
        Model { name: "m".to_owned(), endpoints: vec![named("eu"), named("us")], listed: true },
        Model { name: "n".to_owned(), endpoints: vec![named("eu")], listed: true },
    ];
    let front = Front::Litellm(endpoint("litellm", UpstreamModel::AsAsked));
    let default_model = DefaultModel::Set("m".to_owned());
    Routing::new(front, default_model, Models { groups, ..Models::default() }, SETTINGS)
}

fn page_of(routing: &Routing, now: Moment) -> Value {
    serde_json::to_value(page(routing, now)).expect("JSON")
}

fn fail(routing: &Routing, hop: usize, now: Instant) {
    let route = routing.route("m").expect("a route");
    let mut pass = route.hops[hop].health.begin(now).expect("it admits");
    pass.failed(&Error::new(Kind::UpstreamFailure, "eu answered 503"), now);
}

#[test]
fn endpoints_are_listed_before_they_are_asked() {
    let page = page_of(&routing(), Moment::now());
    let names: Vec<_> = page.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["litellm", "eu", "us"]);
    let expected = json!({
        "provider": "openai", "in_flight": 0, "state": "healthy", "success_rate": 1.0, "requests": 0,
        "consecutive_failures": 0, "last_error": null, "latency_ms": {"p50": null, "p95": null},
        "opened_at": null, "probes_at": null, "rests_until": null,
    });
    assert_eq!(page["us"], expected);
    assert_eq!(page["litellm"]["models"], json!({}));
}

#[test]
fn one_that_is_out_tells_since_when_and_until_when() {
    let (routing, start) = (routing(), Instant::now());
    let hops = routing.route("m").expect("a route").hops;
    let at = hops.iter().position(|hop| hop.endpoint.name == "eu").expect("it is on the route");
    let health = &hops[at].health;
    for _ in 0..2 {
        let mut pass = health.begin(start).expect("it admits");
        pass.answered(Duration::from_micros(1_500), start);
        pass.failed(&Error::new(Kind::UpstreamFailure, "eu answered 503"), start);
    }
    let now = Moment { instant: start + Duration::from_secs(20), wall: WALL };
    let eu = &page_of(&routing, now)["eu"];
    assert_eq!((&eu["state"], &eu["success_rate"]), (&json!("open"), &json!(0.0)));
    assert_eq!((&eu["requests"], &eu["consecutive_failures"]), (&json!(2), &json!(2)));
    assert_eq!(eu["opened_at"], "2023-11-14T22:13:00Z");
    let probes_at = eu["probes_at"].as_str().expect("a time");
    assert!(("2023-11-14T22:14:40Z".."2023-11-14T22:14:51Z").contains(&probes_at), "{probes_at}");
    let error = json!({"code": "upstream_failure", "message": "eu answered 503", "seconds_ago": 20});
    assert_eq!(eu["last_error"], error);
    assert_eq!(eu["latency_ms"], json!({"p50": 1.5, "p95": 1.5}));
}

#[test]
fn an_endpoint_of_many_models_tells_each_and_their_sum() {
    let (routing, now) = (routing(), Moment::now());
    fail(&routing, 0, now.instant);
    let well = routing.route("another").expect("LiteLLM may know it");
    well.hops[0].health.begin(now.instant).expect("it admits").succeeded(now.instant);
    let litellm = &page_of(&routing, now)["litellm"];
    assert_eq!((&litellm["state"], &litellm["requests"]), (&json!("degraded"), &json!(2)));
    assert_eq!(litellm["models"]["m"]["state"], "degraded");
    assert_eq!(litellm["models"]["another"]["state"], "healthy");
    assert!(litellm["models"]["m"].get("provider").is_none());
}

#[test]
fn one_that_limits_the_rate_tells_for_how_long() {
    let (routing, now) = (routing(), Moment { instant: Instant::now(), wall: WALL });
    let hops = routing.route("n").expect("a route").hops;
    let eu = hops.iter().find(|hop| hop.endpoint.name == "eu").expect("it is on the route");
    eu.health.rest(now.instant + Duration::from_secs(40));
    assert_eq!(page_of(&routing, now)["eu"]["rests_until"], "2023-11-14T22:14:00Z");
}

#[test]
fn a_rate_is_rounded() {
    let (routing, now) = (routing(), Moment::now());
    let health = Arc::clone(&routing.route("m").expect("a route").hops[0].health);
    (0..2).for_each(|_| health.begin(now.instant).expect("it admits").succeeded(now.instant));
    fail(&routing, 0, now.instant);
    assert_eq!(page_of(&routing, now)["litellm"]["success_rate"], json!(0.6667));
}

#[test]
fn neither_keys_nor_addresses_are_told() {
    let page = page_of(&routing(), Moment::now()).to_string();
    assert!(!page.contains("hunter2") && !page.contains("secret-host"), "{page}");
}

#[test]
fn metrics_have_one_state_an_endpoint_whatever_models_callers_name() {
    let (routing, now) = (routing(), Instant::now());
    for at in 0..50 {
        let route = routing.route(&format!("made-up-{at}")).expect("LiteLLM may know it");
        route.hops[0].health.begin(now).expect("it admits").succeeded(now);
    }
    let states = states(&routing, now);
    assert_eq!(
        states.iter().map(|state| state.endpoint.as_str()).collect::<Vec<_>>(),
        ["litellm", "eu", "us"]
    );
    let active = |state: &EndpointState| state.states.iter().filter(|(_, is_it)| *is_it).count();
    assert!(states.iter().all(|state| active(state) == 1));
}
