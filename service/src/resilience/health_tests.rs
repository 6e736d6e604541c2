use super::*;
use crate::error::Kind;
use rstest::rstest;

const SETTINGS: BreakerSettings = BreakerSettings { failures: 3, open: Duration::from_secs(120) };

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn health() -> Arc<Health> {
    Arc::new(Health::new(SETTINGS))
}

fn sick() -> Error {
    Error::new(Kind::UpstreamFailure, "the server is on fire")
}

fn begin(health: &Arc<Health>, now: Instant) -> Pass {
    health.begin(now).expect("it admits")
}

fn fail(health: &Arc<Health>, now: Instant) -> bool {
    begin(health, now).failed(&sick(), now)
}

fn succeed(health: &Arc<Health>, now: Instant) {
    begin(health, now).succeeded(now);
}

/// One that opened at `now`, and when it lets its probe through.
fn opened(now: Instant) -> (Arc<Health>, Instant) {
    let health = health();
    let openings: Vec<bool> = (0..3).map(|_| fail(&health, now)).collect();
    assert_eq!(openings, [false, false, true]);
    let probes_at = health.opens_at(now).expect("it is open");
    (health, probes_at)
}

#[test]
fn nothing_is_wrong_with_one_that_was_never_asked() {
    let (health, now) = (health(), Instant::now());
    assert_eq!(health.report(now), HealthReport::unknown());
    assert!(health.admits(now));
}

#[test]
fn consecutive_failures_open_it_for_its_time_and_a_tenth_at_most() {
    let now = Instant::now();
    let (health, probes_at) = opened(now);
    assert!((s(120)..=s(132)).contains(&(probes_at - now)));
    assert_eq!(health.begin(now).err(), Some(probes_at));
    assert!(!health.admits(now) && health.admits(probes_at));
}

#[test]
fn looking_takes_no_permit() {
    let (health, probes_at) = opened(Instant::now());
    assert!(health.admits(probes_at) && health.admits(probes_at));
    assert!(begin(&health, probes_at).is_probe());
}

#[test]
fn one_request_probes_and_its_answer_closes() {
    let (health, probes_at) = opened(Instant::now());
    let mut probe = begin(&health, probes_at);
    assert!(!health.admits(probes_at));
    assert_eq!(health.report(probes_at).state, State::Probing);
    assert!(probe.answered(s(1), probes_at), "it closed the breaker");
    assert!(!probe.answered(s(1), probes_at), "only once");
    assert_eq!(health.report(probes_at).state, State::Degraded);
    probe.succeeded(probes_at);
    assert_eq!(health.report(probes_at).consecutive_failures, 0);
}

#[test]
fn a_probe_that_succeeds_without_a_first_byte_closes_too() {
    let (health, probes_at) = opened(Instant::now());
    begin(&health, probes_at).succeeded(probes_at);
    assert!(!begin(&health, probes_at).is_probe());
}

#[test]
fn a_probe_that_fails_leaves_it_open_for_longer() {
    let (health, probes_at) = opened(Instant::now());
    assert!(!fail(&health, probes_at), "it did not open: it was");
    let next = health.opens_at(probes_at).expect("it is open");
    assert!((s(240)..=s(264)).contains(&(next - probes_at)));
    assert_eq!(health.report(probes_at).openings, 1);
}

#[rstest]
#[case::where_the_client_left(None)]
#[case::where_the_client_is_at_fault(Some(Error::invalid("n", "no number")))]
#[case::where_the_rate_is_limited(Some(Error::new(Kind::RateLimited, "slowly")))]
fn a_probe_without_an_outcome_gives_its_permit_back(#[case] verdict: Option<Error>) {
    let (health, probes_at) = opened(Instant::now());
    let mut probe = begin(&health, probes_at);
    if let Some(error) = verdict {
        assert!(!probe.failed(&error, probes_at));
    }
    drop(probe);
    assert!(begin(&health, probes_at).is_probe());
    assert_eq!(health.report(probes_at).requests, 3, "no further outcome is counted");
}

