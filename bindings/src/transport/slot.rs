//! A transport in the engine's thread, and the line between a call and its caller.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, oneshot};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;

use super::answering::{self, Request};
use super::notices::Listeners;
use super::plan::{Backend, Plan};
use crate::failure::Failure;
use crate::mailbox::{Mailbox, Message};
use crate::runtime::{self, OfThisProcess, Shared};

thread_local! {
    /// The transports of this thread, which is the engine's.
    static STARTED: RefCell<HashMap<u64, Rc<Started>>> = RefCell::default();
}

/// A transport in the engine's thread.
pub struct Started {
    plan: Arc<Plan>,
    backend: OnceCell<Backend>,
    /// Who hears of notices.
    pub listeners: Listeners,
    closed: CancellationToken,
}

impl Started {
    /// What calls go to; started by the first of them.
    ///
    /// # Errors
    /// The configuration cannot be used any more.
    pub async fn backend(&self) -> Result<&Backend, Failure> {
        self.backend.get_or_try_init(|| self.plan.start()).await.map_err(Failure::Configuration)
    }
}

/// Drops all transports, at the end of the engine's thread.
pub fn forget_all() {
    drop(STARTED.with_borrow_mut(std::mem::take));
}

/// A transport, seen from Python's threads. Dropping it lets calls that are under way end by themselves.
pub struct Slot {
    id: u64,
    generation: u64,
    plan: Arc<Plan>,
}

impl Slot {
    /// A transport that starts with its first call.
    pub fn new(plan: Arc<Plan>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), generation: runtime::generation(), plan }
    }

    /// Whether this process made it.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == runtime::generation()
    }

    /// Begins a call.
    ///
    /// # Errors
    /// The system gives no thread for the engine.
    pub fn call(&self, request: Request) -> std::io::Result<Line> {
        let mailbox = Arc::new(Mailbox::default());
        let (hang_up, hung_up) = oneshot::channel();
        let (id, plan, answers) = (self.id, Arc::clone(&self.plan), Arc::clone(&mailbox));
        runtime::run(move || {
            let started = started(id, plan);
            let answers = Answers(answers);
            spawn_local(async move {
                let closed = started.closed.clone();
                tokio::select! {
                    biased;
                    _ = hung_up => answers.0.put([Message::HungUp]),
                    () = closed.cancelled() => {}
                    () = answering::answer(&started, &request, &answers.0) => {}
                }
            });
        })?;
        let hang_up = Mutex::new(Some(OfThisProcess::new(hang_up)));
        Ok(Line { mailbox: OfThisProcess::new(mailbox), hang_up })
    }

    /// Ends every call that is under way.
    pub fn close(&self) {
        self.forget(|started| started.closed.cancel());
    }

    fn forget(&self, last: impl FnOnce(&Started) + Send + 'static) {
        let id = self.id;
        if self.is_of_this_process() {
            runtime::run_if_started(move || {
                let started = STARTED.with_borrow_mut(|all| all.remove(&id));
                if let Some(started) = started {
                    last(&started);
                }
            });
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.forget(|_| {});
    }
}

fn started(id: u64, plan: Arc<Plan>) -> Rc<Started> {
    let new = || {
        let (backend, listeners, closed) = (OnceCell::new(), Listeners::default(), CancellationToken::new());
        Rc::new(Started { plan, backend, listeners, closed })
    };
    STARTED.with_borrow_mut(|all| Rc::clone(all.entry(id).or_insert_with(new)))
}

/// What is answered. Whatever becomes of the call, nobody waits for ever.
struct Answers(Arc<Mailbox>);

impl Drop for Answers {
    fn drop(&mut self) {
        // Threads that wait at the exit of the interpreter are ended by it: an exception would be printed.
        if !self.0.is_finished() && !runtime::is_ending() {
            let failure = if std::thread::panicking() {
                Failure::Connection("the engine has failed: this is a fault of llm-proxy".to_owned())
            } else {
                Failure::Closed
            };
            self.0.put([Message::Failed(failure)]);
        }
    }
}

/// The caller's end of a call. Dropping it ends the call, which closes the upstream.
pub struct Line {
    /// What comes.
    pub mailbox: Shared<Mailbox>,
    hang_up: Mutex<Option<OfThisProcess<oneshot::Sender<()>>>>,
}

impl Line {
    /// Ends the call. What has come already stays.
    pub fn hang_up(&self) {
        drop(self.hang_up.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
