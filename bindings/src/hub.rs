//! Waking callers in an event loop.
//!
//! The engine's thread writes one byte to a socket that the loop watches, however many callers have something
//! by then; the loop's reader then completes a future for each of them. So the engine never needs the GIL,
//! and it works alike with asyncio's loops and uvloop's.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use tokio::sync::Notify;

use crate::fixed::{Fixed, text};
use crate::log;
use crate::mailbox::Mailbox;
use crate::runtime::{OfThisProcess, Shared};

thread_local! {
    /// The loops that are to be woken, in the engine's thread.
    static TO_SIGNAL: RefCell<Vec<Arc<Wakes>>> = const { RefCell::new(Vec::new()) };
    static HAS_TO_SIGNAL: Rc<Notify> = Rc::default();
}

/// Who is to be woken in one loop.
pub struct Wakes {
    ready: Mutex<Vec<Arc<Mailbox>>>,
    is_signalled: AtomicBool,
    signal: UnixStream,
}

impl Wakes {
    /// Has the loop look after `mailbox`, from the engine's thread.
    pub fn wake(self: &Arc<Self>, mailbox: &Arc<Mailbox>) {
        self.ready().push(Arc::clone(mailbox));
        if !self.is_signalled.swap(true, Ordering::AcqRel) {
            TO_SIGNAL.with_borrow_mut(|loops| loops.push(Arc::clone(self)));
            HAS_TO_SIGNAL.with(|has| has.notify_one());
        }
    }

    /// Never waits, never fails: a full socket holds a signal already.
    fn signal(&self) {
        let _full = (&self.signal).write(&[1]);
    }

    fn ready(&self) -> MutexGuard<'_, Vec<Arc<Mailbox>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signals to the loops, in the engine's thread, for ever. Whatever else came in meanwhile is looked after
/// first, so that a loop wakes once for all of it.
pub async fn signal_loops() {
    let has_to_signal = HAS_TO_SIGNAL.with(Rc::clone);
    loop {
        has_to_signal.notified().await;
        tokio::task::yield_now().await;
        for wakes in TO_SIGNAL.take() {
            wakes.signal();
        }
    }
}

/// What one event loop watches. Everything here is touched by the loop's own thread only.
#[pyclass(frozen, module = "llm_proxy._llm_proxy")]
pub struct Hub {
    wakes: Shared<Wakes>,
    signals: OfThisProcess<UnixStream>,
    event_loop: Py<PyWeakrefReference>,
}

thread_local! {
    /// The hubs of the loops that run in this thread, one at a time.
    static HUBS: RefCell<Vec<OfThisProcess<Py<Hub>>>> = const { RefCell::new(Vec::new()) };
}

impl Hub {
    /// The running loop's hub.
    ///
    /// # Errors
    /// `RuntimeError`: there is no running asyncio loop.
    pub fn of_running_loop(py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        let event_loop = running_loop(py)?;
        match Self::known(&event_loop) {
            Some(hub) => Ok(hub),
            None => Self::watched_by(&event_loop).inspect(Self::remember),
        }
    }

