//! Python objects that are made once and kept for ever.
//!
//! PyO3's own cells (`PyOnceLock`, `intern!`) let go of the GIL in the middle of making their object. A fork by
//! another thread in that moment leaves the child with a cell that is being made for ever. These are made
//! first and put in place with the GIL held.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// An object that is made when it is first asked for.
pub struct Fixed<T>(OnceLock<Py<T>>);

impl<T> Fixed<T> {
    /// Not made yet.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The object; `make` makes it, perhaps in vain, where several ask for the first time.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get_or_make<'py>(
        &self,
        py: Python<'py>,
        make: impl FnOnce() -> PyResult<Py<T>>,
    ) -> PyResult<&Bound<'py, T>> {
        if let Some(made) = self.0.get() {
            return Ok(made.bind(py));
        }
        let made = make()?;
        Ok(self.0.get_or_init(|| made).bind(py))
    }
}

impl Fixed<PyString> {
    /// The interned string that says `text`.
    pub fn text<'py>(&self, py: Python<'py>, text: &str) -> &Bound<'py, PyString> {
        if let Some(made) = self.0.get() {
            return made.bind(py);
        }
        let made = PyString::intern(py, text).unbind();
        self.0.get_or_init(|| made).bind(py)
    }
}

/// An interned string, made once a place.
macro_rules! text {
    ($py:expr, $text:expr) => {{
        static TEXT: $crate::fixed::Fixed<pyo3::types::PyString> = $crate::fixed::Fixed::new();
        TEXT.text($py, $text)
    }};
}

pub(crate) use text;
