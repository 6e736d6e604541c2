//! Why a Python value is no JSON, and where in it.

use std::fmt::Display;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// What is wrong, and where: the steps from the inside out. What other code raised has no place.
pub struct Fault {
    error: PyErr,
    place: Option<Vec<String>>,
}

impl Fault {
    /// JSON cannot say this value.
    pub fn value(message: impl Display) -> Self {
        Self { error: PyValueError::new_err(message.to_string()), place: Some(Vec::new()) }
    }

    fn kind(message: &str, value: &Bound<'_, PyAny>) -> Self {
        let name =
            value.get_type().fully_qualified_name().map_or_else(|_| "?".into(), |name| name.to_string());
        Self { error: PyTypeError::new_err(message.replace("{}", &name)), place: Some(Vec::new()) }
    }

    /// There is no JSON for values of this type.
    pub fn no_json(value: &Bound<'_, PyAny>) -> Self {
        Self::kind("{} is no JSON value", value)
    }

    /// Objects in JSON have no such keys.
    pub fn no_key(key: &Bound<'_, PyAny>) -> Self {
        Self::kind("a key must be str, not {}", key)
    }

    /// The same, one step further out: `.key` or `[index]`.
    pub fn under(mut self, step: impl FnOnce() -> String) -> Self {
        if let Some(place) = &mut self.place {
            place.push(step());
        }
        self
    }

    /// The error with its place before what it says.
    pub fn told(self, py: Python<'_>) -> PyErr {
        let place: String = self.place.unwrap_or_default().into_iter().rev().collect();
        if place.is_empty() {
            return self.error;
        }
        let message = format!("{}: {}", place.trim_start_matches('.'), self.error.value(py));
        PyErr::from_type(self.error.get_type(py), message)
    }
}

/// What other code raised is passed on as it is.
impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self { error, place: None }
    }
}
