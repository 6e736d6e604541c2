//! The engine's thread: one a process, started by the first call.
//!
//! It never holds the GIL, so that nothing that Python does can hold it up, and it can be left behind
//! anywhere: at the interpreter's exit, and in a child after `fork`, which has none of its parent's threads.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::hub;

/// What the engine's thread is asked to do; it may spawn local tasks.
type Job = Box<dyn FnOnce() + Send>;

/// How long the exit of the interpreter waits for open connections to be closed.
const EXIT_TIME: Duration = Duration::from_millis(500);

/// How long a fork waits for the engine's thread to stand still.
const PAUSE_TIME: Duration = Duration::from_millis(500);

/// Which process of a line of forks this is. What was made in another one must not be touched: a lock of it
/// may have been held by a thread that is not here.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Only ever locked by a thread that holds the GIL and keeps it meanwhile, so that no fork finds it locked.
static CURRENT: Mutex<Option<Runtime>> = Mutex::new(None);

thread_local! {
    /// Whether this thread, the engine's, is at its end.
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

struct Runtime {
    jobs: mpsc::UnboundedSender<Job>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// This process's generation.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has the engine's thread do `job`; starts the thread if there is none.
///
/// # Errors
/// The system gives no thread.
pub fn run(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut current = current();
    let runtime = match &mut *current {
        Some(runtime) => runtime,
        none => none.insert(Runtime::start()?),
    };
    // The thread ends only when it is told to, and is forgotten first.
    let _nobody_is_left = runtime.jobs.send(Box::new(job));
    Ok(())
}

/// The same, where there is a thread: nothing is started to clean up what is gone.
pub fn run_if_started(job: impl FnOnce() + Send + 'static) {
    if let Some(runtime) = &*current() {
        let _nobody_is_left = runtime.jobs.send(Box::new(job));
    }
}

/// Ends every call and closes every connection, before the interpreter exits. To be called without the GIL
/// after [`take`].
pub fn stop(running: Running) {
    let Runtime { jobs, stop, thread } = running.0;
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let _is_ending = stop.send(());
    drop(jobs);
    let joining = std::thread::Builder::new().name("llm-proxy-exit".to_owned()).spawn(move || {
        let _panicked = thread.join();
        drop(ended);
    });
    if joining.is_ok() {
        let _in_time = end.recv_timeout(EXIT_TIME);
    }
}

/// The runtime that was taken out to be stopped.
pub struct Running(Runtime);

/// Takes the running thread out, if there is one: the next call starts another.
pub fn take() -> Option<Running> {
    current().take().map(Running)
}

/// Has the engine's thread stand still, so that a fork finds none of its locks held; for [`PAUSE_TIME`] it is
/// waited for. It goes on when what is returned is dropped.
pub fn pause() -> Option<std::sync::mpsc::Sender<()>> {
    let current = current();
    let runtime = current.as_ref()?;
    let (go_on, going_on) = std::sync::mpsc::channel::<()>();
    let (paused, pausing) = std::sync::mpsc::channel::<()>();
    let pause = move || {
        drop(paused);
        let _goes_on = going_on.recv();
    };
    let _nobody_is_left = runtime.jobs.send(Box::new(pause));
    let _in_time = pausing.recv_timeout(PAUSE_TIME);
    Some(go_on)
}

/// Whether this thread is the engine's, and the interpreter exits.
pub fn is_ending() -> bool {
    IS_ENDING.get()
}

/// Leaves behind whatever the parent had.
pub fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    // Dropping it would wake a thread that is not here.
    std::mem::forget(current().take());
}

fn current() -> MutexGuard<'static, Option<Runtime>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runtime {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut queue) = mpsc::unbounded_channel::<Job>();
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            while let Some(job) = queue.recv().await {
                job();
            }
        };
        let thread = std::thread::Builder::new().name("llm-proxy".to_owned()).spawn(move || {
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async {
                tokio::task::spawn_local(hub::signal_loops());
                tokio::select! { biased; _ = stopped => {}, () = serve => {} }
            });
            IS_ENDING.set(true);
            // What is dropped here closes its connections, for which the runtime has to be there.
            let _in_runtime = runtime.enter();
            drop(tasks);
            crate::transport::forget_all();
        })?;
        Ok(Self { jobs, stop, thread })
    }
}

/// A value that the engine's thread shares with others; in another process it is not touched any more.
pub struct OfThisProcess<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> OfThisProcess<T> {
    /// Belongs to this process.
    pub fn new(value: T) -> Self {
        Self { generation: generation(), value: Some(value) }
    }

    /// The value, unless it is a parent's.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.generation == generation())
    }
}

impl<T> Drop for OfThisProcess<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            std::mem::forget(self.value.take());
        }
    }
}

/// Shared by [`Arc`] between the engine's thread and others.
pub type Shared<T> = OfThisProcess<Arc<T>>;
