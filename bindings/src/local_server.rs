//! The engine of this process behind a URL on loopback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use llm_proxy::startup::local::Local;
use pyo3::prelude::*;

use crate::embedded::embedded;
use crate::failure::configuration_error;
use crate::log::{self, UsageLines};

/// A service in a thread of this process; it stops when it is dropped.
#[pyclass(frozen, module = "llm_proxy._llm_proxy")]
pub struct LocalServer {
    /// `http://127.0.0.1:PORT`
    #[pyo3(get)]
    url: String,
    /// What it asks its callers for.
    #[pyo3(get)]
    key: String,
    local: Mutex<Option<Local>>,
}

#[pymethods]
impl LocalServer {
    /// Starts one: the configuration at the path `config`, or `document` as JSON, and `settings` without their prefix.
    #[staticmethod]
    fn start(
        py: Python<'_>,
        config: Option<String>,
        document: Option<Vec<u8>>,
        settings: HashMap<String, String>,
    ) -> PyResult<Self> {
        log::install();
        // Attached, so that no other thread of Python changes the environment meanwhile.
        let embedded = embedded(config, document, settings);
        let started = embedded.and_then(|(settings, source)| {
            py.detach(|| Local::start(&settings, source, Some(Arc::new(UsageLines))))
        });
        let local = started.map_err(|line| configuration_error(py, line))?;
        let (url, key) = (local.url(), local.key().expose().to_owned());
        Ok(Self { url, key, local: Mutex::new(Some(local)) })
    }

    /// Stops it, within a second. A second time it does nothing.
    fn stop(&self, py: Python<'_>) {
        let local = self.local.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(local));
        log::deliver(py);
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        let Some(local) = self.local.get_mut().unwrap_or_else(PoisonError::into_inner).take() else { return };
        Python::attach(|py| py.detach(|| drop(local)));
    }
}
