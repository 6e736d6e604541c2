//! JSON to Python objects, with nothing in between.

use std::sync::Arc;

use jiter::{Jiter, JiterError, NumberAny, NumberInt, Peek};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::Meta;
use super::class::{Class, Field, Reads};
use super::record::Record;
use super::repeats::Repeats;
use crate::json::{self, MAX_DEPTH};

/// An object of `class`, read from its JSON; `meta` is for what answers a call.
///
/// # Errors
/// `ValueError` on what is no JSON object.
pub fn read(
    py: Python<'_>,
    class: &'static Class,
    json: &[u8],
    meta: Option<Arc<Meta>>,
    repeats: &mut Repeats,
) -> PyResult<Py<PyAny>> {
    let mut reader = Reader { py, jiter: Jiter::new(json), repeats };
    let members = reader.document(class).map_err(|fault| reader.error(fault))?;
    (class.wrap)(py, Record::new(class, members, meta))
}

/// The same of a Python dict; it is copied.
///
/// # Errors
/// Those of [`json::write`], and of [`read`].
pub fn revive(
    members: &Bound<'_, PyAny>,
    class: &'static Class,
    meta: Option<Arc<Meta>>,
) -> PyResult<Py<PyAny>> {
    read(members.py(), class, &json::write(members)?, meta, &mut Repeats::default())
}

struct Reader<'py, 'j, 'r> {
    py: Python<'py>,
    jiter: Jiter<'j>,
    repeats: &'r mut Repeats,
}

enum Fault {
    Json(JiterError),
    TooDeep,
    Python(PyErr),
}

/// A key, and the member that it is of.
type Key<'py> = (Bound<'py, PyString>, Option<&'static Field>);

impl<'py> Reader<'py, '_, '_> {
    fn document(&mut self, class: &'static Class) -> Result<Bound<'py, PyDict>, Fault> {
        let first = self.jiter.next_object()?.map(|key| known(self.py, class.fields, key));
        let members = self.members(first, class.fields, class.others, MAX_DEPTH - 1)?;
        self.jiter.finish()?;
        Ok(members)
    }

    fn value(&mut self, peek: Peek, reads: Reads, depth: usize) -> Result<Bound<'py, PyAny>, Fault> {
        match (peek, reads) {
            (Peek::String, _) => Ok(PyString::new(self.py, self.jiter.known_str()?).into_any()),
            (Peek::Null, _) => {
                self.jiter.known_null().map(|()| self.py.None().into_bound(self.py)).map_err(Fault::from)
            }
            (Peek::True | Peek::False, _) => {
                Ok(PyBool::new(self.py, self.jiter.known_bool(peek)?).to_owned().into_any())
            }
            (Peek::Object, Reads::One(class)) => self.record(class(), deeper(depth)?),
            (Peek::Object, Reads::ByName(class)) => self.dict(Reads::One(class), deeper(depth)?),
            (Peek::Object, _) => self.dict(Reads::Value, deeper(depth)?),
            (Peek::Array, Reads::Many(class)) => self.list(Reads::One(class), deeper(depth)?),
            (Peek::Array, _) => self.list(Reads::Value, deeper(depth)?),
            _ => self.number(peek),
        }
    }

    fn record(&mut self, class: &'static Class, depth: usize) -> Result<Bound<'py, PyAny>, Fault> {
        let first = self.jiter.known_object()?.map(|key| known(self.py, class.fields, key));
        let members = self.members(first, class.fields, class.others, depth)?;
        Ok((class.wrap)(self.py, Record::new(class, members, None))?.into_bound(self.py))
    }

    fn dict(&mut self, others: Reads, depth: usize) -> Result<Bound<'py, PyAny>, Fault> {
        let first = self.jiter.known_object()?.map(|key| known(self.py, &[], key));
        Ok(self.members(first, &[], others, depth)?.into_any())
    }

    fn members(
        &mut self,
        first: Option<Key<'py>>,
        fields: &'static [Field],
        others: Reads,
        depth: usize,
    ) -> Result<Bound<'py, PyDict>, Fault> {
        let members = PyDict::new(self.py);
        let mut next = first;
        while let Some((key, field)) = next {
            let peek = self.jiter.peek()?;
            let value = match field {
                Some(field) if matches!(field.reads, Reads::Repeated) => self.repeated(peek, field, depth)?,
                _ => self.value(peek, field.map_or(others, |field| field.reads), depth)?,
            };
            members.set_item(key, value)?;
            next = self.jiter.next_key()?.map(|key| known(self.py, fields, key));
        }
        Ok(members)
    }

    fn list(&mut self, each: Reads, depth: usize) -> Result<Bound<'py, PyAny>, Fault> {
        let mut items = Vec::new();
        let mut next = self.jiter.known_array()?;
        while let Some(peek) = next {
            items.push(self.value(peek, each, depth)?);
            next = self.jiter.array_step()?;
        }
        Ok(PyList::new(self.py, items)?.into_any())
    }

    /// A string or an integer; anything else may be changed, or equal one of another type.
    fn repeated(
        &mut self,
        peek: Peek,
        field: &'static Field,
        depth: usize,
    ) -> Result<Bound<'py, PyAny>, Fault> {
        if peek != Peek::String {
            let value = self.value(peek, Reads::Value, depth)?;
            let Ok(int) = value.cast_exact::<PyInt>() else { return Ok(value) };
            let is_last = |last: &Bound<'_, PyAny>| {
                last.cast_exact::<PyInt>().is_ok_and(|last| last.as_any().eq(int).unwrap_or(false))
            };
            return Ok(self.repeats.last(self.py, field, is_last, || value.clone()));
        }
        let text = self.jiter.known_str()?;
        let is_last = |last: &Bound<'_, PyAny>| {
            last.cast::<PyString>().is_ok_and(|last| last.to_str().is_ok_and(|last| last == text))
        };
        Ok(self.repeats.last(self.py, field, is_last, || PyString::new(self.py, text).into_any()))
    }

    fn number(&mut self, peek: Peek) -> Result<Bound<'py, PyAny>, Fault> {
        match self.jiter.known_number(peek)? {
            NumberAny::Int(NumberInt::Int(int)) => Ok(PyInt::new(self.py, int).into_any()),
            NumberAny::Int(NumberInt::BigInt(int)) => {
                Ok(self.py.get_type::<PyInt>().call1((int.to_string(),))?)
            }
            NumberAny::Float(float) if float.is_finite() => Ok(PyFloat::new(self.py, float).into_any()),
            NumberAny::Float(_) => Err(PyValueError::new_err("no such JSON: number out of range").into()),
        }
    }

    fn error(&self, fault: Fault) -> PyErr {
        match fault {
            Fault::Json(error) => {
                PyValueError::new_err(format!("no such JSON: {}", error.description(&self.jiter)))
            }
            Fault::TooDeep => PyValueError::new_err(json::TOO_DEEP),
            Fault::Python(error) => error,
        }
    }
}

fn known<'py>(py: Python<'py>, fields: &'static [Field], key: &str) -> Key<'py> {
    match fields.iter().find(|field| field.key == key) {
        Some(field) => (field.interned(py), Some(field)),
        None => (PyString::new(py, key), None),
    }
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    depth.checked_sub(1).ok_or(Fault::TooDeep)
}

impl From<JiterError> for Fault {
    fn from(error: JiterError) -> Self {
        Self::Json(error)
    }
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}
