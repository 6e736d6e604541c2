//! The view as values: what is known becomes lines, without a terminal.

mod feed;
mod table;

use std::collections::VecDeque;
use std::time::Instant;

use super::endpoint::Endpoint;
use super::listener::Heard;
use super::notice::Notice;

/// More notices than any terminal has lines.
const KEPT: usize = 500;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Dim,
    Bold,
    Green,
    Yellow,
    Turquoise,
    Red,
}

/// A text in one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub tone: Tone,
}

impl Tone {
    /// `text` in this tone.
    pub fn of(self, text: impl Into<String>) -> Span {
        Span { text: text.into(), tone: self }
    }
}

/// A line of the view.
pub type Line = Vec<Span>;

/// What became of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    Connecting,
    Listening,
    Away(String),
}

/// Everything that is shown.
pub struct View {
    url: String,
    link: Link,
    endpoints: Vec<Endpoint>,
    /// Why the endpoints are not known, or not as they are now.
    health_problem: Option<String>,
    notices: VecDeque<(Notice, Instant)>,
}

impl View {
    /// Nothing is known yet.
    pub fn new(url: String) -> Self {
        Self {
            url,
            link: Link::Connecting,
            endpoints: Vec::new(),
            health_problem: None,
            notices: VecDeque::new(),
        }
    }

    /// Takes what was heard at `now`.
    pub fn hear(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::Connected => self.link = Link::Listening,
            Heard::Lost(reason) => self.link = Link::Away(reason),
            Heard::Event(event) => {
                self.notices.truncate(KEPT - 1);
                self.notices.push_front((Notice::read(&event), now));
            }
        }
    }

    /// Takes what was asked of the endpoints; they stay as they were where there was no answer.
    pub fn examine(&mut self, health: Result<Vec<Endpoint>, String>) {
        match health {
            Ok(endpoints) => (self.endpoints, self.health_problem) = (endpoints, None),
            Err(problem) => self.health_problem = Some(problem),
        }
    }

    /// The view at `now`, for a terminal with so many columns and rows: a line for each row.
    pub fn lines(&self, now: Instant, (columns, rows): (usize, usize)) -> Vec<Line> {
        let mut lines = vec![self.title(), Vec::new()];
        lines.extend(table::lines(&self.endpoints));
        lines.extend(
            self.health_problem.iter().map(|problem| vec![Tone::Dim.of(format!("endpoints: {problem}"))]),
        );
        lines.push(Vec::new());
        let left = rows.saturating_sub(lines.len());
        lines.extend(feed::lines(&self.notices, now, left));
        lines.resize(rows, Vec::new());
        lines.into_iter().map(|line| clipped(line, columns)).collect()
    }

    fn title(&self) -> Line {
        let link = match &self.link {
            Link::Connecting => Tone::Dim.of("connecting"),
            Link::Listening => Tone::Green.of("listening"),
            Link::Away(reason) => Tone::Red.of(format!("away: {reason}")),
        };
        vec![
            Tone::Bold.of("llm-proxy "),
            Tone::Plain.of(format!("{}  ", self.url)),
            link,
            Tone::Dim.of("  q quits"),
        ]
    }
}

/// As much of a line as fits.
fn clipped(line: Line, columns: usize) -> Line {
    let mut left = columns;
    let clip = |span: Span| {
        let text: String = span.text.chars().take(left).collect();
        left -= text.chars().count();
        Some(Span { text, ..span }).filter(|span| !span.text.is_empty())
    };
    line.into_iter().filter_map(clip).collect()
}

#[cfg(test)]
mod tests;
