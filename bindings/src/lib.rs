//! The Python package's native half: the engine's thread, the way of calls to it and back, and the classes of
//! their results.
//!
//! Knows Python, and the library's public surface. A call is a plain message to the engine's thread
//! (`runtime`, `transport`); what comes back waits in its `mailbox`, from which the caller takes it (`caller`,
//! `call`, `flow`, `streams`), in an event loop with the help of its `hub` and an `awaited`. `failure` knows the
//! exceptions, `types` the results, `json` the bodies; `fork` and `log` keep the engine's thread apart from Python's.

mod awaited;
mod call;
mod caller;
mod client;
mod command;
mod embedded;
mod failure;
mod fixed;
mod flow;
mod fork;
mod hub;
pub mod json;
mod local_server;
mod log;
mod mailbox;
mod runtime;
mod streams;
mod transport;
pub mod types;

use pyo3::prelude::*;

/// What `llm_proxy` is made of; nothing runs before the first call.
#[pymodule]
fn _llm_proxy(module: &Bound<'_, PyModule>) -> PyResult<()> {
    types::register(module)?;
    module.add_class::<client::Transport>()?;
    module.add_class::<call::Call>()?;
    module.add_class::<awaited::Awaiter>()?;
    module.add_class::<hub::Hub>()?;
    module.add_class::<streams::Stream>()?;
    module.add_class::<streams::AsyncStream>()?;
    module.add_class::<streams::EventStream>()?;
    module.add_class::<streams::AsyncEventStream>()?;
    module.add_class::<local_server::LocalServer>()?;
    module.add_function(wrap_pyfunction!(fork::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(fork::after_fork_in_parent, module)?)?;
    module.add_function(wrap_pyfunction!(fork::after_fork_in_child, module)?)?;
    module.add_function(wrap_pyfunction!(client::shutdown, module)?)?;
    module.add_function(wrap_pyfunction!(command::run_command, module)?)?;
    module.add_function(wrap_pyfunction!(log::set_log_level, module)?)
}
