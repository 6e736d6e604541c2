//! A timer wheel: thousands of streams that tick, no heap operations.

use std::time::{Duration, Instant};

/// Fine enough that streams do not clump together, coarse enough to share a wake-up.
const TICK: Duration = Duration::from_micros(200);
/// Slots of the wheel; later deadlines simply go round more than once (1.6 s here).
const SLOTS: usize = 8192;

/// Deadlines in slots of 200 µs.
#[derive(Debug)]
pub struct Wheel<T> {
    start: Instant,
    slots: Vec<Vec<(u64, T)>>,
    /// The first tick that was not handed out yet.
    cursor: u64,
    pending: usize,
}

impl<T: Copy> Wheel<T> {
    /// An empty wheel whose time begins at `start`.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { start, slots, cursor: 0, pending: 0 }
    }

    /// Hands `item` out in the first `advance` that reaches `due`; a past `due` means the next one.
    pub fn schedule(&mut self, due: Instant, item: T) {
        let tick = self.tick_at(due).saturating_add(1).max(self.cursor);
        let slot = slot_of(tick);
        self.slots[slot].push((tick, item));
        self.pending += 1;
    }

    /// Moves everything that is due at `now` into `due`, in order of its tick.
    pub fn advance(&mut self, now: Instant, due: &mut Vec<T>) {
        let last = self.tick_at(now);
        while self.cursor <= last {
            if self.pending == 0 {
                self.cursor = last + 1;
                break;
            }
            let tick = self.cursor;
            let slot = &mut self.slots[slot_of(tick)];
            let before = due.len();
            slot.retain(|&(at, item)| {
                if at <= tick {
                    due.push(item);
                }
                at > tick
            });
            self.pending -= due.len() - before;
            self.cursor += 1;
        }
    }

    /// How long to sleep at `now` until something may be due; `None` when nothing is scheduled.
    #[must_use]
    pub fn sleep(&self, now: Instant) -> Option<Duration> {
        if self.pending == 0 {
            return None;
        }
        let horizon = self.cursor + SLOTS as u64;
        let tick = (self.cursor..horizon).find(|&tick| !self.slots[slot_of(tick)].is_empty())?;
        let due = self.start + Duration::from_nanos(tick * nanos(TICK));
        Some(due.saturating_duration_since(now))
    }

    fn tick_at(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.start)) / nanos(TICK)
    }
}

fn slot_of(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or(0)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn nothing_is_early_and_nothing_is_lost() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let deadlines = [0, 1, 20, 20, 200, 1600, 5000];
        for &milliseconds in &deadlines {
            wheel.schedule(after(start, milliseconds), milliseconds);
        }
        let mut seen = Vec::new();
        for now in 0..5002 {
            let mut due = Vec::new();
            wheel.advance(after(start, now), &mut due);
            assert!(due.iter().all(|&at| at <= now), "{due:?} at {now}");
            assert!(due.iter().all(|&at| now <= at + 1), "{due:?} at {now}");
            seen.extend(due);
        }
        assert_eq!(seen, deadlines);
        assert_eq!(wheel.sleep(after(start, 5002)), None);
    }

    #[test]
    fn sleeps_until_the_next_deadline() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.schedule(after(start, 20), ());
        let sleep = wheel.sleep(after(start, 5)).unwrap_or_default();
        assert!(sleep >= Duration::from_millis(15) && sleep <= Duration::from_millis(16));
    }
}
