//! A streamed answer on its way to the caller: bytes as they come, and an honest end.
//!
//! The relay passes on whole events only, so that whatever happens it stands between two of them and
//! can say what happened. `[DONE]` goes out if the upstream sent it, and in no other case. Nothing is
//! read from the upstream before the caller has taken what came last.

mod timers;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use timers::{Due, Timers};

use super::attempts::{Begin, Begun, Stream};
use super::completion::Failed;
use super::drain::Abandoned;
use super::goes_on::{BrokeOff, GoesOn};
use super::lifecycle::{self, InFlight};
use super::notices::rendered;
use super::passage::Passage;
use super::tap::{Passed, joined};
use super::usage::Recorder;
use super::whole;
use crate::adapters::{self, ClientFormat};
use crate::error::{Error, Result};
use crate::outbound::answer::Answer;
use crate::outbound::deadline::Deadline;

/// Attempts of which none has answered yet.
pub type PendingAnswer = Pin<Box<dyn Future<Output = Result<Box<Begun>, Failed>> + Send>>;

/// How long the connection's end is waited for after `[DONE]`, so that it can be used again.
const CLOSING_TIME: Duration = Duration::from_millis(500);

/// Where the answer is.
enum Phase {
    /// The upstream has not begun to answer; the caller gets keep-alives.
    Waiting(PendingAnswer),
    /// Events come in; there is nothing to wait for where all of the answer is known.
    Flowing(Option<Answer>, Passage),
    /// The caller has everything; the upstream's connection is read to its end.
    Closing(Answer),
    /// Nothing more goes out.
    Ended,
}

/// What woke the relay.
enum Wake {
    Head(Result<Box<Begun>, Failed>),
    Chunk(Option<Result<Bytes>>),
    Timer,
    Cut,
}

/// A streamed answer. Dropping it closes the upstream's connection and records that the caller left.
pub struct Relay {
    phase: Phase,
    format: ClientFormat,
    recorder: Recorder,
    /// What came of the answer before the relay took over.
    held: Option<Passed>,
    goes_on: Option<GoesOn>,
    broke_off: Option<BrokeOff>,
    timers: Timers,
    cut: CancellationToken,
    cut_signal: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    in_flight: Option<InFlight>,
}

/// What a relay needs from the outside.
pub(super) struct RelayParts {
    pub recorder: Recorder,
    pub keepalive: Option<Duration>,
    pub deadline: Deadline,
    pub cut: CancellationToken,
    pub in_flight: InFlight,
    pub goes_on: Option<GoesOn>,
}

impl Relay {
    /// Relays an answer that has begun.
    pub(super) fn flowing(begun: Box<Begun>, parts: RelayParts) -> Self {
        let mut relay = Self::new(Phase::Ended, parts);
        relay.begin(begun);
        relay
    }

    /// Relays an answer that is still waited for: the caller has its head already.
    pub(super) fn waiting(pending: PendingAnswer, parts: RelayParts) -> Self {
        let mut relay = Self::new(Phase::Waiting(pending), parts);
        relay.timers.comment_due_at_once();
        relay
    }

    /// The same, where it is a notice that the caller is sent first.
    pub(super) fn noticing(pending: PendingAnswer, parts: RelayParts) -> Self {
        Self::new(Phase::Waiting(pending), parts)
    }

    fn new(phase: Phase, parts: RelayParts) -> Self {
        let idle = parts.recorder.endpoint().stream_deadlines.idle;
        let timers = Timers::new(idle, parts.keepalive, parts.deadline);
        Self {
            phase,
            format: parts.recorder.request.asked.format,
            recorder: parts.recorder,
            held: None,
            goes_on: parts.goes_on,
            broke_off: None,
            timers,
            cut: parts.cut,
            cut_signal: None,
            in_flight: Some(parts.in_flight),
        }
    }

