use super::*;
use crate::error::{INSUFFICIENT_QUOTA, Kind};
use rstest::rstest;

const DAY: Duration = Duration::from_secs(86_400);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan(failover: Failover, attempts: u32, hops: usize) -> Plan {
    let backoff = Backoff { base: ms(1000), max: ms(30_000) };
    Plan::new(Policy { failover, attempts, backoff }, hops)
}

fn overloaded() -> Error {
    Error::new(Kind::UpstreamFailure, "overloaded")
}

fn limited(wait: Duration) -> Error {
    Error::new(Kind::RateLimited, "slow down").with_retry_after(RetryAfter::Delay(wait))
}

/// Whom a request asks whose attempts all fail, and the waits, drawn at their longest.
fn asked(mut plan: Plan, error: &Error, now: Instant, deadline: Instant) -> Vec<(usize, u64)> {
    let mut asked = Vec::new();
    while let Next::Ask { at, wait } = plan.next(now, deadline, 1.0, |_| Standing::default()) {
        asked.push((at, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        plan.failed(at, error, now);
    }
    asked
}

#[rstest]
#[case::eager(Failover::Eager, &[(0, 0), (1, 0), (0, 1000), (1, 1000), (0, 2000), (1, 2000)])]
#[case::patient(Failover::Patient, &[(0, 0), (0, 1000), (0, 2000), (1, 0), (1, 1000), (1, 2000)])]
fn a_request_goes_on_as_the_operator_wants_it(#[case] failover: Failover, #[case] expected: &[(usize, u64)]) {
    let now = Instant::now();
    assert_eq!(asked(plan(failover, 3, 2), &overloaded(), now, now + DAY), expected);
}

#[rstest]
#[case::one_attempt(1, &[(0, 0), (1, 0)])]
#[case::two_attempts(2, &[(0, 0), (1, 0), (0, 1000), (1, 1000)])]
fn an_endpoint_gets_so_many_attempts(#[case] attempts: u32, #[case] expected: &[(usize, u64)]) {
    let now = Instant::now();
    assert_eq!(asked(plan(Failover::Eager, attempts, 2), &overloaded(), now, now + DAY), expected);
}

#[rstest]
#[case::an_empty_account(Error::new(Kind::RateLimited, "").with_code(INSUFFICIENT_QUOTA))]
#[case::a_wrong_key(Error::new(Kind::BackendAuthentication, ""))]
fn who_would_say_the_same_again_is_asked_once(#[case] error: Error) {
    let now = Instant::now();
    assert_eq!(asked(plan(Failover::Patient, 3, 2), &error, now, now + DAY), [(0, 0), (1, 0)]);
}

#[rstest]
#[case::shorter_than_the_backoff(ms(300), &[(0, 0), (0, 1000)])]
#[case::longer(ms(7000), &[(0, 0), (0, 7000)])]
#[case::the_longest(ms(30_000), &[(0, 0), (0, 30_000)])]
#[case::longer_than_the_longest(ms(30_001), &[(0, 0)])]
fn a_wait_that_was_asked_for_is_waited_unless_it_is_too_long(
    #[case] wait: Duration,
    #[case] expected: &[(usize, u64)],
) {
    let now = Instant::now();
    assert_eq!(asked(plan(Failover::Eager, 2, 1), &limited(wait), now, now + DAY), expected);
}

#[test]
fn who_would_have_to_answer_behind_the_deadline_is_not_asked() {
    let now = Instant::now();
    assert_eq!(asked(plan(Failover::Eager, 3, 1), &overloaded(), now, now + ms(1500)), [(0, 0), (0, 1000)]);
}

#[test]
fn an_open_breaker_is_passed_over_and_its_time_is_told_when_nobody_is_left() {
    let now = Instant::now();
    let mut plan = plan(Failover::Eager, 1, 3);
    let standing =
        |at| Standing { opens_at: [Some(now + ms(900)), None, Some(now + ms(500))][at], rests: false };
    let next = plan.next(now, now + DAY, 0.5, standing);
    assert_eq!(next, Next::Ask { at: 1, wait: Duration::ZERO });
    plan.failed(1, &overloaded(), now);
    assert_eq!(plan.next(now, now + DAY, 0.5, standing), Next::Nobody { opens_at: Some(now + ms(500)) });
}

#[test]
fn who_wants_to_be_left_alone_is_asked_last_but_before_anybody_is_asked_twice() {
    let now = Instant::now();
    let mut plan = plan(Failover::Eager, 3, 3);
    let standing = |at| Standing { opens_at: None, rests: at == 0 };
    let mut order = Vec::new();
    for _ in 0..4 {
        let Next::Ask { at, .. } = plan.next(now, now + DAY, 0.5, standing) else { break };
        order.push(at);
        plan.failed(at, &overloaded(), now);
    }
    assert_eq!(order, [1, 2, 0, 1]);
}

#[test]
fn who_is_left_out_is_not_asked() {
    let now = Instant::now();
    let mut plan = plan(Failover::Eager, 3, 2);
    plan.leave_out(0);
    assert_eq!(
        plan.next(now, now + DAY, 0.5, |_| Standing::default()),
        Next::Ask { at: 1, wait: Duration::ZERO }
    );
    assert_eq!((plan.failures(0), plan.failures(1)), (0, 0));
}
