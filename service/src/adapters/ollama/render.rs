//! Answers in Ollama's form, for its clients.

use crate::adapters::{ClientFormat, Render, RenderContext, Timing};
use crate::domain::delta::{ChatAnswer, Delta};
use crate::domain::embedding::{Embeddings, Encoding};
use crate::error::Error;

/// Writes one answer.
pub struct Renderer;

impl Renderer {
    /// For one request.
    pub fn new(_format: ClientFormat, _context: RenderContext) -> Self {
        Self
    }
}

impl Render for Renderer {
    fn deltas(&mut self, _deltas: &mut Vec<Delta>, _out: &mut Vec<u8>) {}

    fn complete(&mut self, _timing: Timing, _out: &mut Vec<u8>) {}

    fn whole(&self, _answer: &ChatAnswer, _timing: Timing) -> Vec<u8> {
        Vec::new()
    }

    fn embeddings(&self, _embeddings: &Embeddings, _encoding: Encoding, _timing: Timing) -> Vec<u8> {
        Vec::new()
    }
}

/// The failure as the last line of a stream.
pub fn error_line(_error: &Error) -> Vec<u8> {
    Vec::new()
}
