//! The result classes: JSON that came, as Python objects. Knows OpenAI's answers and the service's own pages;
//! knows neither calls nor streams.

mod declare;

mod chat;
mod chunk;
mod class;
mod embedding;
mod event;
mod health;
mod message;
mod model;
mod partial;
mod plain;
mod reader;
mod record;
mod repeats;

use std::sync::Arc;

use pyo3::prelude::*;

use class::Class;
pub use partial::Partial;
pub use record::Record;
use repeats::Repeats;

use crate::json;

/// Whose answer it is: an attribute each of whole answers and of chunks, and not in their JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The request's id, as in the logs.
    pub request_id: Option<String>,
    /// The endpoint that answered.
    pub served_by: Option<String>,
    /// How many upstream calls it took.
    pub attempts: u32,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `ChatCompletion`
    Chat,
    /// `EmbeddingResponse`
    Embeddings,
    /// `ModelList`
    Models,
    /// `Health`
    Health,
    /// `DoctorReport`
    Doctor,
}

impl Shape {
    fn class(self) -> &'static Class {
        match self {
            Self::Chat => chat::ChatCompletion::class(),
            Self::Embeddings => embedding::EmbeddingResponse::class(),
            Self::Models => model::ModelList::class(),
            Self::Health => health::Health::class(),
            Self::Doctor => health::DoctorReport::class(),
        }
    }
}

/// A whole answer.
///
/// # Errors
/// `ValueError` on what is no JSON object.
pub fn read(py: Python<'_>, shape: Shape, json: &[u8], meta: &Meta) -> PyResult<Py<PyAny>> {
    reader::read(py, shape.class(), json, Some(Arc::new(meta.clone())), &mut Repeats::default())
}

/// Reads the chunks of one stream. What is the same from chunk to chunk is the same Python object.
#[derive(Default)]
pub struct ChunkReader {
    repeats: Repeats,
    meta: Arc<Meta>,
}

impl ChunkReader {
    /// The next chunk, a `ChatCompletionChunk`.
    ///
    /// # Errors
    /// `ValueError` on what is no JSON object.
    pub fn read(&mut self, py: Python<'_>, json: &[u8], meta: &Meta) -> PyResult<Py<PyAny>> {
        if *self.meta != *meta {
            self.meta = Arc::new(meta.clone());
        }
        let class = chunk::ChatCompletionChunk::class();
        reader::read(py, class, json, Some(Arc::clone(&self.meta)), &mut self.repeats)
    }
}

/// A notice: `RetryEvent`, `FailoverEvent`, …; an `Event` if its `type` is none that is known here.
///
/// # Errors
/// `ValueError` on what is no JSON object.
pub fn event(py: Python<'_>, json: &[u8]) -> PyResult<Py<PyAny>> {
    event::read(py, json)
}

/// Puts the classes into `module`.
///
/// # Errors
/// Those of Python.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Record>()?;
    message::register(module)?;
    chat::register(module)?;
    chunk::register(module)?;
    embedding::register(module)?;
    model::register(module)?;
    health::register(module)?;
    event::register(module)?;
    register_as_mapping(module.py())
}

/// So that `match` takes records where it takes dicts.
fn register_as_mapping(py: Python<'_>) -> PyResult<()> {
    json::mapping(py)?.call_method1("register", (py.get_type::<Record>(),)).map(drop)
}
