//! The caller's side of a call: taking what came, hearing of notices, waiting without holding others up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pyo3::exceptions::PyException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::failure::fork_error;
use crate::hub::Hub;
use crate::mailbox::{Mailbox, Message};
use crate::transport::Line;
use crate::{log, types};

/// How long a waiting thread goes without looking for signals: Ctrl-C has to be fast.
const SIGNALS_EVERY: Duration = Duration::from_millis(25);

/// Whoever waits for the answer to one call.
pub struct Caller {
    line: Line,
    /// Taken out of the mailbox, and not looked at yet. Never locked while Python code may run.
    taken: Mutex<VecDeque<Message>>,
    on_event: Option<Py<PyAny>>,
}

impl Caller {
    /// Waits at `line`; notices go to `on_event`.
    pub fn new(line: Line, on_event: Option<Py<PyAny>>) -> Self {
        Self { line, taken: Mutex::default(), on_event }
    }

    /// The next message, if there is one. Notices before it are told.
    ///
    /// # Errors
    /// `ForkError`: the call is a parent process's. What interrupts a callback, like `KeyboardInterrupt`.
    pub fn poll(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        let mailbox = self.mailbox(py)?;
        loop {
            match self.take(mailbox) {
                Some(Message::Notice(notice)) => self.tell(py, &notice)?,
                message => return Ok(message),
            }
        }
    }

    fn take(&self, mailbox: &Mailbox) -> Option<Message> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.is_empty() {
            mailbox.take_all(&mut taken);
        }
        taken.pop_front()
    }

    /// The next message, for which this thread waits without the GIL.
    ///
    /// # Errors
    /// What a signal handler raises, like `KeyboardInterrupt`: the call is over then. `ForkError`.
    pub fn wait(&self, py: Python<'_>) -> PyResult<Message> {
        loop {
            if let Some(message) = self.poll(py)? {
                log::deliver(py);
                return Ok(message);
            }
            let mailbox = Arc::clone(self.mailbox(py)?);
            py.detach(|| mailbox.wait(SIGNALS_EVERY));
            py.check_signals().inspect_err(|_interrupted| self.line.hang_up())?;
        }
    }

    /// A future that completes when there is a message; `None` where there is one.
    ///
    /// # Errors
    /// `RuntimeError`: no asyncio loop runs here, or another task waits already. `ForkError`.
    pub fn future<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mailbox = self.mailbox(py)?;
        Hub::of_running_loop(py)?.get().future(py, mailbox)
    }

    /// Ends the call.
    pub fn hang_up(&self) {
        self.line.hang_up();
    }

    fn mailbox(&self, py: Python<'_>) -> PyResult<&Arc<Mailbox>> {
        let message = "this call was begun before a fork, by the parent process: only that can go on with it";
        self.line.mailbox.get().ok_or_else(|| fork_error(py, message))
    }

    /// A callback that raises must not break the call that it is told about; one that is interrupted must.
    fn tell(&self, py: Python<'_>, notice: &Bytes) -> PyResult<()> {
        let Some(on_event) = &self.on_event else { return Ok(()) };
        let told = types::event(py, notice).and_then(|event| on_event.call1(py, (event,)));
        match told {
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, Some(on_event.bind(py)));
                Ok(())
            }
            told => told.map(drop).inspect_err(|_interrupted| self.line.hang_up()),
        }
    }

    /// Shows Python's collector what this holds.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_event)
    }
}
