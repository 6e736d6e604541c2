//! When a relay has to do something although nothing comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use crate::error::Error;
use crate::outbound::deadline::Deadline;

/// What a timer was for.
pub enum Due {
    Nothing,
    KeepAlive,
    Idle,
    Deadline(Error),
    Closing,
}

/// Keep-alive, idle timeout and deadline on one timer, which is moved only when it fires: a chunk
/// costs no timer operation.
pub struct Timers {
    pub idle: Duration,
    keepalive: Option<Duration>,
    pub deadline: Deadline,
    closing: Option<Instant>,
    /// Since when nothing has come from the upstream although the caller could take it.
    silent_since: Option<Instant>,
    last_comment: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timers {
    pub const fn new(idle: Duration, keepalive: Option<Duration>, deadline: Deadline) -> Self {
        Self { idle, keepalive, deadline, closing: None, silent_since: None, last_comment: None, sleep: None }
    }

    /// The limits of the endpoint that answers.
    pub fn follow(&mut self, idle: Duration, deadline: Deadline) {
        self.idle = idle;
        self.deadline = deadline;
        self.sleep = None;
    }

    pub const fn progress(&mut self) {
        self.silent_since = None;
    }

    pub fn deadline_is_over(&self) -> bool {
        self.deadline.at() <= Instant::now()
    }

    /// The silence began a whole interval ago.
    pub fn comment_due_at_once(&mut self) {
        self.silent_since = self.keepalive.and_then(|interval| Instant::now().checked_sub(interval));
    }

    pub fn close_within(&mut self, limit: Duration) {
        self.closing = Some(Instant::now() + limit);
        self.sleep = None;
    }

    pub fn poll(&mut self, cx: &mut Context<'_>, flowing: bool) -> Poll<()> {
        let silent_since = *self.silent_since.get_or_insert_with(Instant::now);
        let next = self.next(silent_since, flowing);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next.into())));
        sleep.as_mut().poll(cx)
    }

    /// When the timer has to fire at the latest if nothing comes. Only for what [`Timers::due`] acts upon: a
    /// moment that is over, and that nothing comes of, would make it fire again and again.
    fn next(&self, silent_since: Instant, flowing: bool) -> Instant {
        let idle = flowing.then(|| silent_since + self.idle);
        let comment = self.comment_at(silent_since);
        let closing = self.closing;
        [idle, comment, closing].into_iter().flatten().fold(self.deadline.at(), Instant::min)
    }

    fn comment_at(&self, silent_since: Instant) -> Option<Instant> {
        let since = self.last_comment.map_or(silent_since, |last| last.max(silent_since));
        self.keepalive.map(|interval| since + interval)
    }

    /// What is due now that the timer has fired. `flowing` says whether the idle timeout applies: the
    /// wait for an answer's head has its own.
    pub fn due(&mut self, flowing: bool) -> Due {
        self.sleep = None;
        let now = Instant::now();
        let silent_since = self.silent_since.unwrap_or(now);
        if self.closing.is_some_and(|at| at <= now) {
            return Due::Closing;
        }
        if self.deadline.at() <= now {
            return Due::Deadline(self.deadline.exceeded());
        }
        if flowing && silent_since + self.idle <= now {
            return Due::Idle;
        }
        if self.comment_at(silent_since).is_some_and(|at| at <= now) {
            self.last_comment = Some(now);
            return Due::KeepAlive;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::an_answer_that_flows(true, 60)]
    #[case::one_whose_head_is_waited_for(false, 600)]
    fn the_idle_timeout_wakes_only_those_whose_answer_flows(#[case] flowing: bool, #[case] expected_s: u64) {
        let now = Instant::now();
        let (idle, total) = (Duration::from_secs(60), Duration::from_secs(600));
        let timers = Timers::new(idle, None, Deadline::after(now, total));
        assert_eq!(timers.next(now, flowing), now + Duration::from_secs(expected_s));
    }
}
