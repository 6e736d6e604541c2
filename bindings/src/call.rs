//! A call, until its answer has begun.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::awaited::{Awaited, Awaiter};
use crate::caller::Caller;
use crate::failure::{Failure, Had};
use crate::flow::{Flow, Items};
use crate::hub::Hub;
use crate::mailbox::{Head, Message};
use crate::streams::{AsyncEventStream, AsyncStream, EventStream, Stream};
use crate::transport::Wants;
use crate::types::{self, Meta, Shape};

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object of one of the result classes.
    Whole(Shape),
    /// A `Stream`.
    Stream,
    /// An `AsyncStream`.
    AsyncStream,
    /// An `EventStream`.
    Events,
    /// An `AsyncEventStream`.
    AsyncEvents,
}

impl Kind {
    /// The kind of that name.
    ///
    /// # Errors
    /// `ValueError`: there is none.
    pub fn named(name: &str) -> PyResult<Self> {
        Ok(match name {
            "chat" => Self::Whole(Shape::Chat),
            "embeddings" => Self::Whole(Shape::Embeddings),
            "models" => Self::Whole(Shape::Models),
            "health" => Self::Whole(Shape::Health),
            "doctor" => Self::Whole(Shape::Doctor),
            "stream" => Self::Stream,
            "async_stream" => Self::AsyncStream,
            "events" => Self::Events,
            "async_events" => Self::AsyncEvents,
            _ => return Err(PyValueError::new_err(format!("there is no kind of call named {name:?}"))),
        })
    }

    /// What has to come for it.
    pub const fn wants(self) -> Wants {
        match self {
            Self::Whole(_) => Wants::Whole,
            Self::Stream | Self::AsyncStream => Wants::Stream,
            Self::Events | Self::AsyncEvents => Wants::Events,
        }
    }
}

/// A call that is under way. Letting go of it ends it.
#[pyclass(frozen, module = "llm_proxy._llm_proxy")]
pub struct Call(Arc<Begun>);

/// What a call and those who await it share.
pub struct Begun {
    kind: Kind,
    /// None once its answer was given.
    caller: Mutex<Option<Arc<Caller>>>,
}

impl Call {
    /// A call whose answer `caller` waits for.
    pub fn new(kind: Kind, caller: Caller) -> Self {
        Self(Arc::new(Begun { kind, caller: Mutex::new(Some(Arc::new(caller))) }))
    }
}

#[pymethods]
impl Call {
    /// Waits for the answer: an object, or a stream that has begun.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let message = self.0.caller()?.wait(py)?;
        self.0.answer(py, message)
    }

    fn __await__(&self, py: Python<'_>) -> PyResult<Awaiter> {
        // Asked first: an answer that is there already would hide that nothing else works here.
        Hub::of_running_loop(py)?;
        Ok(Awaiter::new(Awaited::Call(Arc::clone(&self.0))))
    }
}

impl Begun {
    /// The answer, if it is there.
    ///
    /// # Errors
    /// Why there is none.
    pub fn poll(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.caller()?.poll(py)? {
            Some(message) => self.answer(py, message).map(Some),
            None => Ok(None),
        }
    }

    /// Who waits.
    ///
    /// # Errors
    /// `RuntimeError`: nobody any more.
    pub fn caller(&self) -> PyResult<Arc<Caller>> {
        let caller = self.lock().clone();
        caller.ok_or_else(|| PyRuntimeError::new_err("the answer to this call was given already"))
    }

    /// Ends the call.
    pub fn hang_up(&self) {
        if let Some(caller) = self.lock().take() {
            caller.hang_up();
        }
    }

    fn answer(&self, py: Python<'_>, message: Message) -> PyResult<Py<PyAny>> {
        let caller = self.lock().take();
        match (message, self.kind, caller) {
            (Message::Whole(head, body), Kind::Whole(shape), _) => {
                types::read(py, shape, &body, &meta(&head)).map_err(|error| unreadable(py, &error))
            }
            (Message::Begins(head), kind, Some(caller)) => stream(py, kind, &head, caller),
            (Message::Failed(failure), ..) => Err(failure.raised(py, &Had::NOTHING)),
            _ => Err(PyRuntimeError::new_err("the answer is of another kind than the call")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Caller>>> {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(py: Python<'_>, error: &PyErr) -> PyErr {
    Failure::Connection(format!("the answer cannot be read: {}", error.value(py))).raised(py, &Had::NOTHING)
}

fn meta(head: &Head) -> Meta {
    Meta {
        request_id: head.header("x-request-id").map(str::to_owned),
        served_by: head.header("x-llm-proxy-endpoint").map(str::to_owned),
        attempts: head.attempts(),
    }
}

fn stream(py: Python<'_>, kind: Kind, head: &Head, caller: Arc<Caller>) -> PyResult<Py<PyAny>> {
    let items = match kind {
        Kind::Events | Kind::AsyncEvents => Items::Events,
        _ => Items::chunks(),
    };
    let flow = Arc::new(Flow::new(caller, meta(head), items));
    Ok(match kind {
        Kind::AsyncStream => Py::new(py, AsyncStream(flow))?.into_any(),
        Kind::Events => Py::new(py, EventStream(flow))?.into_any(),
        Kind::AsyncEvents => Py::new(py, AsyncEventStream(flow))?.into_any(),
        Kind::Stream | Kind::Whole(_) => Py::new(py, Stream(flow))?.into_any(),
    })
}
