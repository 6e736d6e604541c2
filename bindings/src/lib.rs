//! The Python package's native half.

pub mod command;
pub mod embedded;
pub mod json;
pub mod local_server;
pub mod types;

use pyo3::prelude::*;

/// What `llm_proxy` is made of; nothing runs before the first call.
#[pymodule]
fn _llm_proxy(module: &Bound<'_, PyModule>) -> PyResult<()> {
    types::register(module)?;
    module.add_class::<local_server::LocalServer>()?;
    module.add_function(wrap_pyfunction!(command::run_command, module)?)
}
