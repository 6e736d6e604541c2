//! Which answers can be had again, for how long, and how much of them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::key::{Fingerprint, IDEMPOTENCY_KEY, Key, nothing_to_resume};
use super::record::{End, Ledger, Listener, Record};
use crate::adapters::ClientFormat;
use crate::error::{Error, Result};

/// How long the rest of a broken answer can be had: it is of use to who had its beginning, and to nobody else.
const BROKEN_TTL: Duration = Duration::from_secs(60);

/// One answer may take up this part of the room.
const LARGEST_SHARE: usize = 4;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From an answer's end on.
    pub ttl: Duration,
    /// All answers together.
    pub max_bytes: usize,
}

/// A request, as far as the store has to know it.
pub struct Asking<'a> {
    /// Its name.
    pub key: &'a Key,
    /// What it asks.
    pub fingerprint: Fingerprint,
    /// How many events of the answer the caller had.
    pub events_had: usize,
    /// Its id.
    pub request_id: &'a str,
    /// The form in which it is answered.
    pub format: ClientFormat,
}

/// Where a request belongs.
pub enum Place {
    /// It is to be answered, into the record that is read here.
    First(Listener),
    /// It is a repeat of a request that is answered there.
    Repeat(Listener),
}

/// The answers that can be had again.
pub struct Store {
    limits: Limits,
    held: Ledger,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Key, Entry>,
    /// Oldest first; some of them may have been replaced or dropped since.
    ended: VecDeque<(Key, Weak<Record>)>,
}

struct Entry {
    fingerprint: Fingerprint,
    record: Arc<Record>,
    /// None while the answer runs.
    expires: Option<Instant>,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self { limits, held: Ledger::default(), inner: Mutex::default() }
    }

    /// Finds a request's place, and takes it if it is a new one.
    ///
    /// # Errors
    /// The key was used for another request, the answer was not kept, or nothing is there to resume.
    pub fn place(&self, asking: &Asking<'_>, now: Instant) -> Result<Place> {
        let mut inner = self.inner.lock();
        let known = inner.entries.get(asking.key).filter(|entry| entry.serves(asking, now));
        if let Some(entry) = known {
            return entry.repeat(asking);
        }
        if asking.events_had > 0 {
            return Err(nothing_to_resume());
        }
        let lag = self.limits.max_bytes / LARGEST_SHARE;
        let before = inner.entries.get(asking.key).map_or(0, |entry| entry.record.last_number());
        let listener = Record::open(asking.request_id, asking.format, lag, &self.held, before);
        let record = Arc::clone(listener.record());
        let entry = Entry { fingerprint: asking.fingerprint, record, expires: None };
        inner.entries.insert(asking.key.clone(), entry);
        Ok(Place::First(listener))
    }

    /// The request came to nothing: a repeat of it is a new one.
    pub fn drop_entry(&self, key: &Key, record: &Arc<Record>) {
        let mut inner = self.inner.lock();
        if inner.has(key, record) {
            inner.entries.remove(key);
        }
    }

    /// The answer has ended: from now on it grows old.
    pub fn ended(&self, key: &Key, record: &Arc<Record>, end: End, now: Instant) {
        let ttl = match end {
            End::Complete => self.limits.ttl,
            End::Broken => self.limits.ttl.min(BROKEN_TTL),
        };
        let mut inner = self.inner.lock();
        if let Some(entry) = inner.entries.get_mut(key).filter(|entry| Arc::ptr_eq(&entry.record, record)) {
            entry.expires = Some(now + ttl);
            inner.ended.push_back((key.clone(), Arc::downgrade(record)));
        }
    }

    /// Makes room for a record that has grown. If there is none, it is not kept itself.
    pub fn make_room(&self, record: &Record) {
        let share = self.limits.max_bytes / LARGEST_SHARE;
        if record.charged() > share || (self.is_full() && !self.evict()) {
            record.forget();
        }
    }

    /// Drops what is too old.
    pub fn sweep(&self, now: Instant) {
        let mut inner = self.inner.lock();
        let Inner { entries, ended } = &mut *inner;
        entries.retain(|_, entry| !entry.is_expired(now));
        ended.retain(|(key, record)| entries.get(key).is_some_and(|entry| entry.is(record)));
    }

    /// What all answers hold together, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        self.held_bytes() > self.limits.max_bytes
    }

    /// Drops the oldest answers that nobody reads, until there is room; false if there is none even so.
    fn evict(&self) -> bool {
        let mut inner = self.inner.lock();
        for _ in 0..inner.ended.len() {
            if !self.is_full() {
                break;
            }
            inner.drop_oldest();
        }
        drop(inner);
        !self.is_full()
    }
}

impl Inner {
    fn has(&self, key: &Key, record: &Arc<Record>) -> bool {
        self.entries.get(key).is_some_and(|entry| Arc::ptr_eq(&entry.record, record))
    }

    /// Drops the oldest answer; one that is being read goes back to the end of the queue.
    fn drop_oldest(&mut self) {
        let Some((key, record)) = self.ended.pop_front() else { return };
        match self.entries.get(&key).filter(|entry| entry.is(&record)) {
            Some(entry) if entry.record.is_read() => self.ended.push_back((key, record)),
            Some(_) => {
                self.entries.remove(&key);
            }
            None => {}
        }
    }
}

impl Entry {
    /// Whether the request is answered from here. The rest of a broken answer is for those who go on with it:
    /// for everybody else it is asked again.
    fn serves(&self, asking: &Asking<'_>, now: Instant) -> bool {
        let is_broken = self.record.ended() == Some(End::Broken);
        !self.is_expired(now) && (!is_broken || asking.events_had > 0)
    }

    fn repeat(&self, asking: &Asking<'_>) -> Result<Place> {
        if self.fingerprint != asking.fingerprint {
            return Err(reused());
        }
        self.record.listen().map(Place::Repeat).ok_or_else(not_kept)
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    fn is(&self, record: &Weak<Record>) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.record), record.as_ptr())
    }
}

/// As the draft asks for: 422.
fn reused() -> Error {
    let message = format!("`{IDEMPOTENCY_KEY}` was used for another request: a repeat has to be the same");
    Error::invalid(IDEMPOTENCY_KEY, message).with_code("idempotency_key_reused").with_status(422)
}

fn not_kept() -> Error {
    let message = "the answer to this request was too large to be kept: with another key it is asked again";
    Error::invalid(IDEMPOTENCY_KEY, message).with_code("idempotency_answer_not_kept").with_status(409)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
