//! What `await` is given: an iterator that yields a future while there is nothing, and returns what there is.
//!
//! No future is made where the answer is there already, and none for a chunk that has been buffered: a
//! crossing from the engine's thread costs more than the chunk itself.

use std::sync::Arc;

use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;

use crate::call::Begun;
use crate::caller::Caller;
use crate::flow::{Flow, Next};

/// What is waited for.
pub enum Awaited {
    /// The answer to a call.
    Call(Arc<Begun>),
    /// The next item of a stream.
    Item(Arc<Flow>),
    /// Nothing: this is there.
    Ready(Option<Py<PyAny>>),
}

/// One `await`.
#[pyclass(frozen, module = "llm_proxy._llm_proxy")]
pub struct Awaiter(Awaited);

impl Awaiter {
    /// Waits for that.
    pub const fn new(awaited: Awaited) -> Self {
        Self(awaited)
    }
}

#[pymethods]
impl Awaiter {
    const fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    const fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// A future to wait for. What was waited for comes as the value of `StopIteration`.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loop {
            if let Some(value) = self.poll(py)? {
                return Err(PyStopIteration::new_err((value,)));
            }
            if let Some(future) = self.caller()?.future(py)? {
                return Ok(future);
            }
        }
    }

    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)
    }

    /// The task was cancelled: so is the call.
    #[pyo3(signature = (error_type, error = None, _traceback = None))]
    fn throw(
        &self,
        error_type: Bound<'_, PyAny>,
        error: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close();
        Err(PyErr::from_value(error.unwrap_or(error_type)))
    }

    fn close(&self) {
        match &self.0 {
            Awaited::Call(call) => call.hang_up(),
            Awaited::Item(flow) => flow.close(),
            Awaited::Ready(_) => {}
        }
    }
}

impl Awaiter {
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match &self.0 {
            Awaited::Call(call) => call.poll(py),
            Awaited::Ready(value) => Ok(Some(value.as_ref().map_or_else(|| py.None(), |v| v.clone_ref(py)))),
            Awaited::Item(flow) => match flow.poll(py)? {
                None => Ok(None),
                Some(Next::Item(item)) => Ok(Some(item)),
                Some(Next::End) => Err(PyStopAsyncIteration::new_err(())),
            },
        }
    }

    fn caller(&self) -> PyResult<Arc<Caller>> {
        match &self.0 {
            Awaited::Call(call) => call.caller(),
            Awaited::Item(flow) => Ok(Arc::clone(flow.caller())),
            Awaited::Ready(_) => Err(PyRuntimeError::new_err("there is nothing to wait for")),
        }
    }
}
