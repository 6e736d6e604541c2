//! Objects of members that are the same from object to object, such as a chunk's id.

use std::ptr;

use pyo3::prelude::*;

use super::class::Field;

/// The last object of each such member.
#[derive(Default)]
pub struct Repeats(Vec<(&'static Field, Py<PyAny>)>);

impl Repeats {
    /// The last object of `field` if it `is_last`, else the one that it makes, which is the last from now on.
    pub fn last<'py>(
        &mut self,
        py: Python<'py>,
        field: &'static Field,
        is_last: impl FnOnce(&Bound<'py, PyAny>) -> bool,
        make: impl FnOnce() -> Bound<'py, PyAny>,
    ) -> Bound<'py, PyAny> {
        let Some((_, last)) = self.0.iter_mut().find(|(known, _)| ptr::eq(*known, field)) else {
            let made = make();
            self.0.push((field, made.clone().unbind()));
            return made;
        };
        if !is_last(last.bind(py)) {
            *last = make().unbind();
        }
        last.bind(py).clone()
    }
}
