//! Lines on a terminal.

use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{Attribute, Color, Print, SetAttribute, SetForegroundColor};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};

use super::view::{Line, Span, Tone};

/// Whether texts may be in colour: not where `NO_COLOR` is set.
/// Source: <https://no-color.org>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    On,
    Off,
}

impl Colours {
    /// What the environment asks for.
    pub fn wanted() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if unwanted { Self::Off } else { Self::On }
    }
}

/// Writes `lines` over the screen, from its top on.
///
/// # Errors
/// The terminal is gone.
pub fn paint(out: &mut impl Write, lines: &[Line], colours: Colours) -> io::Result<()> {
    queue!(out, BeginSynchronizedUpdate)?;
    for (row, line) in (0..).zip(lines) {
        // First of all: behind a full line the cursor stands on its last character.
        queue!(out, MoveTo(0, row), Clear(ClearType::CurrentLine))?;
        for span in line {
            write(out, span, colours)?;
        }
    }
    queue!(out, EndSynchronizedUpdate)?;
    out.flush()
}

fn write(out: &mut impl Write, span: &Span, colours: Colours) -> io::Result<()> {
    match (span.tone, colours) {
        (Tone::Plain, _) | (_, Colours::Off) => return queue!(out, Print(&span.text)),
        (Tone::Dim, Colours::On) => queue!(out, SetAttribute(Attribute::Dim))?,
        (Tone::Bold, Colours::On) => queue!(out, SetAttribute(Attribute::Bold))?,
        (Tone::Green, Colours::On) => queue!(out, SetForegroundColor(Color::DarkGreen))?,
        (Tone::Yellow, Colours::On) => queue!(out, SetForegroundColor(Color::DarkYellow))?,
        (Tone::Turquoise, Colours::On) => queue!(out, SetForegroundColor(Color::DarkCyan))?,
        (Tone::Red, Colours::On) => queue!(out, SetForegroundColor(Color::DarkRed))?,
    }
    queue!(out, Print(&span.text), SetAttribute(Attribute::Reset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(colours: Colours) -> String {
        let line = vec![Tone::Red.of("outage"), Tone::Plain.of(" m")];
        let mut out = Vec::new();
        paint(&mut out, &[line], colours).expect("memory takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_tone_ends_with_its_text() {
        let painted = painted(Colours::On);
        assert!(painted.contains("\u{1b}[38;5;1moutage\u{1b}[0m m"), "{painted:?}");
    }

    #[test]
    fn without_colours_texts_are_plain() {
        let painted = painted(Colours::Off);
        assert!(painted.contains("outage m") && !painted.contains("[38;"), "{painted:?}");
    }
}
