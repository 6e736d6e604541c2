//! Drives one answer into its record, whoever reads it.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::key::Key;
use super::record::{End, Head, Record};
use super::store::Store;
use crate::adapters::{self, ClientFormat};
use crate::error::{Error, Kind};
use crate::outbound::client::Client;
use crate::services::completion::{Asked, Engine, Failed, Served};
use crate::services::relay::Relay;
use crate::wire::numbering::Numbering;

/// One run. Dropped before its end, it says that the answer broke off.
pub struct Run {
    store: Arc<Store>,
    key: Key,
    record: Arc<Record>,
    format: ClientFormat,
    numbering: Numbering,
    phase: Phase,
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Asking,
    Answering,
    Over,
}

impl Run {
    /// Whatever comes goes into `record`.
    pub fn new(store: Arc<Store>, key: Key, record: Arc<Record>, format: ClientFormat) -> Self {
        let numbering = Numbering::behind(record.last_number());
        Self { store, key, record, format, numbering, phase: Phase::Asking }
    }

    /// Asks, and follows the answer to its end.
    pub async fn drive(mut self, engine: Arc<Engine>, client: Client, asked: Asked) {
        // On the heap: there is one for each open answer.
        match Box::pin(engine.complete(&client, asked)).await {
            Err(failed) => self.fail(failed),
            Ok(Served::Whole { by, headers, body, in_flight: _in_flight }) => {
                self.begin(Head { by: Some(by), headers, whole_len: Some(body.len()) });
                self.push(&body, &[]);
                self.end(End::Complete);
            }
            Ok(Served::Stream { by, headers, relay }) => {
                self.begin(Head { by, headers, whole_len: None });
                let end = self.follow(relay, &engine.lifecycle.cut_signal()).await;
                self.end(end);
            }
        }
    }

    /// Passes on what the relay gives. It is asked for no more than there is room for, and not after its
    /// deadline.
    async fn follow(&mut self, mut relay: Box<Relay>, cut: &CancellationToken) -> End {
        let mut end = End::Broken;
        loop {
            let record = &self.record;
            tokio::select! {
                biased;
                () = poll_fn(|cx| record.poll_room(cx)) => {}
                // The relay itself says what that means.
                () = cut.cancelled() => {}
                () = tokio::time::sleep_until(relay.deadline().into()) => {
                    let last = relay.expire();
                    self.events(&last);
                    return end;
                }
            }
            let Some(events) = poll_fn(|cx| relay.poll_next(cx)).await else { return end };
            if adapters::says_complete(self.format, &events) {
                end = End::Complete;
            }
            self.events(&events);
        }
    }

    fn begin(&mut self, head: Head) {
        self.phase = Phase::Answering;
        self.record.begin(Ok(Arc::new(head)));
    }

    fn fail(&mut self, failed: Failed) {
        self.phase = Phase::Over;
        // Gone before anybody knows of the failure: who asks again because of it is to ask anew.
        self.store.drop_entry(&self.key, &self.record);
        self.record.begin(Err(Arc::new(failed)));
    }

    /// Only Server-Sent Events have a place for numbers.
    fn events(&mut self, events: &[u8]) {
        if self.format == ClientFormat::Openai {
            let numbered = self.numbering.number(events);
            self.push(&numbered.bytes, &numbered.ends);
        } else {
            self.push(events, &[]);
        }
    }

    /// Copied, because what comes is often a small part of a large buffer.
    fn push(&self, bytes: &[u8], event_ends: &[usize]) {
        if !bytes.is_empty() {
            self.record.push(Bytes::copy_from_slice(bytes), event_ends);
            self.store.make_room(&self.record);
        }
    }

    fn end(&mut self, end: End) {
        self.phase = Phase::Over;
        self.record.end(end);
        self.store.ended(&self.key, &self.record, end, Instant::now());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let given_up = Error::new(Kind::Internal, "the answer was given up");
        match self.phase {
            Phase::Asking => self.fail(given_up.into()),
            Phase::Answering => {
                let last = adapters::error_event(self.format, &given_up);
                self.events(&last);
                self.end(End::Broken);
            }
            Phase::Over => {}
        }
    }
}
