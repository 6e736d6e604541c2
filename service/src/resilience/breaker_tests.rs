use super::*;
use rstest::rstest;

const SETTINGS: BreakerSettings = BreakerSettings { failures: 3, open: Duration::from_secs(120) };
const FEW: Recent = Recent { outcomes: 3, failures: 3 };

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A breaker that opened at `now`, without jitter.
fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(SETTINGS);
    let openings: Vec<bool> = (0..3).map(|_| breaker.failed(now, FEW, 0.0)).collect();
    assert_eq!(openings, [false, false, true]);
    breaker
}

#[test]
fn an_open_breaker_refuses_until_its_time_is_over() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert_eq!(breaker.admit(now), Admission::Refused(now + s(120)));
    assert_eq!(breaker.admit(now + s(119)), Admission::Refused(now + s(120)));
    assert_eq!(breaker.admit(now + s(120)), Admission::Probe);
}

#[test]
fn a_success_in_between_makes_failures_not_consecutive() {
    let now = Instant::now();
    let mut breaker = Breaker::new(SETTINGS);
    breaker.failed(now, FEW, 0.0);
    breaker.failed(now, FEW, 0.0);
    breaker.succeeded(now);
    assert!(!breaker.failed(now, FEW, 0.0));
    assert_eq!(breaker.admit(now), Admission::Free);
}

#[rstest]
#[case::half_of_twenty(20, 10, true)]
#[case::less_than_half(21, 10, false)]
#[case::too_few_to_tell(19, 18, false)]
fn a_failure_rate_opens_it_too(#[case] outcomes: u64, #[case] failures: u64, #[case] opens: bool) {
    let mut breaker = Breaker::new(SETTINGS);
    assert_eq!(breaker.failed(Instant::now(), Recent { outcomes, failures }, 0.0), opens);
}

#[test]
fn only_one_probe_is_let_through() {
    let later = Instant::now() + s(120);
    let mut breaker = opened(later - s(120));
    assert_eq!(breaker.admit(later), Admission::Probe);
    assert_eq!(breaker.admit(later), Admission::Refused(later + PROBE_UNDER_WAY));
    breaker.probe_answered();
    assert_eq!(breaker.admit(later), Admission::Free);
}

#[test]
fn an_abandoned_probe_lets_the_next_request_probe() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.admit(now + s(120));
    breaker.probe_abandoned(now + s(130));
    assert_eq!(breaker.admit(now + s(130)), Admission::Probe);
}

#[rstest]
#[case::after_one_failed_probe(1, 240)]
#[case::after_two(2, 480)]
#[case::after_three(3, 960)]
#[case::ten_times_at_most(4, 1_200)]
#[case::however_often_it_fails(40, 1_200)]
fn every_failed_probe_doubles_the_time(#[case] probes: u32, #[case] expected_s: u64) {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    for _ in 0..probes {
        now += s(1_200);
        assert_eq!(breaker.admit(now), Admission::Probe);
        breaker.probe_failed(now, 0.0);
    }
    assert_eq!(breaker.opens_at(now), Some(now + s(expected_s)));
}

#[test]
fn jitter_adds_a_tenth_at_most() {
    let now = Instant::now();
    let mut breaker = Breaker::new(BreakerSettings { failures: 1, ..SETTINGS });
    breaker.failed(now, FEW, 1.0);
    assert_eq!(breaker.opens_at(now), Some(now + s(132)));
}

#[test]
fn after_an_answered_probe_a_single_failure_opens_it_for_longer() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.admit(now + s(120));
    breaker.probe_answered();
    assert!(breaker.failed(now + s(121), FEW, 0.0));
    assert_eq!(breaker.opens_at(now + s(121)), Some(now + s(121 + 240)));
}

#[test]
fn after_a_success_everything_is_as_before() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.admit(now + s(120));
    breaker.probe_answered();
    breaker.succeeded(now + s(121));
    assert_eq!(breaker.consecutive_failures(), 0);
    assert!(!breaker.failed(now + s(121), FEW, 0.0));
}

#[test]
fn what_set_out_before_it_opened_changes_nothing() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.succeeded(now + s(121));
    assert!(!breaker.failed(now + s(60), FEW, 0.0));
    assert_eq!(breaker.opens_at(now + s(60)), Some(now + s(120)));
    assert_eq!(breaker.consecutive_failures(), 4);
}

#[test]
fn a_day_that_passes_in_a_jump_lets_one_probe_through() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert_eq!(breaker.admit(now + s(86_400)), Admission::Probe);
    assert!(matches!(breaker.admit(now + s(86_400)), Admission::Refused(_)));
}

#[test]
fn an_endpoint_that_is_found_up_is_probed_at_once() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.found_up(now + s(5));
    assert_eq!(breaker.admit(now + s(5)), Admission::Probe);
}

#[test]
fn an_active_probe_that_misled_a_request_is_not_believed_again() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.found_up(now + s(5));
    breaker.admit(now + s(5));
    breaker.probe_failed(now + s(6), 0.0);
    breaker.found_up(now + s(10));
    assert_eq!(breaker.opens_at(now + s(10)), Some(now + s(6 + 240)));
}

#[test]
fn an_endpoint_that_is_found_down_is_not_probed_by_requests_for_a_while() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.found_down(now + s(115));
    assert_eq!(breaker.opens_at(now + s(120)), Some(now + s(115 + 120)));
    breaker.found_up(now + s(125));
    assert_eq!(breaker.admit(now + s(125)), Admission::Probe);
}

#[test]
fn active_probes_say_nothing_about_a_closed_breaker() {
    let now = Instant::now();
    let mut breaker = Breaker::new(SETTINGS);
    breaker.found_down(now);
    breaker.found_up(now);
    assert_eq!(breaker.admit(now), Admission::Free);
}

#[test]
fn the_longest_time_there_is_does_not_overflow() {
    let now = Instant::now();
    let settings = BreakerSettings { failures: 1, open: Duration::MAX };
    let mut breaker = Breaker::new(settings);
    assert!(breaker.failed(now, FEW, 1.0));
    assert_eq!(breaker.admit(now), Admission::Probe);
}

/// One in six fails, by chance three in a row.
#[test]
fn failures_now_and_then_do_not_open_it_however_many_there_are_in_a_row() {
    let now = Instant::now();
    let mut breaker = Breaker::new(SETTINGS);
    for round in 0..100 {
        for _ in 0..15 {
            breaker.succeeded(now + s(round));
        }
        for _ in 0..3 {
            assert!(!breaker.failed(now + s(round), FEW, 0.0), "round {round}");
        }
    }
}

#[rstest]
#[case::just_before(0, 32)]
#[case::so_long_ago_that_it_says_nothing(61, 3)]
fn a_busy_endpoint_that_dies_is_left_alone_once_half_of_what_is_known_failed(
    #[case] later_s: u64,
    #[case] failures: usize,
) {
    let now = Instant::now();
    let mut breaker = Breaker::new(SETTINGS);
    for _ in 0..1000 {
        breaker.succeeded(now);
    }
    let opened = (1..).find(|_| breaker.failed(now + s(later_s), FEW, 0.0));
    assert_eq!(opened, Some(failures));
}

#[test]
fn probes_that_find_it_down_keep_requests_away_for_the_longest_time_at_most() {
    let start = Instant::now();
    let mut breaker = opened(start);
    let mut now = start;
    while breaker.opens_at(now).is_some() && now < start + s(10_000) {
        now += s(60);
        breaker.found_down(now);
    }
    assert_eq!(now, start + s(1_200));
    assert_eq!(breaker.admit(now), Admission::Probe);
}
