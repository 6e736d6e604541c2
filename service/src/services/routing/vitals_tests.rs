use super::*;
use crate::domain::endpoint::{Deadlines, Provider, Share};
use crate::error::{Error, Kind};
use crate::resilience::health::State;
use rstest::rstest;
use std::time::Duration;

const SETTINGS: BreakerSettings = BreakerSettings { failures: 1, open: Duration::from_secs(120) };

fn endpoint(model: UpstreamModel) -> Endpoint {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
    let url = "http://up".parse().expect("a URL");
    Endpoint { model, ..Endpoint::new("a", Provider::Openai, url, deadlines) }
}

fn many() -> Arc<EndpointHealth> {
    Healths::new(SETTINGS).of(&endpoint(UpstreamModel::AsAsked))
}

fn fail(health: &Arc<Health>, now: Instant) {
    let mut pass = health.begin(now).expect("it admits");
    assert!(pass.failed(&Error::new(Kind::UpstreamFailure, ""), now));
}

#[rstest]
#[case::that_serves_one_model_is_judged_as_a_whole(UpstreamModel::Named("x".to_owned()), false)]
#[case::that_serves_what_is_asked_for_is_judged_per_model(UpstreamModel::AsAsked, true)]
#[case::that_serves_a_pattern_is_judged_per_model(UpstreamModel::Pattern("*".to_owned()), true)]
fn an_endpoint(#[case] model: UpstreamModel, #[case] is_per_model: bool) {
    let (health, now) = (Healths::new(SETTINGS).of(&endpoint(model)), Instant::now());
    fail(&health.of("m"), now);
    assert_eq!(health.of("n").admits(now), is_per_model);
    assert_eq!(health.models(now).map(|models| models.len()), is_per_model.then_some(1));
}

fn named() -> Endpoint {
    endpoint(UpstreamModel::Named("x".to_owned()))
}

#[rstest]
#[case::that_changes_nothing(named(), false)]
#[case::of_its_limits(Endpoint { share: Share { order: Some(1), ..Share::default() }, ..named() }, false)]
#[case::of_its_key(Endpoint { key: Some(Secret::new("another")), ..named() }, true)]
#[case::of_its_address(Endpoint { url: "http://elsewhere".parse().expect("a URL"), ..named() }, true)]
#[case::of_the_way_of_serving(endpoint(UpstreamModel::AsAsked), true)]
fn the_state_outlives_a_reload_unless_what_failed_was_mended(#[case] new: Endpoint, #[case] admits: bool) {
    let (healths, now) = (Healths::new(SETTINGS), Instant::now());
    fail(&healths.of(&named()).of("x"), now);
    assert_eq!(healths.of(&new).of("x").admits(now), admits);
}

#[test]
fn names_without_end_keep_no_memory_and_push_nothing_out() {
    let (health, now) = (many(), Instant::now());
    fail(&health.of("sick"), now);
    (0..10_000).for_each(|at| drop(health.of(&format!("made-up-{at}"))));
    assert!(health.all().len() <= MAX_MODELS + 1);
    assert!(!health.of("sick").admits(now));
}

#[test]
fn models_for_which_there_is_no_room_are_judged_together() {
    let (health, now) = (many(), Instant::now());
    (0..MAX_MODELS).for_each(|at| fail(&health.of(&format!("sick-{at}")), now));
    fail(&health.of("one-more"), now);
    assert!(!health.of("yet-another").admits(now));
    assert_eq!(health.all().len(), MAX_MODELS + 1);
    let models = health.models(now).unwrap_or_default();
    assert!(models.iter().any(|(name, report)| name == OTHERS && report.state == State::Open));
}

#[test]
fn a_name_that_is_too_long_is_not_kept() {
    let health = many();
    let first = health.of(&"m".repeat(MAX_NAME_BYTES + 1));
    assert!(Arc::ptr_eq(&first, &health.of(&"n".repeat(MAX_NAME_BYTES + 1))));
}

#[test]
fn the_report_on_an_endpoint_sums_up_its_models() {
    let (health, now) = (many(), Instant::now());
    assert_eq!(health.report(now), HealthReport::unknown());
    fail(&health.of("sick"), now);
    assert_eq!(health.report(now).state, State::Open, "the only model of which anything is known");
    health.of("well").begin(now).expect("it admits").succeeded(now);
    drop(health.of("never answered"));
    let report = health.report(now);
    assert_eq!((report.state, report.requests, report.openings), (State::Degraded, 2, 1));
    let names = health.models(now).unwrap_or_default().into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), ["sick", "well"]);
}

#[test]
fn openings_are_counted_on_when_their_model_is_forgotten() {
    let (health, start) = (many(), Instant::now());
    let Some(long_ago) = start.checked_sub(Duration::from_secs(600)) else { return };
    fail(&health.of("sick"), long_ago);
    let mut probe = health.of("sick").begin(long_ago + Duration::from_secs(200)).expect("its time is over");
    probe.succeeded(long_ago + Duration::from_secs(200));
    drop(probe);
    (0..=MAX_MODELS).for_each(|at| drop(health.of(&format!("made-up-{at}"))));
    assert!(health.models(start).unwrap_or_default().is_empty());
    assert_eq!(health.report(start).openings, 1);
}
