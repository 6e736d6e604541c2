//! Why a caller gets no answer, or not all of it; and the Python exception for it.

use bytes::Bytes;
use llm_proxy::error::Kind;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyModule};

use crate::fixed::Fixed;
use crate::mailbox::Head;

/// A failure on its way to the caller.
#[derive(Clone, Debug)]
pub enum Failure {
    /// An answer with an error's status.
    Status(Head, Bytes),
    /// The stream says that it failed, in an event `{"error": …}`.
    InStream(Head, Bytes),
    /// The service cannot be reached, or the connection to it broke before an answer.
    Connection(String),
    /// The stream's connection broke before its end.
    Broken(String),
    /// The caller's own timeout is over.
    Timeout(String),
    /// The client was closed.
    Closed,
    /// The configuration cannot be used.
    Configuration(String),
}

/// How much of a stream its caller has.
pub struct Had<'py> {
    /// The text so far.
    pub text: &'py str,
    /// Whether it had any chunk.
    pub any: bool,
    /// Its usage, where it was told already.
    pub usage: Option<Py<PyAny>>,
}

impl Had<'_> {
    /// Nothing.
    pub const NOTHING: Self = Had { text: "", any: false, usage: None };
}

impl Failure {
    /// The exception.
    pub fn raised(self, py: Python<'_>, had: &Had<'_>) -> PyErr {
        self.exception(py, had).unwrap_or_else(|error| error)
    }

    fn exception(self, py: Python<'_>, had: &Had<'_>) -> PyResult<PyErr> {
        let exceptions = exceptions(py)?;
        let made = match self {
            Self::Status(head, body) => status_error(py, exceptions, head.status, &head, &body)?,
            Self::InStream(head, body) if !had.any => {
                status_error(py, exceptions, status_of(&body), &head, &body)?
            }
            Self::InStream(_, body) => {
                let message = told(&body).into_message();
                let body = PyBytes::new(py, &body);
                exceptions.call_method1("interrupted", (message, had.text, had.usage.as_ref(), body))?
            }
            Self::Broken(message) if had.any => {
                exceptions.call_method1("interrupted", (message, had.text, had.usage.as_ref(), py.None()))?
            }
            Self::Connection(message) | Self::Broken(message) => {
                exceptions.call_method1("connection_error", (message,))?
            }
            Self::Timeout(message) => exceptions.call_method1("timeout_error", (message,))?,
            Self::Closed => exceptions.call_method0("closed_error")?,
            Self::Configuration(message) => exceptions.call_method1("configuration_error", (message,))?,
        };
        Ok(PyErr::from_value(made))
    }
}

/// What is used of a parent process's client after a fork.
pub fn fork_error(py: Python<'_>, message: &str) -> PyErr {
    let made = exceptions(py).and_then(|exceptions| exceptions.call_method1("fork_error", (message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// A setting or a file that cannot be used.
pub fn configuration_error(py: Python<'_>, message: String) -> PyErr {
    Failure::Configuration(message).raised(py, &Had::NOTHING)
}

fn exceptions(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static EXCEPTIONS: Fixed<PyModule> = Fixed::new();
    EXCEPTIONS.get_or_make(py, || PyModule::import(py, "llm_proxy._exceptions").map(Bound::unbind))
}

fn status_error<'py>(
    py: Python<'py>,
    exceptions: &Bound<'py, PyModule>,
    status: u16,
    head: &Head,
    body: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let headers = PyDict::new(py);
    for (name, value) in &head.headers {
        headers.set_item(name, value)?;
    }
    exceptions.call_method1("status_error", (status, headers, PyBytes::new(py, body)))
}

#[derive(Default, serde::Deserialize)]
struct Envelope {
    #[serde(default)]
    error: Told,
}

/// What an error says of itself.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub struct Told {
    message: Option<String>,
    r#type: Option<String>,
    code: Option<String>,
}

impl Told {
    fn into_message(self) -> String {
        self.message.unwrap_or_else(|| "the stream ended with an error".to_owned())
    }

    /// The machine-readable code.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }
}

/// What the envelope `{"error": …}` says.
pub fn told(body: &[u8]) -> Told {
    serde_json::from_slice::<Envelope>(body).unwrap_or_default().error
}

/// The status that the error would have had before the head: a stream's has gone out as 200.
fn status_of(body: &[u8]) -> u16 {
    let told = told(body);
    let by_code = Kind::ALL.into_iter().find(|kind| kind.name() == told.code());
    let by_type = || Kind::ALL.into_iter().find(|kind| Some(kind.openai_type()) == told.r#type.as_deref());
    match by_code.or_else(by_type) {
        Some(kind) => kind.status(),
        None => Kind::UpstreamFailure.status(),
    }
}
