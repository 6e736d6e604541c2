//! Requests that may be repeated: a repeat gets the answer that is there or on its way, instead of paying
//! for another one.
//!
//! Such an answer is driven by a task of its own, so that it runs on when its caller leaves. Whoever asks
//! reads the record of it ([`record`]). A repeat has to be the same request; a failure before the answer
//! began is not kept, and of a broken answer only those who had its beginning get the rest.

mod key;
mod log;
mod record;
mod run;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use key::{IDEMPOTENCY_KEY, Key, LAST_EVENT_ID, events_had};
pub use record::{Head, Listener};
pub use store::Limits;

use self::key::Fingerprint;
use self::run::Run;
use self::store::{Asking, Place, Store};
use super::completion::{Asked, Engine, Failed};
use super::lifecycle::InFlight;
use crate::outbound::client::Client;
use crate::ports::ReplayObserver;

/// How often old answers are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What a caller says of its request beside what it asks.
pub struct Wish {
    /// The request's name.
    pub key: Key,
    /// How many events of the answer the caller had.
    pub events_had: usize,
}

/// A caller's place before an answer.
pub struct Attached {
    /// The answer's head.
    pub head: Arc<Head>,
    /// What is read.
    pub listener: Listener,
    /// The request that was asked first, by its id; `None` where it is this one.
    pub replay_of: Option<String>,
    /// To be kept until the answer is read.
    pub in_flight: InFlight,
}

/// The answers of requests that may be repeated; shared by all workers.
pub struct Repeats {
    store: Arc<Store>,
    observer: Arc<dyn ReplayObserver>,
}

impl Repeats {
    /// None so far.
    #[must_use]
    pub fn new(limits: Limits, observer: Arc<dyn ReplayObserver>) -> Self {
        Self { store: Arc::new(Store::new(limits)), observer }
    }

    /// Answers a request, or attaches it to the answer of the one that it repeats.
    ///
    /// # Errors
    /// Everything that goes wrong before the first byte; a key that was used for another request (422), an
    /// answer that was not kept (409), and nothing to resume (400).
    pub async fn ask(
        &self,
        engine: &Arc<Engine>,
        client: &Client,
        asked: Asked,
        wish: Wish,
    ) -> Result<Attached, Arc<Failed>> {
        let in_flight = engine.lifecycle.admit().map_err(failed)?;
        let (listener, replay_of) = self.place(engine, client, asked, &wish).map_err(failed)?;
        let head = listener.begun().await?;
        listener.skip(wish.events_had).map_err(failed)?;
        if replay_of.is_some() {
            self.observer.replayed();
        }
        Ok(Attached { head, listener, replay_of, in_flight })
    }

    /// Where the answer is read, and whose it is if it is a repeat.
    fn place(
        &self,
        engine: &Arc<Engine>,
        client: &Client,
        asked: Asked,
        wish: &Wish,
    ) -> crate::error::Result<(Listener, Option<String>)> {
        let asking = Asking {
            key: &wish.key,
            fingerprint: Fingerprint::of(&asked),
            events_had: wish.events_had,
            request_id: &asked.request_id,
            format: asked.format,
        };
        match self.store.place(&asking, Instant::now())? {
            Place::Repeat(listener) => {
                let original = listener.record().request_id.clone();
                Ok((listener, Some(original)))
            }
            Place::First(listener) => {
                let record = Arc::clone(listener.record());
                let run = Run::new(Arc::clone(&self.store), wish.key.clone(), record, asked.format);
                tokio::spawn(run.drive(Arc::clone(engine), client.clone(), asked));
                Ok((listener, None))
            }
        }
    }

    /// Drops answers when they are old, for ever.
    pub async fn reap(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            self.store.sweep(Instant::now());
        }
    }
}

fn failed(error: crate::error::Error) -> Arc<Failed> {
    Arc::new(error.into())
}
