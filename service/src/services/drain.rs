//! Reading on a stream whose caller has left, where its provider bills all of it anyway: its end says how
//! much.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::lifecycle::InFlight;
use super::passage::Passage;
use super::usage::Recorder;
use crate::outbound::answer::Answer;

/// A stream without a caller.
pub struct Abandoned {
    pub answer: Answer,
    pub passage: Passage,
    /// Open; what was relayed is noted in it.
    pub recorder: Recorder,
    pub cut: CancellationToken,
}

impl Abandoned {
    /// Reads on in the background, for `limit` at most, and closes the record as cancelled. It is in flight
    /// until then.
    pub fn drain(mut self, limit: Duration, in_flight: Option<InFlight>) {
        // Without a runtime, nothing can be read: the record closes here.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let _held = in_flight;
            let cut = self.cut.clone();
            tokio::select! {
                () = self.read() => {}
                () = tokio::time::sleep(limit) => {}
                () = cut.cancelled() => {}
            }
            // What it cost; what the caller got stays what it was.
            let seen = self.passage.seen();
            self.recorder.seen.tokens = seen.tokens;
            self.recorder.seen.finish_reason.clone_from(&seen.finish_reason);
        });
    }

    async fn read(&mut self) {
        while let Some(Ok(chunk)) = self.answer.chunk().await {
            let recorder = &self.recorder;
            let passed = self.passage.chunk(recorder.endpoint(), chunk, || recorder.timing());
            if passed.end.is_some() {
                return;
            }
        }
    }
}
