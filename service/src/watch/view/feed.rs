//! Notices, a line each, the newest first.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use super::{Line, Tone};
use crate::watch::clean::duration;
use crate::watch::notice::{Kind, Notice};

/// How many cells the bar of a retry has.
const BAR: usize = 20;

/// The last notices, so many at most.
pub fn lines(notices: &VecDeque<(Notice, Instant)>, now: Instant, limit: usize) -> Vec<Line> {
    // A wait is over as soon as there is later news of its request.
    let mut later = HashSet::new();
    let line = |(notice, heard): &'_ (Notice, Instant)| {
        let is_waiting = later.insert(notice.request_id.clone());
        let waited = now.saturating_duration_since(*heard).as_secs_f64() * 1000.0;
        line(notice, waited, is_waiting)
    };
    notices.iter().take(limit).map(line).collect()
}

fn line(notice: &Notice, waited_ms: f64, is_waiting: bool) -> Line {
    let tone = tone(notice.kind());
    let mut line = vec![
        Tone::Dim.of(format!("{}  ", time_of_day(&notice.at))),
        tone.of(format!("{:<9}  ", notice.name)),
        Tone::Plain.of(format!("{}  ", notice.model)),
        tone.of(notice.words()),
    ];
    line.extend(notice.wait_ms.map(|wait| tone.of(wait_of(wait, waited_ms, is_waiting))));
    line.push(Tone::Dim.of(format!("  {}", notice.reason())));
    line
}

/// `12:00:00` of `2026-07-01T12:00:00.250Z`.
fn time_of_day(at: &str) -> &str {
    at.get(11..19).unwrap_or("        ")
}

const fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::Retry => Tone::Yellow,
        Kind::Failover | Kind::Continued => Tone::Turquoise,
        Kind::Recovered => Tone::Green,
        Kind::Outage => Tone::Red,
        Kind::Gap | Kind::Other => Tone::Plain,
    }
}

/// A bar that fills while the wait passes, and what is left of it.
fn wait_of(wait_ms: f64, waited_ms: f64, is_waiting: bool) -> String {
    if !is_waiting || waited_ms >= wait_ms {
        return format!("  after {}", duration(wait_ms));
    }
    let done = (0..BAR).filter(|cell| *cell as f64 + 0.5 < BAR as f64 * waited_ms / wait_ms).count();
    format!("  {}{}  in {}", "█".repeat(done), "░".repeat(BAR - done), duration(wait_ms - waited_ms))
}
