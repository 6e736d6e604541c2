//! Python values to JSON. Takes `dict` and other mappings with `str` keys, `list`, `tuple`, `str`, `bool`,
//! `int` of any size, `float`, `None`, our own result objects, and objects with `model_dump` (pydantic's, as
//! of the OpenAI SDK; asked for what was set, as that SDK sends it) or `to_dict`. Everything else is refused
//! with its place and its type: an iterator would be used up by the first attempt, bytes have no one meaning.

mod fault;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use serde::Serialize;

use crate::fixed::{Fixed, text};
use crate::types::Record;
use fault::Fault;

/// How deep JSON may be nested.
pub const MAX_DEPTH: usize = 128;
/// What is said of JSON that is nested deeper.
pub const TOO_DEEP: &str = "nested deeper than 128 levels";

/// A Python value as compact JSON.
///
/// # Errors
/// `TypeError` for what is no JSON value, `ValueError` for a value that JSON cannot say: both name the place,
/// as in `messages[2].content: …`. What a `model_dump`, a `to_dict` or a mapping raises.
pub fn write(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    written(value, None)
}

/// The same as text, on lines with `indent` spaces a level where that is given.
///
/// # Errors
/// Those of [`write`].
pub fn text(value: &Bound<'_, PyAny>, indent: Option<usize>) -> PyResult<String> {
    String::from_utf8(written(value, indent)?).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// `collections.abc.Mapping`, under the name by which Python has loaded it long before: the usual one would cost
/// an import.
///
/// # Errors
/// Those of Python.
pub fn mapping(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static MAPPING: Fixed<PyAny> = Fixed::new();
    MAPPING.get_or_make(py, || py.import("_collections_abc")?.getattr("Mapping").map(Bound::unbind))
}

fn written(value: &Bound<'_, PyAny>, indent: Option<usize>) -> PyResult<Vec<u8>> {
    let mut writer = Writer { out: Vec::new(), indent };
    writer.value(value, 0).map_err(|fault| fault.told(value.py()))?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    indent: Option<usize>,
}

impl Writer {
    fn value(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Fault> {
        if let Ok(text) = value.cast::<PyString>() {
            self.string(text)
        } else if let Ok(record) = value.cast::<Record>() {
            self.dict(record.get().members(value.py()), depth)
        } else if let Ok(dict) = value.cast::<PyDict>() {
            self.dict(dict, depth)
        } else if let Ok(list) = value.cast::<PyList>() {
            self.list(list.iter(), depth)
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            self.list(tuple.iter(), depth)
        } else {
            self.scalar(value).unwrap_or_else(|| self.other(value, depth))
        }
    }

    /// `None` for what is none.
    fn scalar(&mut self, value: &Bound<'_, PyAny>) -> Option<Result<(), Fault>> {
        if value.is_none() {
            Some(self.plain(&()))
        } else if let Ok(truth) = value.cast::<PyBool>() {
            Some(self.plain(&truth.is_true()))
        } else if let Ok(int) = value.cast::<PyInt>() {
            Some(self.int(int))
        } else {
            value.cast::<PyFloat>().ok().map(|float| self.float(float.value()))
        }
    }

    fn other(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Fault> {
        let py = value.py();
        if depth == MAX_DEPTH {
            return Err(Fault::value(TOO_DEEP));
        }
        if value.is_instance_of::<PyType>() {
            return Err(Fault::no_json(value));
        }
        if let Some(dump) = value.getattr_opt(text!(py, "model_dump"))? {
            let arguments = PyDict::new(py);
            arguments.set_item(text!(py, "mode"), text!(py, "json"))?;
            arguments.set_item(text!(py, "exclude_unset"), true)?;
            return self.value(&dump.call((), Some(&arguments))?, depth + 1);
        }
        if let Some(dump) = value.getattr_opt(text!(py, "to_dict"))? {
            return self.value(&dump.call0()?, depth + 1);
        }
        if !value.is_instance(mapping(py)?)? {
            return Err(Fault::no_json(value));
        }
        let dict = PyDict::new(py);
        dict.call_method1(text!(py, "update"), (value,))?;
        self.dict(&dict, depth)
    }

    fn string(&mut self, text: &Bound<'_, PyString>) -> Result<(), Fault> {
        let text = text.to_str().map_err(|error| Fault::value(format_args!("no Unicode text: {error}")))?;
        self.plain(text)
    }

    fn int(&mut self, int: &Bound<'_, PyInt>) -> Result<(), Fault> {
        if let Ok(int) = int.extract::<i64>() {
            return self.plain(&int);
        }
        // A subclass, such as an enum, may write itself as it likes.
        let digits = int.py().get_type::<PyInt>().call_method1(text!(int.py(), "__repr__"), (int,))?;
        self.out.extend_from_slice(digits.extract::<&str>()?.as_bytes());
        Ok(())
    }

    fn float(&mut self, float: f64) -> Result<(), Fault> {
        if !float.is_finite() {
            return Err(Fault::value(format_args!("JSON has no {float}")));
        }
        self.plain(&float)
    }

    fn plain<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        serde_json::to_writer(&mut self.out, value).map_err(Fault::value)
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>, depth: usize) -> Result<(), Fault> {
        self.open(b'{', depth)?;
        for (place, (key, value)) in dict.iter().enumerate() {
            self.separate(place, depth);
            let key = key.cast::<PyString>().map_err(|_| Fault::no_key(&key))?;
            self.string(key)?;
            self.out.extend_from_slice(if self.indent.is_some() { b": " } else { b":" });
            self.value(&value, depth + 1).map_err(|fault| fault.under(|| format!(".{key}")))?;
        }
        self.close(b'}', dict.is_empty(), depth);
        Ok(())
    }

    fn list<'py>(
        &mut self,
        items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> Result<(), Fault> {
        self.open(b'[', depth)?;
        let is_empty = items.len() == 0;
        for (place, item) in items.enumerate() {
            self.separate(place, depth);
            self.value(&item, depth + 1).map_err(|fault| fault.under(|| format!("[{place}]")))?;
        }
        self.close(b']', is_empty, depth);
        Ok(())
    }

    fn open(&mut self, bracket: u8, depth: usize) -> Result<(), Fault> {
        self.out.push(bracket);
        if depth < MAX_DEPTH { Ok(()) } else { Err(Fault::value(TOO_DEEP)) }
    }

    fn separate(&mut self, place: usize, depth: usize) {
        if place > 0 {
            self.out.push(b',');
        }
        self.line(depth + 1);
    }

    fn close(&mut self, bracket: u8, is_empty: bool, depth: usize) {
        if !is_empty {
            self.line(depth);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + indent * depth, b' ');
        }
    }
}
