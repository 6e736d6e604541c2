//! Whether the backend answers, asked at most every few seconds however often anyone wants to know.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// How long an answer is believed.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// The last answer. Shared by all workers: one probe at a time, whoever asks.
#[derive(Default)]
pub struct Readiness {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Readiness {
    /// The last answer, or a new one by `probe` where that is too old.
    ///
    /// # Errors
    /// Why the backend is not ready, in one line.
    pub async fn check<F>(&self, probe: impl FnOnce() -> F) -> Result<(), String>
    where
        F: Future<Output = Result<(), String>>,
    {
        let mut last = self.last.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < FRESH_FOR
        {
            return result.clone();
        }
        let result = probe().await;
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn many_questions_make_one_probe() {
        let readiness = Readiness::default();
        let probes = Cell::new(0);
        for _ in 0..100 {
            let probe = || async {
                probes.set(probes.get() + 1);
                Err("down".to_owned())
            };
            assert_eq!(readiness.check(probe).await, Err("down".to_owned()));
        }
        assert_eq!(probes.get(), 1);
    }
}
