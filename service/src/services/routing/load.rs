//! What an endpoint is doing, and did lately: what strategies choose by. Shared by all workers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// The loads of all endpoints, by name.
#[derive(Default)]
pub struct Loads(Mutex<HashMap<String, Arc<Load>>>);

impl Loads {
    /// The load of the endpoint of that name; a new one where it is not known yet.
    pub fn of(&self, endpoint: &str) -> Arc<Load> {
        let mut loads = self.0.lock();
        if let Some(load) = loads.get(endpoint) {
            return Arc::clone(load);
        }
        let load = Arc::<Load>::default();
        loads.insert(endpoint.to_owned(), Arc::clone(&load));
        load
    }
}

/// One endpoint's load.
#[derive(Debug, Default)]
pub struct Load {
    in_flight: AtomicUsize,
    /// A moving average of the wait for an answer's head, in microseconds; 0 while nothing is known.
    latency_us: AtomicU64,
    minute: Mutex<Option<Minute>>,
    turns: Mutex<Option<(usize, Arc<Semaphore>)>>,
}

/// What was used in the minute that began then.
#[derive(Clone, Copy, Debug)]
struct Minute {
    began: Instant,
    requests: u64,
    tokens: u64,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Load {
    /// Counts a request in.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> InUse {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.minute(|minute| minute.requests += 1);
        InUse(Arc::clone(self))
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The turns of an endpoint that may have `limit` requests in flight. A new limit begins anew: whoever
    /// has a turn of the old one keeps it.
    pub fn turns(&self, limit: usize) -> Arc<Semaphore> {
        let mut slot = self.turns.lock();
        match &*slot {
            Some((of, turns)) if *of == limit => Arc::clone(turns),
            _ => Arc::clone(&slot.insert((limit, Arc::new(Semaphore::new(limit)))).1),
        }
    }

    /// The moving average of the wait for an answer's head; zero while nothing is known.
    pub fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_us.load(Ordering::Relaxed))
    }

    /// Requests and tokens in the current minute.
    pub fn used(&self) -> (u64, u64) {
        self.minute(|minute| (minute.requests, minute.tokens))
    }

    /// How long until the current minute is over.
    pub fn next_minute(&self) -> Duration {
        self.minute(|minute| MINUTE.saturating_sub(minute.began.elapsed()))
    }

    fn minute<T>(&self, read: impl FnOnce(&mut Minute) -> T) -> T {
        let mut slot = self.minute.lock();
        let minute = match &mut *slot {
            Some(minute) if minute.began.elapsed() < MINUTE => minute,
            expired => expired.insert(Minute { began: Instant::now(), requests: 0, tokens: 0 }),
        };
        read(minute)
    }
}

/// A request in flight at an endpoint; over when this is dropped.
#[derive(Debug)]
pub struct InUse(Arc<Load>);

impl InUse {
    /// The head of the answer came after `wait`.
    pub fn answered(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.0.latency_us.load(Ordering::Relaxed);
        let average = if before == 0 { wait } else { before - before / 5 + wait / 5 };
        self.0.latency_us.store(average.max(1), Ordering::Relaxed);
    }

    /// The answer cost so many tokens.
    pub fn spent(&self, tokens: u64) {
        self.0.minute(|minute| minute.tokens = minute.tokens.saturating_add(tokens));
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_counts_what_is_in_flight_and_what_was_spent() {
        let loads = Loads::default();
        let in_use = loads.of("a").begin();
        in_use.answered(Duration::from_millis(100));
        in_use.spent(7);
        assert_eq!((loads.of("a").in_flight(), loads.of("a").used()), (1, (1, 7)));
        assert_eq!(loads.of("a").latency(), Duration::from_millis(100));
        assert_eq!(loads.of("b").used(), (0, 0));
        in_use.answered(Duration::from_millis(200));
        assert_eq!(loads.of("a").latency(), Duration::from_millis(120));
        drop(in_use);
        assert_eq!(loads.of("a").in_flight(), 0);
    }
}
