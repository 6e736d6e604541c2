//! Percentiles of what a client saw, in milliseconds for people.

use std::time::Duration;

use serde_json::{Value, json};

/// Samples in nanoseconds, kept one by one: a run has at most some hundred thousand.
#[derive(Debug, Default)]
pub struct Samples {
    nanoseconds: Vec<u64>,
}

impl Samples {
    /// Adds one sample.
    pub fn push(&mut self, nanoseconds: u64) {
        self.nanoseconds.push(nanoseconds);
    }

    /// Adds one sample.
    pub fn push_duration(&mut self, duration: Duration) {
        self.push(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nanoseconds.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nanoseconds.is_empty()
    }

    /// `{"p50": …, "p99": …, "p999": …, "max": …}` in milliseconds; nulls without samples.
    #[must_use]
    pub fn summary_ms(&mut self) -> Value {
        self.nanoseconds.sort_unstable();
        json!({
            "p50": self.at_permille(500),
            "p99": self.at_permille(990),
            "p999": self.at_permille(999),
            "max": self.at_permille(1000),
        })
    }

    /// Nearest rank: the smallest sample that `permille` of all samples do not exceed.
    fn at_permille(&self, permille: usize) -> Option<f64> {
        let rank = (self.nanoseconds.len() * permille).div_ceil(1000).max(1);
        self.nanoseconds.get(rank - 1).map(|&nanoseconds| milliseconds(nanoseconds))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a latency of 104 days would lose a nanosecond")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_of_the_sorted_samples() {
        let mut samples = Samples::default();
        for value in (1..=1000u64).rev() {
            samples.push(value * 1_000_000);
        }
        let summary = samples.summary_ms();
        assert_eq!(summary, json!({"p50": 500.0, "p99": 990.0, "p999": 999.0, "max": 1000.0}));
    }

    #[test]
    fn no_samples_are_nulls_and_not_zeros() {
        assert!(Samples::default().summary_ms()["p50"].is_null());
    }
}
