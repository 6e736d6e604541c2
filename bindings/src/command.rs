//! The console command.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the service's command line with `arguments`, those behind the program's name, and gives its exit code.
///
/// The interpreter does nothing meanwhile: whoever wants Ctrl-C to work takes Python's handler of SIGINT away.
#[pyfunction]
pub fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let program = std::iter::once(OsString::from("llm-proxy"));
    py.detach(|| llm_proxy::cli::run(program.chain(arguments)))
}