    /// The next bytes for the caller, never empty; `None` when the answer is over.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(held) = self.held.take() {
                let out = joined(self.notices(), self.pass(held));
                if !out.is_empty() {
                    return Poll::Ready(Some(out));
                }
            }
            if matches!(self.phase, Phase::Ended) {
                return Poll::Ready(None);
            }
            let wake = self.poll_wake(cx);
            let notices = self.notices();
            let out = match wake {
                Poll::Pending if notices.is_empty() => return Poll::Pending,
                Poll::Pending => notices,
                Poll::Ready(wake) => joined(notices, self.woken(wake)),
            };
            if !out.is_empty() {
                return Poll::Ready(Some(out));
            }
        }
    }

    fn woken(&mut self, wake: Wake) -> Bytes {
        match wake {
            Wake::Head(Ok(begun)) => {
                self.begin(begun);
                Bytes::new()
            }
            Wake::Head(Err(failed)) => {
                if let Some(by) = &failed.by {
                    self.recorder.failed_at(by);
                }
                self.fail(&failed.error)
            }
            Wake::Chunk(Some(Ok(chunk))) => self.chunk(chunk),
            Wake::Chunk(Some(Err(error))) => self.fail(&error),
            Wake::Chunk(None) => self.end_of_upstream(),
            Wake::Timer => self.timer(),
            Wake::Cut => self.fail(&lifecycle::stopping()),
        }
    }

    /// What the attempts have to tell the caller since it was told last.
    fn notices(&self) -> Bytes {
        let request = &self.recorder.request;
        match (request.asked.notices, &request.heard) {
            (Some(form), Some(heard)) if !heard.is_empty() => rendered(form, &heard.take_all()),
            _ => Bytes::new(),
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
            Phase::Flowing(Some(answer), _) | Phase::Closing(answer) => {
                answer.poll_chunk(cx).map(Wake::Chunk)
            }
            Phase::Flowing(None, _) | Phase::Ended => Poll::Ready(Wake::Chunk(None)),
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
        let flowing = matches!(self.phase, Phase::Flowing(..));
        self.timers.poll(cx, flowing).map(|()| Wake::Timer)
    }

    fn begin(&mut self, begun: Box<Begun>) {
        let Begun { by, answer, in_use, deadline, .. } = *begun;
        let Begin::Stream(stream) = answer else { return };
        let Stream { held, passage, rest } = *stream;
        if let (Some(goes_on), Some(broke_off)) = (&self.goes_on, self.broke_off.take()) {
            goes_on.tell(&self.recorder.request, &broke_off, &by.endpoint.name);
        }
        self.timers.follow(by.endpoint.stream_deadlines.idle, deadline);
        self.recorder.served_by(&by, in_use);
        self.recorder.begun = true;
        self.held = Some(held);
        self.phase = Phase::Flowing(rest, passage);
    }

    fn chunk(&mut self, chunk: Bytes) -> Bytes {
        let Phase::Flowing(_, passage) = &mut self.phase else { return Bytes::new() };
        let recorder = &self.recorder;
        let passed = passage.chunk(recorder.endpoint(), chunk, || recorder.timing());
        self.pass(passed)
    }

    /// The upstream's body is over. Only the vendor's own word makes an answer complete.
    fn end_of_upstream(&mut self) -> Bytes {
        let Phase::Flowing(_, passage) = &mut self.phase else {
            self.phase = Phase::Ended;
            return Bytes::new();
        };
        let recorder = &self.recorder;
        let passed = passage.end(recorder.endpoint(), || recorder.timing());
        let out = self.pass(passed);
        // Unless another endpoint goes on.
        if !matches!(self.phase, Phase::Waiting(_)) {
            self.phase = Phase::Ended;
        }
        out
    }

    fn pass(&mut self, passed: Passed) -> Bytes {
        if matches!(&self.phase, Phase::Flowing(_, passage) if passage.seen().relayed.deltas > 0) {
            self.recorder.token_seen();
        }
        match passed.end {
            None => passed.forward,
            Some(Ok(())) => {
                self.complete();
                passed.forward
            }
            Some(Err(error)) => joined(passed.forward, self.fail(&error)),
        }
    }

    fn complete(&mut self) {
        self.note_seen();
        self.recorder.complete();
        self.timers.close_within(CLOSING_TIME);
        self.phase = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Flowing(Some(answer), _) => Phase::Closing(answer),
            Phase::Flowing(None, _) => Phase::Ended,
            other => other,
        };
    }

    /// What was relayed is recorded, however the answer ends.
    fn note_seen(&mut self) {
        if let Phase::Flowing(_, passage) = &self.phase {
            self.recorder.seen = passage.seen().clone();
        }
    }

    /// Ends the answer with an error event; the upstream's connection is closed.
    fn fail(&mut self, error: &Error) -> Bytes {
        if matches!(self.phase, Phase::Closing(_)) {
            self.phase = Phase::Ended;
            return Bytes::new();
        }
        self.note_seen();
        if self.goes_on(error) {
            return Bytes::new();
        }
        self.phase = Phase::Ended;
        self.recorder.fail(error);
        let told = self.broke_off.as_ref().map_or(error, |broke_off| &broke_off.error);
        adapters::error_event(self.format, told).into()
    }

    /// Has another endpoint go on, if the caller wants that and somebody can. What was relayed by then has
    /// a record of its own.
    fn goes_on(&mut self, error: &Error) -> bool {
        let (Phase::Flowing(_, passage), Some(goes_on)) = (&self.phase, &mut self.goes_on) else {
            return false;
        };
        let Some(text) = passage.continuable_text() else { return false };
        let Some((broke_off, pending, recorder)) = goes_on.ask(&self.recorder, text, error) else {
            return false;
        };
        self.recorder.fail(error);
        self.recorder = recorder;
        self.broke_off = Some(broke_off);
        self.timers.follow(self.timers.idle, goes_on.deadline);
        self.phase = Phase::Waiting(pending);
        true
    }

    fn timer(&mut self) -> Bytes {
        match self.timers.due(matches!(self.phase, Phase::Flowing(..))) {
            Due::Nothing => Bytes::new(),
            Due::KeepAlive => Bytes::from_static(adapters::keep_alive(self.format)),
            Due::Closing => {
                self.phase = Phase::Ended;
                Bytes::new()
            }
            Due::Idle => self.fail(&whole::idle(self.recorder.endpoint(), self.timers.idle)),
            Due::Deadline(error) => self.fail(&error),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The record closes as cancelled, with what had been relayed by then, unless it is closed.
        self.note_seen();
        let limit = self.recorder.endpoint().drain_cancelled;
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        if let (Phase::Flowing(Some(answer), passage), Some(limit)) = (phase, limit) {
            let (recorder, in_flight) = (self.recorder.hand_over(), self.in_flight.take());
            Abandoned { answer, passage, recorder, cut: self.cut.clone() }.drain(limit, in_flight);
        }
    }
}
