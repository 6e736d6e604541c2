//! Whether a stream came as it was written, from the moments at which its pieces came.

use std::time::Duration;

/// With fewer pieces nothing can be told.
const MIN_PIECES: usize = 4;

/// Models write a few dozen tokens in more time than this; what was held back comes in less.
const AT_ONCE: Duration = Duration::from_millis(10);

/// A stream that was ready so soon was not held back.
const SOON: Duration = Duration::from_millis(100);

/// What the moments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Piece by piece.
    Unbuffered {
        /// From the first piece to the last.
        spread: Duration,
    },
    /// All at once, after a wait in which somebody gathered it.
    Buffered {
        /// Until the first piece.
        wait: Duration,
    },
    /// Too few pieces, or too quick.
    Unknown,
}

/// Judges a stream by when its pieces came, counted from the request; in order.
#[must_use]
pub fn judge(arrivals: &[Duration]) -> Pace {
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last()) else { return Pace::Unknown };
    let spread = last.saturating_sub(*first);
    if spread >= AT_ONCE {
        return Pace::Unbuffered { spread };
    }
    if arrivals.len() < MIN_PIECES || *first < SOON { Pace::Unknown } else { Pace::Buffered { wait: *first } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::piece_by_piece(&[300, 320, 340, 360, 380], Pace::Unbuffered { spread: Duration::from_millis(80) })]
    #[case::a_very_fast_model(&[300, 304, 308, 312], Pace::Unbuffered { spread: Duration::from_millis(12) })]
    #[case::all_at_once_after_a_wait(&[900, 900, 901, 901, 902], Pace::Buffered { wait: Duration::from_millis(900) })]
    #[case::all_at_once_at_once(&[3, 3, 3, 4, 4], Pace::Unknown)]
    #[case::too_few_to_tell(&[900, 900], Pace::Unknown)]
    #[case::nothing(&[], Pace::Unknown)]
    fn what_comes_all_at_once_was_held_back(#[case] arrivals_ms: &[u64], #[case] expected: Pace) {
        let arrivals: Vec<_> = arrivals_ms.iter().map(|ms| Duration::from_millis(*ms)).collect();
        assert_eq!(judge(&arrivals), expected);
    }
}
