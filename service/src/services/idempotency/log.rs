//! The bytes of one answer, from some offset on. Offsets count from the answer's first byte.

use std::collections::VecDeque;

use bytes::Bytes;

/// What a piece costs beside its bytes: its place in the queue and in the allocator.
const PIECE_OVERHEAD_BYTES: usize = 64;

#[derive(Debug, Default)]
pub struct Log {
    /// Each with the offset that it begins at.
    pieces: VecDeque<(usize, Bytes)>,
    len: usize,
    /// Behind which offset each numbered event ends.
    event_ends: Vec<usize>,
    /// The number that the first one comes behind.
    numbered_before: usize,
}

impl Log {
    /// An empty one whose events are numbered on from `numbered_before`.
    pub fn behind_number(numbered_before: usize) -> Self {
        Self { numbered_before, ..Self::default() }
    }

    /// The number of the last event.
    pub const fn last_number(&self) -> usize {
        self.numbered_before + self.event_ends.len()
    }

    /// Whether the event of that number was another answer's.
    pub const fn is_of_another(&self, number: usize) -> bool {
        0 < number && number <= self.numbered_before
    }

    /// Appends bytes, and the ends of the numbered events among them; says what that costs.
    pub fn push(&mut self, bytes: Bytes, event_ends: &[usize]) -> usize {
        let cost = cost(&bytes) + size_of_val(event_ends);
        self.event_ends.extend(event_ends.iter().map(|end| self.len + end));
        let at = self.len;
        self.len += bytes.len();
        self.pieces.push_back((at, bytes));
        cost
    }

    /// The offset of the first byte that is still here.
    pub fn start(&self) -> usize {
        self.pieces.front().map_or(self.len, |(at, _)| *at)
    }

    /// The offset behind the last byte.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Bytes from the offset on, `max` at most; nothing where none are.
    pub fn read(&self, from: usize, max: usize) -> Bytes {
        let next = self.pieces.partition_point(|(at, _)| *at <= from);
        let Some((at, piece)) = next.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return Bytes::new();
        };
        let begin = (from - at).min(piece.len());
        piece.slice(begin..piece.len().min(begin + max))
    }

    /// Drops the pieces that end at the offset or before; says what they cost.
    pub fn drop_until(&mut self, offset: usize) -> usize {
        let mut freed = 0;
        while let Some((_, piece)) = self.pieces.pop_front_if(|(at, piece)| *at + piece.len() <= offset) {
            freed += cost(&piece);
        }
        freed
    }

    /// The offset behind the event of that number, 0 is before all of them; `None` where there is none.
    pub fn behind(&self, number: usize) -> Option<usize> {
        match number.checked_sub(1) {
            None => Some(0),
            Some(last) => self.event_ends.get(last.checked_sub(self.numbered_before)?).copied(),
        }
    }
}

const fn cost(piece: &Bytes) -> usize {
    piece.len() + PIECE_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn log() -> Log {
        let mut log = Log::default();
        log.push(Bytes::from_static(b"abc"), &[2]);
        log.push(Bytes::from_static(b"defgh"), &[1, 5]);
        log
    }

    #[rstest]
    #[case::the_beginning(0, 10, b"abc")]
    #[case::inside_a_piece(1, 10, b"bc")]
    #[case::the_next_piece(3, 10, b"defgh")]
    #[case::not_more_than_asked(3, 2, b"de")]
    #[case::the_end(8, 10, b"")]
    fn it_is_read_piece_by_piece(#[case] from: usize, #[case] max: usize, #[case] expected: &[u8]) {
        assert_eq!(log().read(from, max), expected);
    }

    #[rstest]
    #[case::none(0, Some(0))]
    #[case::one(1, Some(2))]
    #[case::across_pieces(2, Some(4))]
    #[case::all(3, Some(8))]
    #[case::one_too_many(4, None)]
    fn it_knows_where_events_end(#[case] events: usize, #[case] expected: Option<usize>) {
        assert_eq!(log().behind(events), expected);
    }

    #[test]
    fn only_whole_pieces_are_dropped_and_offsets_stay() {
        let mut log = log();
        assert_eq!(log.drop_until(2), 0);
        assert_eq!(log.drop_until(4), 3 + PIECE_OVERHEAD_BYTES);
        assert_eq!((log.start(), log.len(), log.behind(1)), (3, 8, Some(2)));
        assert_eq!(log.read(4, 10), b"efgh".as_slice());
    }
}
