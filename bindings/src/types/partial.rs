//! How much of a streamed answer there is: for the caller of one that breaks off.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::record::Record;
use crate::fixed::text;

/// The text of the first choice so far, and the usage if it was told.
#[derive(Default)]
pub struct Partial {
    text: String,
    usage: Option<Py<PyAny>>,
}

impl Partial {
    /// Adds a chunk.
    ///
    /// # Errors
    /// Those of Python.
    pub fn add(&mut self, chunk: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = chunk.py();
        let members = Record::of(chunk)?.members(py);
        if let Some(text) = content(members)? {
            self.text.push_str(text.to_str()?);
        }
        if let Some(usage) = members.get_item(text!(py, "usage"))?.filter(|usage| !usage.is_none()) {
            self.usage = Some(usage.unbind());
        }
        Ok(())
    }

    /// Text and usage.
    pub fn had(&self, py: Python<'_>) -> (String, Option<Py<PyAny>>) {
        (self.text.clone(), self.usage.as_ref().map(|usage| usage.clone_ref(py)))
    }
}

/// `choices[0].delta.content`
fn content<'py>(chunk: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyString>>> {
    let py = chunk.py();
    let Some(choices) = chunk.get_item(text!(py, "choices"))? else { return Ok(None) };
    let Ok(choices) = choices.cast_into::<PyList>() else { return Ok(None) };
    let Some(choice) = choices.iter().next() else { return Ok(None) };
    let Ok(choice) = Record::of(&choice) else { return Ok(None) };
    let Some(delta) = choice.members(py).get_item(text!(py, "delta"))? else { return Ok(None) };
    let Ok(delta) = Record::of(&delta) else { return Ok(None) };
    let content = delta.members(py).get_item(text!(py, "content"))?;
    Ok(content.and_then(|content| content.cast_into::<PyString>().ok()))
}
