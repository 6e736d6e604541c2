//! What has to happen around `os.fork`, after which the child has one thread and a copy of everything else.
//!
//! Source: <https://docs.python.org/3/library/os.html#os.register_at_fork>

use std::cell::RefCell;
use std::sync::mpsc::Sender;

use pyo3::prelude::*;

use crate::{log, runtime};

thread_local! {
    /// What this thread holds while it forks.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

struct Held {
    lines: log::Held,
    /// Its end lets the engine's thread go on.
    engine: Option<Sender<()>>,
}

/// Has nobody else in the middle of anything: a lock that is held now would be held in the child for ever.
#[pyfunction]
pub fn before_fork() {
    let engine = runtime::pause();
    let lines = log::hold();
    HELD.set(Some(Held { lines, engine }));
}

/// The parent goes on.
#[pyfunction]
pub fn after_fork_in_parent() {
    drop(HELD.take());
}

/// The child begins anew: nothing of the parent's is used any more.
#[pyfunction]
pub fn after_fork_in_child() {
    runtime::after_fork_in_child();
    if let Some(Held { lines, engine }) = HELD.take() {
        lines.forget();
        // Its other end is a thread that is not here.
        std::mem::forget(engine);
    }
}
