//! Where two halves of an answer meet.

use super::{Continued, Echo};

/// Takes from the second half what the caller has already: the beginning, where the vendor repeats it, and
/// the white space that was not sent of it.
///
/// What may be such a repetition is held back until that is certain. Text that is none goes on whole, so
/// a vendor that was thought to repeat the beginning and does not loses nothing.
#[derive(Clone, Debug)]
pub struct Seam {
    sent: String,
    /// The white space behind it that the caller has and the vendor has not seen.
    trimmed: String,
    state: State,
}

/// What the next text may repeat, from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Beginning(usize),
    Space(usize),
    Over,
}

impl Seam {
    /// Between `text`, which the caller has, and the answer to `continued`.
    #[must_use]
    pub fn new(text: &str, continued: &Continued) -> Self {
        let sent = continued.sent.clone();
        let trimmed = text.strip_prefix(&sent).unwrap_or_default().to_owned();
        let echoes = continued.echo == Echo::Beginning && !sent.is_empty();
        let state = if echoes { State::Beginning(0) } else { State::Space(0) };
        Self { sent, trimmed, state }
    }

    /// Leaves in `text`, which comes next, what the caller does not have yet: nothing, perhaps.
    pub fn join(&mut self, text: &mut String) {
        if let State::Beginning(at) = self.state {
            self.state = self.behind_beginning(at, text);
        }
        if let State::Space(at) = self.state {
            self.state = self.behind_space(at, text);
        }
    }

    /// What was held back and turns out to be the answer, now that this is complete.
    pub fn finish(&mut self) -> String {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Beginning(at) => self.sent[..at].to_owned(),
            State::Space(_) | State::Over => String::new(),
        }
    }

    fn behind_beginning(&self, at: usize, text: &mut String) -> State {
        let expected = &self.sent[at..];
        let common = common(expected, text);
        if common < expected.len() && common < text.len() {
            text.insert_str(0, &self.sent[..at]);
            return State::Space(0);
        }
        text.drain(..common);
        if common == expected.len() { State::Space(0) } else { State::Beginning(at + common) }
    }

    fn behind_space(&self, at: usize, text: &mut String) -> State {
        let expected = &self.trimmed[at..];
        let common = common(expected, text);
        text.drain(..common);
        if text.is_empty() && common < expected.len() { State::Space(at + common) } else { State::Over }
    }
}

/// How many bytes both start with.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(one, other)| one == other).map(|(sign, _)| sign.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rstest::rstest;

    fn seam(text: &str, echo: Echo) -> Seam {
        let sent = text.trim_end().to_owned();
        Seam::new(text, &Continued { body: Bytes::new(), sent, echo })
    }

    /// What the caller gets of an answer that comes in these pieces.
    fn joined<'a>(mut seam: Seam, pieces: impl IntoIterator<Item = &'a str>) -> String {
        let mut joined = String::new();
        for piece in pieces {
            let mut piece = piece.to_owned();
            seam.join(&mut piece);
            joined.push_str(&piece);
        }
        joined + &seam.finish()
    }

    #[rstest]
    #[case::nothing_twice("You said: hello", Echo::Nothing, " world", " world")]
    #[case::a_space_twice("You said: ", Echo::Nothing, " hello", "hello")]
    #[case::a_space_once("You said: ", Echo::Nothing, "hello", "hello")]
    #[case::an_indented_line("if x:\n    ", Echo::Nothing, "\n    return", "return")]
    #[case::a_line_that_is_indented_more("if x:\n  ", Echo::Nothing, "\n    return", "  return")]
    #[case::a_line_that_is_indented_less("if x:\n    ", Echo::Nothing, "\n  return", "return")]
    #[case::another_space("A line.\n", Echo::Nothing, " next", " next")]
    #[case::a_beginning_that_is_not_expected("aha", Echo::Nothing, "aha", "aha")]
    #[case::the_beginning("You said: hello", Echo::Beginning, "You said: hello world", " world")]
    #[case::the_beginning_and_its_space("Naïve – ", Echo::Beginning, "Naïve – 日本", "日本")]
    #[case::the_beginning_and_no_more("Done.", Echo::Beginning, "Done.", "")]
    #[case::the_beginning_once("ha", Echo::Beginning, "haha", "ha")]
    #[case::no_repetition("You said: hello", Echo::Beginning, " world", " world")]
    #[case::what_only_looks_like_one("You said: hello", Echo::Beginning, "You said: help", "You said: help")]
    #[case::what_looks_like_one_to_its_end("You said: hello", Echo::Beginning, "You", "You")]
    #[case::no_repetition_but_a_space("You said:\n\n", Echo::Beginning, "\n\nhello", "hello")]
    #[case::nothing_said_before("", Echo::Beginning, " hello", " hello")]
    #[case::a_space_alone_said_before(" ", Echo::Beginning, " hello", "hello")]
    #[case::nothing_more("You said: hello", Echo::Nothing, "", "")]
    fn a_caller_gets_what_it_does_not_have_however_it_is_cut(
        #[case] text: &str,
        #[case] echo: Echo,
        #[case] answer: &str,
        #[case] expected: &str,
    ) {
        let cuts: Vec<usize> = (0..=answer.len()).filter(|at| answer.is_char_boundary(*at)).collect();
        for (at, first) in cuts.iter().enumerate() {
            for second in &cuts[at..] {
                let pieces = [&answer[..*first], &answer[*first..*second], &answer[*second..]];
                assert_eq!(joined(seam(text, echo), pieces), expected, "{pieces:?}");
            }
        }
        assert_eq!(joined(seam(text, echo), answer.split_inclusive(|_| true)), expected);
    }

    #[test]
    fn the_second_half_goes_on_as_it_comes_once_the_seam_is_behind() {
        let mut seam = seam("a ", Echo::Beginning);
        let mut said = Vec::new();
        for piece in ["a", " b", " ", "a b"] {
            let mut piece = piece.to_owned();
            seam.join(&mut piece);
            said.push(piece);
        }
        assert_eq!(said, ["", "b", " ", "a b"]);
        assert_eq!(seam.finish(), "");
    }
}
