//! What happened: requests, connections, closures; and waiting for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The newest that are kept, so that a long run does not fill the memory.
const MAX_REQUESTS: usize = 10_000;
const MAX_CLOSURES: usize = 100_000;

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// From 1, in the order of accepting.
    pub connection_id: u64,
    /// From 1: the how-manieth request of its connection.
    pub number_on_connection: u64,
    /// `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// After the `?`, as it came.
    pub query: Option<String>,
    /// 0 or 1, of HTTP/1.x.
    pub minor_version: u8,
    /// In order, names in their original case.
    pub headers: Vec<(String, String)>,
    /// Decoded if it was chunked.
    pub body: Vec<u8>,
    /// False if the peer left or the behaviour stopped reading before the body's end.
    pub body_complete: bool,
    /// When its last byte was read.
    pub received_at: Instant,
}

impl RecordedRequest {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All headers of this name, in any case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closure {
    /// As in [`RecordedRequest::connection_id`].
    pub connection_id: u64,
    /// Whether the peer closed first, by FIN (a half-close too) or reset.
    pub by_peer: bool,
    /// Whether an answer was under way or due, rather than the next request. (The upstream's own
    /// closures are part of an answer.)
    pub while_answering: bool,
    /// When it was noticed or done.
    pub at: Instant,
    /// Bytes given to the kernel over the connection's life.
    pub bytes_written: u64,
}

/// The connections at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connections {
    /// Ever accepted.
    pub accepted: u64,
    /// Open now, by id.
    pub open: Vec<OpenConnection>,
    /// On all connections ever.
    pub bytes_written: u64,
}

/// A connection that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenConnection {
    /// As in [`RecordedRequest::connection_id`].
    pub connection_id: u64,
    /// Requests read so far.
    pub requests: u64,
    /// Bytes given to the kernel so far.
    pub bytes_written: u64,
    /// Since when the kernel has taken no more bytes: the peer does not read.
    pub blocked_since: Option<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub requests: VecDeque<RecordedRequest>,
    /// Since the last take, those no longer kept included.
    pub received: usize,
    pub closures: VecDeque<Closure>,
    /// Closures by the peer in the middle of an answer that nobody waited for yet.
    unseen: VecDeque<Closure>,
    pub protocol_errors: Vec<String>,
    open: BTreeMap<u64, OpenConnection>,
    accepted: u64,
    last_id: u64,
    bytes_written: u64,
}

impl State {
    pub fn connections(&self) -> Connections {
        Connections {
            accepted: self.accepted,
            open: self.open.values().copied().collect(),
            bytes_written: self.bytes_written,
        }
    }

    pub fn take_requests(&mut self) -> Vec<RecordedRequest> {
        self.received = 0;
        self.requests.drain(..).collect()
    }

    pub fn next_closure(&mut self) -> Option<Closure> {
        self.unseen.pop_front()
    }
}

/// The state, and word of its changes.
#[derive(Debug, Default)]
pub(crate) struct Record {
    state: Mutex<State>,
    changed: Condvar,
}

impl Record {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until `look` finds something; looks at each change, and every 5 ms for what changes
    /// without word (bytes written, time).
    pub fn wait<T>(&self, timeout: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let nap = left.min(Duration::from_millis(5));
            state = self.changed.wait_timeout(state, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn accepted(&self) -> u64 {
        let mut state = self.lock();
        state.last_id += 1;
        state.accepted += 1;
        let connection_id = state.last_id;
        let connection = OpenConnection { connection_id, requests: 0, bytes_written: 0, blocked_since: None };
        state.open.insert(connection_id, connection);
        drop(state);
        self.changed.notify_all();
        connection_id
    }

    /// A connection of the control routes is none of the service under test.
    pub fn forget(&self, connection_id: u64) {
        let mut state = self.lock();
        if let Some(connection) = state.open.remove(&connection_id) {
            state.accepted -= 1;
            state.bytes_written -= connection.bytes_written;
        }
    }

    pub fn received(&self, request: RecordedRequest) {
        let mut state = self.lock();
        if let Some(connection) = state.open.get_mut(&request.connection_id) {
            connection.requests += 1;
        }
        if state.requests.len() == MAX_REQUESTS {
            state.requests.pop_front();
        }
        state.requests.push_back(request);
        state.received += 1;
        drop(state);
        self.changed.notify_all();
    }

    pub fn protocol_error(&self, what: String) {
        self.lock().protocol_errors.push(what);
    }

    pub fn wrote(&self, connection_id: u64, bytes: usize) {
        let mut state = self.lock();
        if let Some(connection) = state.open.get_mut(&connection_id) {
            connection.bytes_written += bytes as u64;
            connection.blocked_since = None;
            state.bytes_written += bytes as u64;
        }
    }

    pub fn blocked(&self, connection_id: u64) {
        if let Some(connection) = self.lock().open.get_mut(&connection_id) {
            connection.blocked_since.get_or_insert_with(Instant::now);
        }
    }

    /// The first word counts: a connection ends once.
    pub fn closed(&self, connection_id: u64, by_peer: bool, while_answering: bool) {
        let mut state = self.lock();
        let Some(connection) = state.open.remove(&connection_id) else {
            return;
        };
        let closure = Closure {
            connection_id,
            by_peer,
            while_answering,
            at: Instant::now(),
            bytes_written: connection.bytes_written,
        };
        keep_newest(&mut state.closures, closure);
        if by_peer && while_answering {
            keep_newest(&mut state.unseen, closure);
        }
        drop(state);
        self.changed.notify_all();
    }
}

fn keep_newest(closures: &mut VecDeque<Closure>, closure: Closure) {
    if closures.len() == MAX_CLOSURES {
        closures.pop_front();
    }
    closures.push_back(closure);
}
