//! A waker that stays quiet while its owner is polling anyway.
//!
//! hyper's halves wake each other through the task they run in. Here both run in the same task, which
//! would be polled once more, from the socket down, for each such call. The gate notes a wake that
//! comes while the connection is being polled, and the connection polls again in place; and it tells a
//! poll that is about something else that there is nothing to do here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

/// The gate of one connection.
pub struct Gate {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    task: Mutex<Waker>,
    polling: AtomicBool,
    woken: AtomicBool,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if !self.polling.load(Ordering::SeqCst) {
            self.task.lock().wake_by_ref();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        let shared = Arc::new(Shared {
            task: Mutex::new(Waker::noop().clone()),
            polling: AtomicBool::new(false),
            woken: AtomicBool::new(true),
        });
        let waker = Waker::from(Arc::clone(&shared));
        Self { shared, waker }
    }
}

impl Gate {
    /// Makes the next [`Gate::poll`] poll, whether or not anything was woken.
    pub fn open(&self) {
        self.shared.woken.store(true, Ordering::SeqCst);
    }

    /// Forgets the task: whatever wakes the connection from now on wakes nobody.
    pub fn detach(&self) {
        Waker::noop().clone_into(&mut self.shared.task.lock());
    }

    /// Polls `work` for the task of `cx`, again for as long as it wakes itself, and not at all if nothing
    /// has been woken since it was pending.
    pub fn poll<T>(&self, cx: &Context<'_>, mut work: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.attach(cx.waker());
        self.shared.polling.store(true, Ordering::SeqCst);
        let mut polled = Poll::Pending;
        while polled.is_pending() && self.shared.woken.swap(false, Ordering::SeqCst) {
            polled = work(&mut Context::from_waker(&self.waker));
        }
        self.shared.polling.store(false, Ordering::SeqCst);
        // A wake from another thread may have come in between.
        if polled.is_pending() && self.shared.woken.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
        if polled.is_ready() {
            self.open();
        }
        polled
    }

    fn attach(&self, waker: &Waker) {
        let mut task = self.shared.task.lock();
        if !task.will_wake(waker) {
            waker.clone_into(&mut task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn work_that_wakes_itself_is_polled_again_in_place() {
        let (gate, count) = (Gate::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        let mut polls = 0;
        let polled = gate.poll(&Context::from_waker(&waker), |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert!(polled.is_ready());
        assert_eq!((polls, count.0.load(Ordering::SeqCst)), (3, 0));
    }

    #[test]
    fn a_wake_from_outside_reaches_the_task_and_opens_the_gate() {
        let (gate, count) = (Gate::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        let cx = Context::from_waker(&waker);
        let mut inner = None;
        let mut polls = 0;
        let mut poll = |gate: &Gate| {
            gate.poll(&cx, |cx| -> Poll<()> {
                polls += 1;
                inner = Some(cx.waker().clone());
                Poll::Pending
            })
        };
        assert!(poll(&gate).is_pending());
        assert!(poll(&gate).is_pending());
        if let Some(waker) = inner.take() {
            waker.wake();
        }
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(poll_count(&gate, &cx) == 1);
        assert_eq!(polls, 1);
    }

    fn poll_count(gate: &Gate, cx: &Context<'_>) -> usize {
        let mut polls = 0;
        let _pending: Poll<()> = gate.poll(cx, |_| {
            polls += 1;
            Poll::Pending
        });
        polls
    }
}
