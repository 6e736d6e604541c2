//! The body's framing, and the cut into writes.

use std::time::Duration;

use super::faults::Piece;
use super::{Pieces, Step};
use crate::behaviour::{Framing, Pace};

/// What a right Content-Length says, even if a fault cuts the body short.
pub(super) fn body_length(pieces: &Pieces) -> usize {
    let lengths = pieces.iter().map(|piece| match piece {
        Piece::Data(bytes) => bytes.len(),
        Piece::Step(_) => 0,
    });
    lengths.sum()
}

/// The body as steps: events grouped, each group a write and (if chunked) a chunk.
pub(super) fn frame(pieces: Pieces, forever: Option<Vec<u8>>, framing: Framing, pace: &Pace) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut group = Vec::new();
    let mut events = 0;
    for piece in pieces {
        match piece {
            Piece::Data(bytes) => {
                group.extend(bytes);
                events += 1;
                if events >= pace.events_per_write {
                    write_group(&mut steps, &mut group, framing, pace);
                    events = 0;
                }
            }
            Piece::Step(step) => {
                write_group(&mut steps, &mut group, framing, pace);
                events = 0;
                steps.push(step);
            }
        }
    }
    write_group(&mut steps, &mut group, framing, pace);
    steps.extend(forever.map(|bytes| Step::Forever(chunk(bytes, framing))));
    if framing == Framing::Chunked {
        steps.push(Step::Write(b"0\r\n\r\n".to_vec()));
    }
    steps
}

fn write_group(steps: &mut Vec<Step>, group: &mut Vec<u8>, framing: Framing, pace: &Pace) {
    if group.is_empty() {
        return; // an empty chunk would be the terminator
    }
    if !steps.is_empty() && pace.gap_ms > 0 {
        steps.push(Step::Pause(Duration::from_millis(pace.gap_ms)));
    }
    steps.push(Step::Write(chunk(std::mem::take(group), framing)));
}

fn chunk(bytes: Vec<u8>, framing: Framing) -> Vec<u8> {
    if framing != Framing::Chunked {
        return bytes;
    }
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend(bytes);
    chunk.extend(b"\r\n");
    chunk
}

/// All bytes in writes of this size, with a pause after each.
pub(super) fn split(steps: Vec<Step>, write_size: Option<usize>, gap_ms: u64) -> Vec<Step> {
    let Some(size) = write_size else {
        return steps;
    };
    let mut split = Vec::new();
    for step in steps {
        let Step::Write(bytes) = step else {
            split.push(step);
            continue;
        };
        for part in bytes.chunks(size.max(1)) {
            let pause = Step::Pause(Duration::from_millis(gap_ms));
            split.extend([Step::Write(part.to_vec()), pause]);
        }
    }
    split
}

/// Writes that follow each other become one, as a server writes a short answer.
pub(super) fn join(steps: Vec<Step>) -> Vec<Step> {
    let mut joined: Vec<Step> = Vec::new();
    for step in steps {
        match (joined.last_mut(), step) {
            (Some(Step::Write(before)), Step::Write(bytes)) => before.extend(bytes),
            (_, step) => joined.push(step),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> Step {
        Step::Write(text.into())
    }

    #[test]
    fn split_cuts_all_bytes_and_pauses_after_each_write() {
        let pause = Step::Pause(Duration::from_millis(2));
        let steps = vec![write("abcde"), Step::Stall, write("f")];
        let [ab, cd, e, f] = ["ab", "cd", "e", "f"].map(write);
        let expected = [ab, pause.clone(), cd, pause.clone(), e, pause.clone(), Step::Stall, f, pause];
        assert_eq!(split(steps, Some(2), 2), expected);
    }

    #[test]
    fn join_joins_only_writes_without_anything_between() {
        let steps = vec![write("a"), write("b"), Step::Close, write("c")];
        assert_eq!(join(steps), [write("ab"), Step::Close, write("c")]);
    }

    #[test]
    fn frame_never_writes_an_empty_chunk_in_the_middle() {
        let pieces = vec![Piece::Data(Vec::new()), Piece::Data(b"a".to_vec())];
        let steps = frame(pieces, None, Framing::Chunked, &Pace::default());
        assert_eq!(steps, [write("1\r\na\r\n"), write("0\r\n\r\n")]);
    }
}
