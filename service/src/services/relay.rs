//! A streamed answer on its way to the caller: bytes as they come, and an honest end.
//!
//! The relay passes on whole events only, so that whatever happens it stands between two of them and
//! can say what happened. `[DONE]` goes out if the upstream sent it, and in no other case. Nothing is
//! read from the upstream before the caller has taken what came last.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::completion::Failed;
use super::lifecycle::{self, InFlight};
use super::tap::{Tap, UsageEvent};
use super::usage::Recorder;
use crate::domain::endpoint::Deadlines;
use crate::error::{Error, Kind, Result};
use crate::outbound::answer::Answer;
use crate::outbound::deadline::Deadline;
use crate::wire::sse::{self, Splitter};

/// A call whose answer has not begun; when it does, it is a stream of events.
pub type PendingAnswer = Pin<Box<dyn Future<Output = Result<Answer, Failed>> + Send>>;

/// An event larger than this is no event of any model: the stream is broken.
const MAX_EVENT_BYTES: usize = 16 << 20;

/// How long the connection's end is waited for after `[DONE]`, so that it can be used again.
const CLOSING_TIME: Duration = Duration::from_millis(500);

/// Where the answer is.
enum Phase {
    /// The upstream has not begun to answer; the caller gets keep-alives.
    Waiting(PendingAnswer),
    /// Events come in.
    Flowing(Answer),
    /// The caller has everything; the upstream's connection is read to its end.
    Closing(Answer),
    /// Nothing more goes out.
    Ended,
}

/// What woke the relay.
enum Wake {
    Head(Result<Answer, Failed>),
    Chunk(Option<Result<Bytes>>),
    Timer,
    Cut,
}

/// A streamed answer. Dropping it closes the upstream's connection and records that the caller left.
pub struct Relay {
    phase: Phase,
    splitter: Splitter,
    tap: Tap,
    recorder: Recorder,
    timers: Timers,
    cut: CancellationToken,
    cut_signal: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    _in_flight: InFlight,
}

/// What a relay needs from the outside.
pub(super) struct RelayParts {
    pub usage_event: UsageEvent,
    pub recorder: Recorder,
    pub keepalive: Option<Duration>,
    pub cut: CancellationToken,
    pub in_flight: InFlight,
}

impl Relay {
    /// Relays an answer that has begun.
    pub(super) fn flowing(answer: Answer, parts: RelayParts) -> Self {
        let mut relay = Self::new(Phase::Ended, parts);
        relay.begin(answer);
        relay
    }

    /// Relays an answer that is still waited for: the caller has its head already.
    pub(super) fn waiting(pending: PendingAnswer, parts: RelayParts) -> Self {
        let mut relay = Self::new(Phase::Waiting(pending), parts);
        relay.timers.comment_due_at_once();
        relay
    }

    fn new(phase: Phase, parts: RelayParts) -> Self {
        let about = &parts.recorder.about;
        let timers = Timers::new(about.endpoint.deadlines, parts.keepalive, about.received);
        Self {
            phase,
            splitter: Splitter::default(),
            tap: Tap::new(parts.usage_event),
            recorder: parts.recorder,
            timers,
            cut: parts.cut,
            cut_signal: None,
            _in_flight: parts.in_flight,
        }
    }

