//! The Python package's native half.

pub mod json;
pub mod types;

use pyo3::prelude::*;

/// What `llm_proxy` is made of; nothing runs before the first call.
#[pymodule]
fn _llm_proxy(module: &Bound<'_, PyModule>) -> PyResult<()> {
    types::register(module)
}
