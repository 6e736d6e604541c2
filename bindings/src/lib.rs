//! The Python package's native half.

use pyo3::prelude::*;

/// What `llm_proxy` is made of; nothing runs before the first call.
#[pymodule]
fn _llm_proxy(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