    fn known<'py>(event_loop: &Bound<'py, PyAny>) -> Option<Bound<'py, Self>> {
        HUBS.with_borrow(|hubs| {
            let mut hubs = hubs.iter().filter_map(OfThisProcess::get);
            Some(hubs.find(|hub| hub.get().is_of(event_loop))?.bind(event_loop.py()).clone())
        })
    }

    /// Keeps it, and drops those of loops that are closed.
    fn remember(hub: &Bound<'_, Self>) {
        // Python code runs in between, which must not find the list borrowed.
        let mut hubs = HUBS.take();
        hubs.retain(|known| known.get().is_some_and(|known| known.get().is_of_use(hub.py())));
        hubs.push(OfThisProcess::new(hub.clone().unbind()));
        HUBS.with_borrow_mut(|all| all.append(&mut hubs));
    }

    fn watched_by<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let (signals, signal) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        signal.set_nonblocking(true)?;
        let descriptor = signals.as_raw_fd();
        let wakes = Wakes { ready: Mutex::default(), is_signalled: AtomicBool::new(false), signal };
        let hub = Self {
            wakes: OfThisProcess::new(Arc::new(wakes)),
            signals: OfThisProcess::new(signals),
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
        };
        let hub = Bound::new(py, hub)?;
        let on_signal = hub.getattr(text!(py, "on_signal"))?;
        event_loop.call_method1(text!(py, "add_reader"), (descriptor, on_signal))?;
        Ok(hub)
    }

    /// A future that completes when `mailbox` has something; `None` where it has already. It is in the state
    /// in which `await` hands a future to its task.
    pub fn future<'py>(
        &self,
        py: Python<'py>,
        mailbox: &Arc<Mailbox>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(wakes) = self.wakes.get() else { return Ok(None) };
        if is_awaited(py, mailbox)? {
            return Err(PyRuntimeError::new_err("another task waits for this answer already"));
        }
        let Some(event_loop) = self.event_loop.bind(py).upgrade() else { return Ok(None) };
        if !mailbox.wake_by(wakes) {
            return Ok(None);
        }
        let future = event_loop.call_method0(text!(py, "create_future"))?;
        future.setattr(text!(py, "_asyncio_future_blocking"), true)?;
        mailbox.set_future(Some(future.clone().unbind()));
        Ok(Some(future))
    }

    fn is_of(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        self.event_loop.bind(event_loop.py()).upgrade().is_some_and(|known| known.is(event_loop))
    }

    /// Whether its loop is there and not closed.
    fn is_of_use(&self, py: Python<'_>) -> bool {
        let Some(event_loop) = self.event_loop.bind(py).upgrade() else { return false };
        let closed = event_loop.call_method0(text!(py, "is_closed")).and_then(|closed| closed.is_truthy());
        !closed.unwrap_or(true)
    }
}

#[pymethods]
impl Hub {
    /// Completes the futures of those who have something.
    fn on_signal(&self, py: Python<'_>) -> PyResult<()> {
        let (Some(wakes), Some(mut signals)) = (self.wakes.get(), self.signals.get()) else { return Ok(()) };
        match signals.read(&mut [0; 64]) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
        wakes.is_signalled.store(false, Ordering::Release);
        let ready = std::mem::take(&mut *wakes.ready());
        for mailbox in ready {
            complete(py, &mailbox)?;
        }
        log::deliver(py);
        Ok(())
    }
}

/// Completes the future of whoever waits for `mailbox`; it may have been cancelled meanwhile.
fn complete(py: Python<'_>, mailbox: &Mailbox) -> PyResult<()> {
    let Some(future) = mailbox.set_future(None) else { return Ok(()) };
    match future.call_method1(py, text!(py, "set_result"), (py.None(),)) {
        Err(_) if is_done(py, &future)? => Ok(()),
        completed => completed.map(drop),
    }
}

fn is_done(py: Python<'_>, future: &Py<PyAny>) -> PyResult<bool> {
    future.call_method0(py, text!(py, "done"))?.is_truthy(py)
}

/// Whether somebody else waits for it.
fn is_awaited(py: Python<'_>, mailbox: &Mailbox) -> PyResult<bool> {
    let Some(future) = mailbox.set_future(None) else { return Ok(false) };
    let is_done = is_done(py, &future)?;
    if !is_done {
        mailbox.set_future(Some(future));
    }
    Ok(!is_done)
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static RUNNING_LOOP: Fixed<PyAny> = Fixed::new();
    let asked = || py.import("asyncio")?.getattr("get_running_loop").map(Bound::unbind);
    RUNNING_LOOP.get_or_make(py, asked)?.call0().map_err(|_no_loop| PyRuntimeError::new_err(no_loop(py)))
}

fn no_loop(py: Python<'_>) -> &'static str {
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
    let has_trio = modules.and_then(|modules| modules.contains("trio")).unwrap_or(false);
    if has_trio {
        "no asyncio event loop runs here. AsyncLlmProxy works with asyncio and uvloop, not with trio: there, call \
         LlmProxy in a thread (trio.to_thread.run_sync)"
    } else {
        "no event loop runs here: await AsyncLlmProxy's calls in a coroutine that asyncio runs, or use LlmProxy"
    }
}
