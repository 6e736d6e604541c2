//! How long answers took to begin.

use std::array;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many answers are remembered.
const KEPT: usize = 128;

/// How long they are remembered.
const WINDOW_S: u64 = 300;

/// The waits for the last answers. Without a lock: a reader may see a wait too many or too few.
#[derive(Debug)]
pub struct Waits {
    began: OnceLock<Instant>,
    next: AtomicUsize,
    /// Each the second in which it was noted, counted from `began`, and the microseconds in the lower half; 0
    /// where there is none yet.
    noted: [AtomicU64; KEPT],
}

impl Default for Waits {
    fn default() -> Self {
        let noted = array::from_fn(|_| AtomicU64::new(0));
        Self { began: OnceLock::new(), next: AtomicUsize::new(0), noted }
    }
}

impl Waits {
    /// Remembers one, and forgets the oldest.
    pub fn note(&self, wait: Duration, now: Instant) {
        let wait_us = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX).max(1);
        let at = self.next.fetch_add(1, Ordering::Relaxed) % KEPT;
        self.noted[at].store((self.second(now) << 32) | u64::from(wait_us), Ordering::Relaxed);
    }

    /// Those of the last five minutes, in microseconds, the shortest first.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    pub fn sorted_us(&self, now: Instant) -> Vec<u32> {
        let now_s = self.second(now);
        let noted = self.noted.iter().map(|noted| noted.load(Ordering::Relaxed));
        let recent = noted.filter(|noted| *noted > 0 && now_s.saturating_sub(*noted >> 32) < WINDOW_S);
        let mut waits_us: Vec<u32> = recent.map(|noted| noted as u32).collect();
        waits_us.sort_unstable();
        waits_us
    }

    fn second(&self, now: Instant) -> u64 {
        let began = self.began.get_or_init(|| now);
        now.saturating_duration_since(*began).as_secs()
    }
}

/// The wait that so many per cent of `sorted_us` do not exceed; `None` where nothing is known.
pub fn percentile(sorted_us: &[u32], percent: usize) -> Option<Duration> {
    let rank = (sorted_us.len() * percent).div_ceil(100).max(1);
    let wait_us = sorted_us.get(rank - 1)?;
    Some(Duration::from_micros(u64::from(*wait_us)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn noted(waits_ms: impl IntoIterator<Item = u64>, now: Instant) -> Waits {
        let waits = Waits::default();
        waits_ms.into_iter().for_each(|ms| waits.note(Duration::from_millis(ms), now));
        waits
    }

    #[rstest]
    #[case::the_middle(50, 50)]
    #[case::nearly_the_slowest(95, 95)]
    #[case::the_slowest(100, 100)]
    fn percentiles_are_waits_that_were_seen(#[case] percent: usize, #[case] expected_ms: u64) {
        let now = Instant::now();
        let sorted_us = noted((1..=100).rev(), now).sorted_us(now);
        assert_eq!(percentile(&sorted_us, percent), Some(Duration::from_millis(expected_ms)));
    }

    #[rstest]
    #[case::the_middle(50)]
    #[case::nearly_the_slowest(95)]
    fn a_single_wait_is_every_percentile_and_none_is_none(#[case] percent: usize) {
        assert_eq!(percentile(&[7_000], percent), Some(Duration::from_millis(7)));
        assert_eq!(percentile(&[], percent), None);
    }

    #[test]
    fn the_oldest_waits_make_room_for_new_ones() {
        let now = Instant::now();
        let waits = noted([60_000; 10].into_iter().chain([5; KEPT]), now);
        assert_eq!(waits.sorted_us(now), [5_000; KEPT]);
    }

    #[rstest]
    #[case::remembered_for_five_minutes(299, 1)]
    #[case::and_no_longer(300, 0)]
    #[case::not_for_a_day(86_400, 0)]
    fn waits_are_forgotten_with_time(#[case] later_s: u64, #[case] expected: usize) {
        let now = Instant::now();
        let later = now + Duration::from_secs(later_s);
        assert_eq!(noted([5], now).sorted_us(later).len(), expected);
    }
}
