//! What the engine's thread has for one caller: messages in order, and whom to wake.
//!
//! Bytes come in as fast as the upstream sends and wait here until Python takes them, all at once. If it
//! takes none, the upstream is held up after [`MAX_WAITING_BYTES`].

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pyo3::{Py, PyAny};
use tokio::sync::Notify;

use crate::failure::Failure;
use crate::hub::Wakes;

/// How much of a stream may wait for a caller that does not read.
pub const MAX_WAITING_BYTES: usize = 256 * 1024;

/// The head of an answer.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Upstream calls that were made; 0 where nobody says.
    pub fn attempts(&self) -> u32 {
        self.header("x-llm-proxy-attempts").and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// What the engine's thread has to say.
#[derive(Debug)]
pub enum Message {
    /// A notice, as JSON: for the caller's callback.
    Notice(Bytes),
    /// The whole answer.
    Whole(Head, Bytes),
    /// A stream begins.
    Begins(Head),
    /// The data of one event of the stream.
    Event(Bytes),
    /// The stream is over, and complete.
    Complete,
    /// There is no answer, or not all of it.
    Failed(Failure),
    /// The caller ended the call, from another thread or task perhaps than the one that waits.
    HungUp,
}

impl Message {
    fn waiting_bytes(&self) -> usize {
        match self {
            Self::Event(data) => data.len(),
            _ => 0,
        }
    }

    /// Whether nothing comes behind it.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Whole(..) | Self::Complete | Self::Failed(_) | Self::HungUp)
    }
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    waiting_bytes: usize,
    /// A caller in an event loop that is to be woken.
    wakes: Option<Arc<Wakes>>,
    /// A caller in a thread that waits.
    has_waiter: bool,
    /// Whether the last message is in.
    is_finished: bool,
}

/// One caller's mailbox.
#[derive(Default)]
pub struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
    room: Notify,
    /// What a caller in an event loop waits for; only touched with the GIL held.
    future: Mutex<Option<Py<PyAny>>>,
}

impl Mailbox {
    /// Puts messages in and wakes the caller, if it waits.
    pub fn put(self: &Arc<Self>, messages: impl IntoIterator<Item = Message>) {
        let mut state = self.lock();
        for message in messages {
            state.waiting_bytes += message.waiting_bytes();
            state.is_finished |= message.is_last();
            state.messages.push_back(message);
        }
        if state.messages.is_empty() {
            return;
        }
        let wakes = state.wakes.take();
        let has_waiter = std::mem::take(&mut state.has_waiter);
        drop(state);
        if has_waiter {
            self.arrived.notify_all();
        }
        if let Some(wakes) = wakes {
            wakes.wake(self);
        }
    }

    /// Whether the last message is in.
    pub fn is_finished(&self) -> bool {
        self.lock().is_finished
    }

    /// Whether there is enough for a caller that does not read.
    pub fn is_full(&self) -> bool {
        self.lock().waiting_bytes > MAX_WAITING_BYTES
    }

    /// Waits until there is room for more.
    pub async fn has_room(&self) {
        while self.is_full() {
            self.room.notified().await;
        }
    }

    /// Takes out all that is there. Where nothing comes any more, as somebody else has taken the last message, it
    /// is as if the call had been ended: of several who wait, one is given the end.
    pub fn take_all(&self, into: &mut VecDeque<Message>) {
        let mut state = self.lock();
        let was_full = state.waiting_bytes > MAX_WAITING_BYTES;
        state.waiting_bytes = 0;
        if into.is_empty() {
            std::mem::swap(&mut state.messages, into);
        } else {
            into.append(&mut state.messages);
        }
        if into.is_empty() && state.is_finished {
            into.push_back(Message::HungUp);
        }
        drop(state);
        if was_full {
            self.room.notify_one();
        }
    }

    /// Blocks until there is something, for `patience` at most. To be called without the GIL.
    pub fn wait(&self, patience: Duration) {
        let mut state = self.lock();
        if state.messages.is_empty() && !state.is_finished {
            state.has_waiter = true;
            let waited = self.arrived.wait_timeout(state, patience);
            let _state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has `wakes` woken when something comes; false where something is there already.
    pub fn wake_by(&self, wakes: &Arc<Wakes>) -> bool {
        let mut state = self.lock();
        if !state.messages.is_empty() || state.is_finished {
            return false;
        }
        state.wakes = Some(Arc::clone(wakes));
        true
    }

    /// Puts in the future that the caller waits for, and takes out the one before.
    pub fn set_future(&self, future: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
        std::mem::replace(&mut *self.future.lock().unwrap_or_else(PoisonError::into_inner), future)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
