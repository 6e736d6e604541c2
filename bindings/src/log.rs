//! The engine's log on its way to Python's `logging`.
//!
//! Lines are kept until a caller's own thread comes by and hands them on: the engine's thread calls no Python.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use llm_proxy::ports::LineSink;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::fixed::Fixed;
use crate::runtime;

/// The logger of the engine's messages, and that of its usage records.
const MESSAGES: &str = "llm_proxy";
const USAGE: &str = "llm_proxy.usage";

/// Lines beyond this are dropped, and it is said how many.
const MAX_WAITING: usize = 10_000;

/// Python's levels: <https://docs.python.org/3/library/logging.html#logging-levels>.
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;
const ERROR: u8 = 40;

/// What Python wants to hear at least.
static LEVEL: AtomicU8 = AtomicU8::new(WARNING);
static HAS_LINES: AtomicBool = AtomicBool::new(false);
static FIRST: Lines = Lines::new();

/// The lines of one process. A forked child has some of its own behind those of its parent: the parent's may have
/// been locked by a thread that the child does not have. To hold the lock during a fork would be wrong: hooks of
/// others run meanwhile, which let threads go on that would wait for the lock with the GIL.
struct Lines {
    waiting: Mutex<Waiting>,
    of_child: OnceLock<Box<Self>>,
}

impl Lines {
    const fn new() -> Self {
        Self { waiting: Mutex::new(Waiting::NOTHING), of_child: OnceLock::new() }
    }
}

/// Lines that nobody came by for yet.
struct Waiting {
    lines: Vec<Line>,
    dropped: usize,
}

impl Waiting {
    const NOTHING: Self = Self { lines: Vec::new(), dropped: 0 };
}

/// Logger, level, message.
type Line = (&'static str, u8, String);

/// Keeps lines of `level` and above from now on.
#[pyfunction]
pub fn set_log_level(level: u8) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Has the engine's messages kept for Python, unless this process has another subscriber already.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _taken = tracing_subscriber::registry().with(Messages).try_init();
    });
}

/// Hands on what is waiting. A logger that raises must not break the call that came by.
pub fn deliver(py: Python<'_>) {
    if !HAS_LINES.swap(false, Ordering::AcqRel) {
        return;
    }
    let Waiting { mut lines, dropped } = std::mem::replace(&mut *waiting(), Waiting::NOTHING);
    if dropped > 0 {
        lines.push((MESSAGES, WARNING, format!("{dropped} lines of the log were not taken in time")));
    }
    if let Err(error) = logs(py).and_then(|logs| logs.call_method1("deliver", (lines,))) {
        error.write_unraisable(py, None);
    }
}

/// In a child after `fork`: the parent tells its own lines.
pub fn after_fork_in_child() {
    HAS_LINES.store(false, Ordering::Release);
    // Made here, where no other thread is.
    drop(waiting());
}

fn logs(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static LOGS: Fixed<PyModule> = Fixed::new();
    LOGS.get_or_make(py, || PyModule::import(py, "llm_proxy._logs").map(Bound::unbind))
}

fn keep(line: Line) {
    if line.1 < LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let mut waiting = waiting();
    if waiting.lines.len() < MAX_WAITING {
        waiting.lines.push(line);
    } else {
        waiting.dropped += 1;
    }
    HAS_LINES.store(true, Ordering::Release);
}

fn waiting() -> MutexGuard<'static, Waiting> {
    let mut own = &FIRST;
    for _ in 0..runtime::generation() {
        own = own.of_child.get_or_init(|| Box::new(Lines::new()));
    }
    own.waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the engine's usage records.
pub struct UsageLines;

impl LineSink for UsageLines {
    fn write_line(&self, line: &[u8]) {
        keep((USAGE, INFO, String::from_utf8_lossy(line).trim_end().to_owned()));
    }
}

/// Takes the engine's messages.
struct Messages;

impl<S: Subscriber> Layer<S> for Messages {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        level_of(metadata) >= LEVEL.load(Ordering::Relaxed) && metadata.target().starts_with("llm_proxy")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        keep((MESSAGES, level_of(event.metadata()), text.message + &text.fields));
    }
}

fn level_of(metadata: &Metadata<'_>) -> u8 {
    match *metadata.level() {
        Level::ERROR => ERROR,
        Level::WARN => WARNING,
        Level::INFO => INFO,
        _ => DEBUG,
    }
}

/// `message name=value …`
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
