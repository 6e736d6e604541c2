//! Puts the faults where they belong: between events, or between bytes on the wire.

use std::time::Duration;

use super::{Pieces, Step, sse};
use crate::behaviour::{Action, Behaviour, ErrorStyle, Garbage, Point};
use crate::openai;

/// What stands between events: more of the body, which is still to be compressed and framed, or
/// a step that is taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Data(Vec<u8>),
    Step(Step),
}

/// The events with the faults between them.
pub(super) fn between_events(events: &[Vec<u8>], behaviour: &Behaviour) -> Pieces {
    let faults = sorted(behaviour, |point| match point {
        Point::Events(events) => Some(events),
        _ => None,
    });
    let mut faults = faults.into_iter().peekable();
    let mut pieces = Vec::new();
    for sent in 0..=events.len() {
        let is_end = sent == events.len();
        while let Some((_, action)) = faults.next_if(|(at, _)| is_end || *at <= sent) {
            if *action == Action::CleanEnd {
                return pieces;
            }
            pieces.push(piece(action, behaviour));
        }
        pieces.extend(events.get(sent).cloned().map(Piece::Data));
    }
    pieces
}

/// The steps with the faults after so many bytes of them; those beyond the end come last.
pub(super) fn between_bytes(
    steps: Vec<Step>,
    behaviour: &Behaviour,
    place: impl Fn(Point) -> Option<usize>,
) -> Vec<Step> {
    let mut faults = sorted(behaviour, place).into_iter().peekable();
    let mut cut = Vec::new();
    let mut position = 0;
    for step in steps {
        let Step::Write(mut bytes) = step else {
            cut.push(step);
            continue;
        };
        let end = position + bytes.len();
        while let Some((at, action)) = faults.next_if(|(at, _)| *at <= end) {
            let rest = bytes.split_off(at - position);
            cut.extend([Step::Write(bytes), raw_step(action, behaviour)]);
            bytes = rest;
            position = at;
        }
        cut.push(Step::Write(bytes));
        position = end;
    }
    cut.extend(faults.map(|(_, action)| raw_step(action, behaviour)));
    cut.retain(|step| *step != Step::Write(Vec::new()));
    cut
}

/// The faults of a place that has no number.
pub(super) fn at(behaviour: &Behaviour, point: Point) -> Vec<Step> {
    let here = behaviour.faults.iter().filter(|fault| fault.at == point);
    here.map(|fault| raw_step(&fault.action, behaviour)).collect()
}

/// Faults whose place has a number, in its order; those of one place in the order given.
fn sorted(behaviour: &Behaviour, place: impl Fn(Point) -> Option<usize>) -> Vec<(usize, &Action)> {
    let placed = behaviour.faults.iter().map(|fault| (place(fault.at), &fault.action));
    let mut faults: Vec<_> = placed.filter_map(|(at, action)| Some((at?, action))).collect();
    faults.sort_by_key(|(at, _)| *at);
    faults
}

fn piece(action: &Action, behaviour: &Behaviour) -> Piece {
    match (action, raw_step(action, behaviour)) {
        (Action::BadChunkSize, step) => Piece::Step(step),
        (_, Step::Write(bytes)) => Piece::Data(bytes),
        (_, step) => Piece::Step(step),
    }
}

fn raw_step(action: &Action, behaviour: &Behaviour) -> Step {
    let event = |data: &str| sse::event(&behaviour.sse, None, data);
    match action {
        Action::Reset => Step::Reset,
        Action::Close | Action::CleanEnd => Step::Close,
        Action::Stall => Step::Stall,
        Action::PauseMs(millis) => Step::Pause(Duration::from_millis(*millis)),
        Action::Garbage(garbage) => Step::Write(garbage_bytes(*garbage, behaviour)),
        Action::Insert(text) => Step::Write(text.clone().into_bytes()),
        Action::ErrorEvent(error) => {
            let name = (error.style == ErrorStyle::Anthropic).then_some("error");
            let data = openai::error_data(error, behaviour.head.status);
            Step::Write(sse::event(&behaviour.sse, name, &data))
        }
        Action::HugeEvent(bytes) => {
            let data = openai::chunk_of_text(&"x".repeat(*bytes), "fault-model");
            Step::Write(event(&data))
        }
        Action::BadChunkSize => Step::Write(b"zz\r\n".to_vec()),
    }
}

fn garbage_bytes(garbage: Garbage, behaviour: &Behaviour) -> Vec<u8> {
    let event = |data: &str| sse::event(&behaviour.sse, None, data);
    match garbage {
        Garbage::Line => b"<html>502 Bad Gateway</html>\r\n\r\n".to_vec(),
        Garbage::BrokenJson => event(r#"{"id":"chatcmpl-fault","choices":[{"index":0,"delta":{"con"#),
        Garbage::InvalidUtf8 => {
            let mut bytes = event(r#"{"choices":[{"index":0,"delta":{"content":"@"}}]}"#);
            bytes.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = 0xff);
            bytes
        }
        Garbage::Binary => (0..=255).collect(),
    }
}
