//! An answer that another endpoint may go on with when its own breaks off in the middle.
//!
//! The caller has opted in, and the answer is plain text. It is always written anew, by one renderer for
//! all of its parts, so that they are one stream with one id.

use std::sync::Arc;

use parking_lot::Mutex;

use super::completion::Asked;
use crate::adapters::continuation::may_be_continued;
use crate::adapters::{ClientFormat, Render, Timing};
use crate::domain::delta::{ChatAnswer, Delta};
use crate::domain::embedding::{Embeddings, Encoding};
use crate::domain::envelope::{Envelope, Operation};

/// A longer text is not kept, and so not continued.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// What the parts of one answer share.
#[derive(Clone)]
pub struct Thread {
    /// Writes all of them.
    pub renderer: Shared,
    /// What the caller has been sent already.
    pub text: Arc<str>,
}

impl Thread {
    /// Whether the answer to that request may be continued at all.
    pub fn may_begin(asked: &Asked, envelope: &Envelope) -> bool {
        let is_chat = asked.operation == Operation::Chat && asked.format == ClientFormat::Openai;
        is_chat && envelope.stream && may_be_continued(&asked.body)
    }

    /// For an answer that begins.
    pub fn new(renderer: Box<dyn Render>) -> Self {
        Self { renderer: Shared(Arc::new(Mutex::new(renderer))), text: Arc::from("") }
    }

    /// For the part behind `text`.
    pub fn behind(&self, text: &str) -> Self {
        Self { renderer: self.renderer.clone(), text: Arc::from(text) }
    }
}

/// One renderer, for one part of an answer after the other.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Box<dyn Render>>>);

impl Render for Shared {
    fn deltas(&mut self, deltas: &mut Vec<Delta>, out: &mut Vec<u8>) {
        self.0.lock().deltas(deltas, out);
    }

    fn complete(&mut self, timing: Timing, out: &mut Vec<u8>) {
        self.0.lock().complete(timing, out);
    }

    fn whole(&self, answer: &ChatAnswer, timing: Timing) -> Vec<u8> {
        self.0.lock().whole(answer, timing)
    }

    fn embeddings(&self, embeddings: &Embeddings, encoding: Encoding, timing: Timing) -> Vec<u8> {
        self.0.lock().embeddings(embeddings, encoding, timing)
    }
}

/// The text of an answer so far, as long as it is nothing but text.
#[derive(Default)]
pub struct Kept {
    text: String,
    has_more: bool,
}

impl Kept {
    /// Of an answer that begins with `text`.
    pub fn behind(text: &str) -> Self {
        Self { text: text.to_owned(), has_more: false }
    }

    /// Adds what these deltas say.
    pub fn add(&mut self, deltas: &[Delta]) {
        for delta in deltas {
            match delta {
                Delta::Text { choice: 0, text } if self.text.len() + text.len() <= MAX_TEXT_BYTES => {
                    self.text.push_str(text);
                }
                Delta::Start { .. } | Delta::Usage(_) => {}
                _ => self.has_more = true,
            }
        }
    }

    /// What another endpoint may go on from.
    pub fn text(&self) -> Option<&str> {
        Some(&*self.text).filter(|text| !self.has_more && !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delta::FinishReason;
    use rstest::rstest;

    fn text(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    #[rstest]
    #[case::nothing(vec![], None)]
    #[case::text(vec![text("a"), text("b")], Some("ab"))]
    #[case::reasoning(vec![Delta::Reasoning { choice: 0, text: "hm".to_owned() }, text("a")], None)]
    #[case::another_choice(vec![text("a"), Delta::Text { choice: 1, text: "b".to_owned() }], None)]
    #[case::an_end(vec![text("a"), Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None }], None)]
    #[case::too_much(vec![text("a"), text(&"b".repeat(MAX_TEXT_BYTES))], None)]
    fn only_plain_text_is_gone_on_from(#[case] deltas: Vec<Delta>, #[case] expected: Option<&str>) {
        let mut kept = Kept::default();
        kept.add(&deltas);
        assert_eq!(kept.text(), expected);
    }
}
