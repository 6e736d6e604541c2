//! What has to happen around `os.fork`, after which the child has one thread and a copy of everything else.
//!
//! Source: <https://docs.python.org/3/library/os.html#os.register_at_fork>

use std::cell::RefCell;
use std::sync::mpsc::Sender;

use pyo3::prelude::*;

use crate::{log, runtime};

thread_local! {
    /// While this thread forks. Its end lets the engine's thread go on.
    static PAUSED: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// Has the engine in the middle of nothing: a lock that it holds now would be held in the child for ever.
#[pyfunction]
pub fn before_fork() {
    PAUSED.set(runtime::pause());
}

/// The parent goes on.
#[pyfunction]
pub fn after_fork_in_parent() {
    drop(PAUSED.take());
}

/// The child begins anew: nothing of the parent's is used any more.
#[pyfunction]
pub fn after_fork_in_child() {
    runtime::after_fork_in_child();
    log::after_fork_in_child();
    // Its other end is a thread that is not here.
    std::mem::forget(PAUSED.take());
}