#[test]
fn streams_that_always_break_in_the_middle_open_it() {
    let (health, now) = (health(), Instant::now());
    let broken = |_| {
        let mut pass = begin(&health, now);
        pass.answered(s(1), now);
        pass.failed(&sick(), now)
    };
    assert_eq!((0..3).map(broken).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_stream_that_probes_and_breaks_in_the_middle_opens_it_again() {
    let (health, probes_at) = opened(Instant::now());
    let mut probe = begin(&health, probes_at);
    probe.answered(s(1), probes_at);
    assert!(probe.failed(&sick(), probes_at));
    assert!(!health.admits(probes_at + s(239)));
}

#[test]
fn a_failure_rate_opens_it_although_successes_come_between() {
    let (health, now) = (health(), Instant::now());
    let mut opened_after = 0;
    for pair in 1..=30 {
        succeed(&health, now);
        if fail(&health, now) {
            opened_after = pair;
            break;
        }
    }
    assert_eq!(opened_after, 10, "pairs, which are twenty outcomes");
}

#[test]
fn failures_of_more_than_a_minute_ago_make_no_rate() {
    let (health, now) = (health(), Instant::now());
    for _ in 0..9 {
        succeed(&health, now);
        fail(&health, now);
    }
    succeed(&health, now + s(90));
    assert!(!fail(&health, now + s(90)));
}

#[test]
fn each_pass_counts_once() {
    let (health, now) = (health(), Instant::now());
    let mut pass = begin(&health, now);
    pass.succeeded(now);
    assert!(!pass.failed(&sick(), now));
    pass.succeeded(now);
    drop(pass);
    let report = health.report(now);
    assert_eq!((report.requests, report.failures, report.consecutive_failures), (1, 0, 0));
}

#[rstest]
#[case::a_failure_since_the_last_success(0, 1, 0, State::Degraded)]
#[case::one_failure_among_nine(0, 1, 8, State::Degraded)]
#[case::one_failure_among_ten(0, 1, 9, State::Healthy)]
#[case::too_few_outcomes_to_tell(0, 1, 3, State::Healthy)]
#[case::nothing_but_successes(3, 0, 0, State::Healthy)]
fn it_is_degraded_while_it_fails_now_and_then(
    #[case] before: usize,
    #[case] failures: usize,
    #[case] after: usize,
    #[case] expected: State,
) {
    let (health, now) = (health(), Instant::now());
    (0..before).for_each(|_| succeed(&health, now));
    (0..failures).for_each(|_| assert!(!fail(&health, now)));
    (0..after).for_each(|_| succeed(&health, now));
    assert_eq!(health.report(now).state, expected);
}

#[test]
fn one_that_asked_for_a_rest_is_degraded_until_then() {
    let (health, now) = (health(), Instant::now());
    health.rest(now + s(20));
    health.rest(now + s(10));
    assert_eq!(health.rests_until(now), Some(now + s(20)));
    assert!(health.admits(now), "it may be asked all the same");
    assert_eq!(health.report(now).state, State::Degraded);
    assert_eq!(health.report(now).rests_for, Some(s(20)));
    assert_eq!(health.rests_until(now + s(20)), None);
    assert_eq!(health.report(now + s(20)).state, State::Healthy);
}

#[test]
fn the_report_says_what_failed_and_when() {
    let now = Instant::now();
    let (health, probes_at) = opened(now);
    let report = health.report(now + s(7));
    let expected = LastError {
        code: "upstream_failure".to_owned(),
        message: "the server is on fire".to_owned(),
        ago: s(7),
    };
    assert_eq!(report.last_error, Some(expected));
    assert_eq!((report.state, report.consecutive_failures), (State::Open, 3));
    assert_eq!((report.open_for, report.probes_in), (Some(s(7)), Some(probes_at - now - s(7))));
    assert!(report.success_rate < f64::EPSILON);
    assert_eq!(health.report(probes_at + s(1)).probes_in, Some(Duration::ZERO));
}

#[test]
fn outcomes_are_told_for_five_minutes() {
    let (health, now) = (health(), Instant::now());
    fail(&health, now);
    succeed(&health, now);
    assert_eq!(health.report(now + s(289)).requests, 2);
    assert_eq!(health.report(now + s(300)).requests, 0);
    assert_eq!(health.report(now + s(86_400)).state, State::Healthy);
}

#[test]
fn latencies_are_those_of_first_bytes() {
    let (health, now) = (health(), Instant::now());
    for wait_ms in 1..=100 {
        begin(&health, now).answered(Duration::from_millis(wait_ms), now);
    }
    let report = health.report(now);
    assert_eq!(report.latency_p50, Some(Duration::from_millis(50)));
    assert_eq!(report.latency_p95, Some(Duration::from_millis(95)));
}

#[test]
fn a_probe_of_the_list_lets_the_next_request_probe() {
    let now = Instant::now();
    let (health, _) = opened(now);
    health.probed(false, now);
    assert!(!health.admits(now));
    health.probed(true, now);
    assert_eq!(health.report(now).state, State::Open);
    assert!(begin(&health, now).is_probe());
}

#[test]
fn a_day_that_passes_in_a_jump_is_survived() {
    let now = Instant::now();
    let (health, _) = opened(now);
    let tomorrow = now + s(86_400);
    let mut probe = begin(&health, tomorrow);
    probe.answered(s(1), tomorrow);
    probe.succeeded(tomorrow);
    let report = health.report(tomorrow);
    assert_eq!((report.state, report.requests, report.failures), (State::Healthy, 1, 0));
}

#[test]
fn of_two_hundred_waiting_requests_one_probes() {
    let (health, probes_at) = opened(Instant::now());
    let barrier = std::sync::Barrier::new(8);
    let probes = std::thread::scope(|scope| {
        let tries = || {
            barrier.wait();
            (0..25).filter_map(|_| health.begin(probes_at).ok()).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(tries)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(probes.len(), 1);
}

#[rstest]
#[case::all_of_them_are_open(&[State::Open, State::Open], State::Open)]
#[case::one_of_them_is_open(&[State::Healthy, State::Open], State::Degraded)]
#[case::all_of_them_are_well(&[State::Healthy, State::Healthy], State::Healthy)]
#[case::there_are_none(&[], State::Healthy)]
fn many_are_summed_up_by_the_state_they_share(#[case] states: &[State], #[case] expected: State) {
    let reports: Vec<_> =
        states.iter().map(|state| HealthReport { state: *state, ..HealthReport::unknown() }).collect();
    assert_eq!(HealthReport::of_all(&reports).state, expected);
}

#[test]
fn the_sum_of_many_counts_all_of_them() {
    let now = Instant::now();
    let (open, well) = (opened(now).0, health());
    let mut pass = begin(&well, now);
    pass.answered(s(2), now);
    pass.succeeded(now);
    let sum = HealthReport::of_all(&[well.report(now), open.report(now)]);
    assert_eq!((sum.requests, sum.failures, sum.consecutive_failures, sum.openings), (4, 3, 3, 1));
    assert!((sum.success_rate - 0.25).abs() < f64::EPSILON);
    assert_eq!((sum.latency_p50, sum.open_for), (Some(s(2)), Some(Duration::ZERO)));
    assert!(sum.last_error.is_some());
}
