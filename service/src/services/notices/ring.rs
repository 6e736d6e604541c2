//! The last notices, and who waits for the next one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::SystemTime;

use super::{KEPT, Published};

/// What a place in the ring holds.
pub enum Place {
    /// A notice.
    Holds(Arc<Published>),
    /// Nothing yet: the next notice comes here.
    IsNext,
    /// Its notice is gone.
    IsGone,
}

/// Shared by the hub and its listeners, behind a lock that is held for moments.
pub struct Ring {
    kept: VecDeque<Arc<Published>>,
    first: u64,
    next: u64,
    listening: BTreeMap<u64, Waker>,
    next_listener: u64,
}

impl Ring {
    /// Ids count on from the Unix time in microseconds, so that an id of an earlier life of the service is
    /// not taken for one of this life. Numbers of JavaScript hold them.
    pub fn since(now: SystemTime) -> Self {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let first = u64::try_from(since_epoch.as_micros()).unwrap_or(1).max(1);
        let kept = VecDeque::new();
        Self { kept, first, next: first, listening: BTreeMap::new(), next_listener: 0 }
    }

    /// Keeps a notice under the next id; whom to wake, once the lock is free.
    pub fn push(&mut self, name: &'static str, json: Box<str>) -> (Arc<Published>, Vec<Waker>) {
        let published = Arc::new(Published { id: self.next, json, name });
        self.next += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(&published));
        let listening = std::mem::take(&mut self.listening);
        (published, listening.into_values().collect())
    }

    /// What the place `id` holds.
    pub fn at(&self, id: u64) -> Place {
        if id == self.next {
            return Place::IsNext;
        }
        let index = id.checked_sub(self.oldest()).and_then(|index| usize::try_from(index).ok());
        let kept = index.and_then(|index| self.kept.get(index));
        kept.map_or(Place::IsGone, |published| Place::Holds(Arc::clone(published)))
    }

    /// The place of the oldest notice that is kept, or of the next one.
    pub fn oldest(&self) -> u64 {
        self.kept.front().map_or(self.next, |published| published.id)
    }

    /// The place of the next notice.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Whether this life of the service gave `id`, or is about to give the one behind it.
    pub fn knows(&self, id: u64) -> bool {
        (self.first - 1..self.next).contains(&id)
    }

    /// A number for somebody who wants to listen.
    pub const fn new_listener(&mut self) -> u64 {
        self.next_listener += 1;
        self.next_listener
    }

    /// Wakes `listener` when the next notice comes.
    pub fn listen(&mut self, listener: u64, waker: &Waker) {
        self.listening.entry(listener).and_modify(|known| known.clone_from(waker)).or_insert(waker.clone());
    }

    /// Wakes `listener` no more.
    pub fn forget(&mut self, listener: u64) {
        self.listening.remove(&listener);
    }
}
