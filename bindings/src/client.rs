//! What Python's clients are made of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::call::{Call, Kind};
use crate::caller::Caller;
use crate::failure::{Failure, Had, configuration_error};
use crate::transport::{self, Plan, Request, Slot};
use crate::{json, log, runtime};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The way that calls take. Nothing is started before the first of them.
#[pyclass(frozen, module = "llm_proxy._llm_proxy")]
pub struct Transport {
    plan: Arc<Plan>,
    /// None once it is closed. Another process's is replaced.
    slot: Mutex<Option<Arc<Slot>>>,
}

impl Transport {
    fn new(plan: Plan) -> Self {
        log::install();
        let plan = Arc::new(plan);
        let slot = Mutex::new(Some(Arc::new(Slot::new(Arc::clone(&plan)))));
        Self { plan, slot }
    }

    /// This process's way, unless it is closed.
    fn slot(&self) -> Option<Arc<Slot>> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot.as_mut()?;
        if !known.is_of_this_process() {
            *known = Arc::new(Slot::new(Arc::clone(&self.plan)));
        }
        Some(Arc::clone(known))
    }
}

#[pymethods]
impl Transport {
    /// To the running service.
    #[staticmethod]
    fn service(py: Python<'_>, base_url: &str, internal_auth: &str) -> PyResult<Self> {
        let plan = Plan::of_service(base_url, internal_auth);
        plan.map(Self::new).map_err(|message| configuration_error(py, message))
    }

    /// To the engine in this process.
    #[staticmethod]
    fn embedded(
        py: Python<'_>,
        config: Option<String>,
        document: Option<Vec<u8>>,
        settings: HashMap<String, String>,
    ) -> PyResult<Self> {
        log::install();
        let plan = Plan::embedded(config, document, settings);
        log::deliver(py);
        plan.map(Self::new).map_err(|message| configuration_error(py, message))
    }

    /// Begins a call.
    #[expect(clippy::too_many_arguments, reason = "Python's half gives all that a call has, by position")]
    fn call(
        &self,
        py: Python<'_>,
        kind: &str,
        method: &str,
        path: String,
        body: Option<Bound<'_, PyAny>>,
        headers: Option<HashMap<String, String>>,
        timeout: Option<f64>,
        max_retries: u32,
        on_event: Option<Py<PyAny>>,
    ) -> PyResult<Call> {
        let kind = Kind::named(kind)?;
        let Some(slot) = self.slot() else { return Err(Failure::Closed.raised(py, &Had::NOTHING)) };
        let mut headers = transport::headers(headers.unwrap_or_default()).map_err(PyValueError::new_err)?;
        let hears_of = on_event.as_ref().map(|_| request_id(&mut headers));
        let request = Request {
            wants: kind.wants(),
            method: if method == "GET" { Method::GET } else { Method::POST },
            path,
            headers,
            body: body.map(|body| json::write(&body)).transpose()?.unwrap_or_default().into(),
            timeout: timeout.map(Duration::try_from_secs_f64).transpose().map_err(too_long)?,
            max_retries,
            hears_of,
        };
        Ok(Call::new(kind, Caller::new(slot.call(request)?, on_event)))
    }

    /// Ends every call and closes every connection. A second time it does nothing.
    fn close(&self, py: Python<'_>) {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(slot) = slot {
            slot.close();
        }
        log::deliver(py);
    }
}

fn too_long(error: std::time::TryFromFloatSecsError) -> PyErr {
    PyValueError::new_err(format!("timeout cannot be used: {error}"))
}

/// The request's id, which is made here where the caller gives none: notices are known by it.
fn request_id(headers: &mut Vec<(HeaderName, HeaderValue)>) -> String {
    let given = headers.iter().find(|(name, _)| *name == REQUEST_ID).and_then(|(_, id)| id.to_str().ok());
    if let Some(given) = given {
        return given.to_owned();
    }
    let id = uuid::Uuid::now_v7().simple().to_string();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.push((REQUEST_ID, value));
    }
    id
}

/// To be called before the interpreter exits: ends every call, closes every connection, tells the last lines.
#[pyfunction]
pub fn shutdown(py: Python<'_>) {
    if let Some(running) = runtime::take() {
        py.detach(|| runtime::stop(running));
    }
    log::deliver(py);
}
