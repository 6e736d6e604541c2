//! The program; everything of it is in the library, so that the Python package's command is the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    llm_proxy::cli::run(std::env::args_os()).into()
}
