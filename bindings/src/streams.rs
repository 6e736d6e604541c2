//! Streams as Python has them, for `for` and `async for`.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::awaited::{Awaited, Awaiter};
use crate::flow::{Flow, Next};

/// The part that streams of both kinds have, for `for`.
macro_rules! iterated {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "llm_proxy._llm_proxy")]
        pub struct $name(pub Arc<Flow>);

        #[pymethods]
        impl $name {
            const fn __iter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
                match self.0.wait(py)? {
                    Next::Item(item) => Ok(Some(item)),
                    Next::End => Ok(None),
                }
            }

            const fn __enter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            #[pyo3(signature = (error_type = None, error = None, traceback = None))]
            fn __exit__(
                &self,
                error_type: Option<Bound<'_, PyAny>>,
                error: Option<Bound<'_, PyAny>>,
                traceback: Option<Bound<'_, PyAny>>,
            ) {
                drop((error_type, error, traceback));
                self.0.close();
            }

            /// Ends the stream, which closes the upstream. A second time it does nothing.
            fn close(&self) {
                self.0.close();
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.0.caller().traverse(&visit)
            }

            /// The request's id, as in the service's logs.
            #[getter]
            fn request_id(&self) -> Option<&str> {
                self.0.meta().request_id.as_deref()
            }

            /// The endpoint that answers; `None` where the stream had to begin before one did.
            #[getter]
            fn served_by(&self) -> Option<&str> {
                self.0.meta().served_by.as_deref()
            }

            /// Upstream calls that were made until it began.
            #[getter]
            fn attempts(&self) -> u32 {
                self.0.meta().attempts
            }

            /// Whether nothing more comes: it is complete, has failed, or was closed.
            #[getter]
            fn closed(&self) -> bool {
                self.0.is_over()
            }
        }
    };
}

/// The same for `async for`.
macro_rules! async_iterated {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "llm_proxy._llm_proxy")]
        pub struct $name(pub Arc<Flow>);

        #[pymethods]
        impl $name {
            const fn __aiter__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __anext__(&self) -> Awaiter {
                Awaiter::new(Awaited::Item(Arc::clone(&self.0)))
            }

            fn __aenter__(slf: Py<Self>) -> Awaiter {
                Awaiter::new(Awaited::Ready(Some(slf.into_any())))
            }

            #[pyo3(signature = (error_type = None, error = None, traceback = None))]
            fn __aexit__(
                &self,
                error_type: Option<Bound<'_, PyAny>>,
                error: Option<Bound<'_, PyAny>>,
                traceback: Option<Bound<'_, PyAny>>,
            ) -> Awaiter {
                drop((error_type, error, traceback));
                self.close()
            }

            /// Ends the stream at once, which closes the upstream; what it returns may be awaited. A second
            /// time it does nothing.
            fn close(&self) -> Awaiter {
                self.0.close();
                Awaiter::new(Awaited::Ready(None))
            }

            /// The same under the name that async generators have for it.
            fn aclose(&self) -> Awaiter {
                self.close()
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.0.caller().traverse(&visit)
            }

            /// The request's id, as in the service's logs.
            #[getter]
            fn request_id(&self) -> Option<&str> {
                self.0.meta().request_id.as_deref()
            }

            /// The endpoint that answers; `None` where the stream had to begin before one did.
            #[getter]
            fn served_by(&self) -> Option<&str> {
                self.0.meta().served_by.as_deref()
            }

            /// Upstream calls that were made until it began.
            #[getter]
            fn attempts(&self) -> u32 {
                self.0.meta().attempts
            }

            /// Whether nothing more comes: it is complete, has failed, or was closed.
            #[getter]
            fn closed(&self) -> bool {
                self.0.is_over()
            }
        }
    };
}

iterated! {
    /// A streamed answer: an iterator over `ChatCompletionChunk`s. It ends if, and only if, the answer is complete;
    /// else it raises. Leaving its `with`, `close()` and letting go of it close the upstream.
    ///
    /// >>> with client.chat.completions.create(model="m", messages=messages, stream=True) as stream:
    /// ...     for chunk in stream:
    /// ...         print(chunk.choices[0].delta.content or "", end="")
    Stream
}

iterated! {
    /// The engine's events as they come: an iterator that ends when it is closed.
    ///
    /// >>> with client.events() as events:
    /// ...     for event in events:
    /// ...         print(event)
    EventStream
}

async_iterated! {
    /// A streamed answer: an asynchronous iterator over `ChatCompletionChunk`s. It ends if, and only if, the
    /// answer is complete; else it raises. Leaving its `async with`, `close()`, cancelling the task that waits,
    /// and letting go of it close the upstream.
    ///
    /// >>> async with await client.chat.completions.create(model="m", messages=messages, stream=True) as stream:
    /// ...     async for chunk in stream:
    /// ...         print(chunk.choices[0].delta.content or "", end="")
    AsyncStream
}

async_iterated! {
    /// The engine's events as they come: an asynchronous iterator that ends when it is closed.
    ///
    /// >>> async with await client.events() as events:
    /// ...     async for event in events:
    /// ...         print(event)
    AsyncEventStream
}
