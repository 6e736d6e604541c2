//! Somebody who listens: a place in the ring.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::Published;
use super::ring::{Place, Ring};

/// What a listener is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A notice.
    Notice(Arc<Published>),
    /// Notices since the one that was asked from are gone; told once, at the beginning.
    Gap {
        /// How many; `None` where the id that was asked from is not one of this life of the service.
        missed: Option<u64>,
    },
    /// The listener was too slow and missed notices: the last thing it is told.
    Dropped,
}

/// Hears every notice once, in order.
pub struct Subscription {
    ring: Arc<Mutex<Ring>>,
    listener: u64,
    next: u64,
    gap: Option<Told>,
    is_over: bool,
}

impl Subscription {
    pub(super) fn new(ring: Arc<Mutex<Ring>>, after: Option<u64>) -> Self {
        let mut locked = ring.lock();
        let oldest = locked.oldest();
        let (next, gap) = match after {
            None => (locked.next(), None),
            Some(after) if !locked.knows(after) => (oldest, Some(Told::Gap { missed: None })),
            Some(after) if after + 1 < oldest => {
                (oldest, Some(Told::Gap { missed: Some(oldest - after - 1) }))
            }
            Some(after) => (after + 1, None),
        };
        let listener = locked.new_listener();
        drop(locked);
        Self { ring, listener, next, gap, is_over: false }
    }

    /// What comes next; `None` after [`Told::Dropped`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(gap) = self.gap.take() {
            return Poll::Ready(Some(gap));
        }
        let mut ring = self.ring.lock();
        match ring.at(self.next) {
            Place::Holds(published) => {
                self.next += 1;
                Poll::Ready(Some(Told::Notice(published)))
            }
            Place::IsNext => {
                ring.listen(self.listener, cx.waker());
                Poll::Pending
            }
            Place::IsGone => {
                self.is_over = true;
                Poll::Ready(Some(Told::Dropped))
            }
        }
    }

    /// What comes next; `None` after [`Told::Dropped`].
    pub async fn next(&mut self) -> Option<Told> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.ring.lock().forget(self.listener);
    }
}