    /// The next bytes for the caller, never empty; `None` when the answer is over.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if matches!(self.phase, Phase::Ended) {
                return Poll::Ready(None);
            }
            let out = match ready!(self.poll_wake(cx)) {
                Wake::Head(Ok(answer)) => {
                    self.begin(answer);
                    Bytes::new()
                }
                Wake::Head(Err(failed)) => self.fail(&failed.error),
                Wake::Chunk(Some(Ok(chunk))) => self.chunk(chunk),
                Wake::Chunk(Some(Err(error))) => self.fail(&error),
                Wake::Chunk(None) => self.end_of_upstream(),
                Wake::Timer => self.timer(),
                Wake::Cut => self.fail(&lifecycle::stopping()),
            };
            if !out.is_empty() {
                return Poll::Ready(Some(out));
            }
        }
    }

    /// When the answer has to be over, whether or not the caller reads it.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.timers.deadline.at()
    }

    /// Ends the answer because its deadline is over; what the caller is told when it reads again.
    pub fn expire(&mut self) -> Bytes {
        if matches!(self.phase, Phase::Ended) {
            return Bytes::new();
        }
        let error = self.timers.deadline.exceeded();
        self.fail(&error)
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        // An upstream that always has more must not keep the rest from being seen.
        if self.cut.is_cancelled() {
            return Poll::Ready(Wake::Cut);
        }
        if self.timers.deadline_is_over() {
            return Poll::Ready(Wake::Timer);
        }
        let upstream = match &mut self.phase {
            Phase::Waiting(pending) => pending.as_mut().poll(cx).map(Wake::Head),
            Phase::Flowing(answer) | Phase::Closing(answer) => answer.poll_chunk(cx).map(Wake::Chunk),
            Phase::Ended => Poll::Ready(Wake::Chunk(None)),
        };
        if upstream.is_ready() {
            self.timers.progress();
            return upstream;
        }
        let cut = &self.cut;
        let signal = self.cut_signal.get_or_insert_with(|| Box::pin(cut.clone().cancelled_owned()));
        if signal.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Wake::Cut);
        }
        self.timers.poll(cx).map(|()| Wake::Timer)
    }

    fn begin(&mut self, mut answer: Answer) {
        answer.forget_headers();
        self.recorder.begun = true;
        self.phase = Phase::Flowing(answer);
    }

    fn chunk(&mut self, chunk: Bytes) -> Bytes {
        if matches!(self.phase, Phase::Closing(_)) {
            return Bytes::new();
        }
        match self.splitter.push(chunk, MAX_EVENT_BYTES) {
            Ok(whole) if whole.is_empty() => whole,
            Ok(whole) => self.events(whole),
            Err(_) => {
                let message = format!("an event is larger than {MAX_EVENT_BYTES} bytes");
                self.fail(&Error::new(Kind::MalformedAnswer, message).with_code("event_too_large"))
            }
        }
    }

    fn events(&mut self, whole: Bytes) -> Bytes {
        let passed = self.tap.pass(&self.recorder.about.endpoint, whole);
        if self.tap.seen.relayed.deltas > 0 {
            self.recorder.token_seen();
        }
        match passed.end {
            None => passed.forward,
            Some(Ok(())) => {
                self.complete();
                passed.forward
            }
            Some(Err(error)) => [passed.forward, self.fail(&error)].concat().into(),
        }
    }

    fn complete(&mut self) {
        self.recorder.seen = std::mem::take(&mut self.tap.seen);
        self.recorder.complete();
        self.timers.close_within(CLOSING_TIME);
        self.phase = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Flowing(answer) => Phase::Closing(answer),
            other => other,
        };
    }

    /// The upstream's body is over. Only `[DONE]` makes an answer complete.
    fn end_of_upstream(&mut self) -> Bytes {
        if matches!(self.phase, Phase::Closing(_)) {
            self.phase = Phase::Ended;
            return Bytes::new();
        }
        if is_done_without_empty_line(self.splitter.rest()) {
            self.complete();
            self.phase = Phase::Ended;
            return Bytes::from_static(sse::DONE);
        }
        let name = &self.recorder.about.endpoint.name;
        let message = format!("{name} ended its stream before it was complete");
        self.fail(&Error::new(Kind::Truncated, message))
    }

    /// Ends the answer with an error event; the upstream's connection is closed.
    fn fail(&mut self, error: &Error) -> Bytes {
        if matches!(self.phase, Phase::Closing(_)) {
            self.phase = Phase::Ended;
            return Bytes::new();
        }
        self.phase = Phase::Ended;
        self.recorder.seen = std::mem::take(&mut self.tap.seen);
        self.recorder.fail(error);
        error_event(error)
    }

    fn timer(&mut self) -> Bytes {
        match self.timers.due(matches!(self.phase, Phase::Flowing(_))) {
            Due::Nothing => Bytes::new(),
            Due::KeepAlive => Bytes::from_static(sse::KEEP_ALIVE),
            Due::Closing => {
                self.phase = Phase::Ended;
                Bytes::new()
            }
            Due::Idle => self.fail(&super::completion::idle(&self.recorder.about.endpoint)),
            Due::Deadline(error) => self.fail(&error),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The record closes as cancelled, with what had been relayed by then, unless it is closed.
        self.recorder.seen = std::mem::take(&mut self.tap.seen);
    }
}

/// A stream may end right behind `data: [DONE]`, without the empty line.
fn is_done_without_empty_line(rest: &[u8]) -> bool {
    match sse::parse(rest) {
        sse::Event::Data { data, .. } => sse::is_done(&data),
        _ => false,
    }
}

/// The failure as the last event of a stream.
fn error_event(error: &Error) -> Bytes {
    let json = serde_json::to_string(error).unwrap_or_else(|_| "{\"error\":{}}".to_owned());
    sse::data_event(&json)
}

/// What a timer was for.
enum Due {
    Nothing,
    KeepAlive,
    Idle,
    Deadline(Error),
    Closing,
}

/// Keep-alive, idle timeout and deadline on one timer, which is moved only when it fires: a chunk
/// costs no timer operation.
struct Timers {
    idle: Duration,
    keepalive: Option<Duration>,
    deadline: Deadline,
    closing: Option<Instant>,
    /// Since when nothing has come from the upstream although the caller could take it.
    silent_since: Option<Instant>,
    last_comment: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timers {
    fn new(deadlines: Deadlines, keepalive: Option<Duration>, received: Instant) -> Self {
        Self {
            idle: deadlines.idle,
            keepalive,
            deadline: Deadline::after(received, deadlines.total),
            closing: None,
            silent_since: None,
            last_comment: None,
            sleep: None,
        }
    }

    const fn progress(&mut self) {
        self.silent_since = None;
    }

    fn deadline_is_over(&self) -> bool {
        self.deadline.at() <= Instant::now()
    }

    /// The silence began a whole interval ago.
    fn comment_due_at_once(&mut self) {
        self.silent_since = self.keepalive.and_then(|interval| Instant::now().checked_sub(interval));
    }

    fn close_within(&mut self, limit: Duration) {
        self.closing = Some(Instant::now() + limit);
        self.sleep = None;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silent_since = *self.silent_since.get_or_insert_with(Instant::now);
        let next = self.next(silent_since);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next.into())));
        sleep.as_mut().poll(cx)
    }

    /// When the timer has to fire at the latest if nothing comes.
    fn next(&self, silent_since: Instant) -> Instant {
        let idle = silent_since + self.idle;
        let comment = self.comment_at(silent_since);
        let closing = self.closing;
        [Some(idle), comment, closing].into_iter().flatten().fold(self.deadline.at(), Instant::min)
    }

    fn comment_at(&self, silent_since: Instant) -> Option<Instant> {
        let since = self.last_comment.map_or(silent_since, |last| last.max(silent_since));
        self.keepalive.map(|interval| since + interval)
    }

    /// What is due now that the timer has fired. `flowing` says whether the idle timeout applies: the
    /// wait for an answer's head has its own.
    fn due(&mut self, flowing: bool) -> Due {
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
