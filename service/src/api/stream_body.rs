//! A streamed answer on its way to the caller, with a clock of its own.
//!
//! actix asks for more only when the caller has taken what came last. One who never reads would hold
//! an upstream for ever: the deadline must not depend on being asked.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::task::JoinHandle;
use actix_web::rt::{spawn, time};
use actix_web::web::Bytes;

use crate::services::relay::Relay;

/// The events of a relay. They cannot fail: a failure is an event.
pub struct StreamBody {
    relayed: Rc<RefCell<Relayed>>,
    clock: JoinHandle<()>,
}

enum Relayed {
    Open(Box<Relay>),
    /// The deadline is over; this is left to say.
    Expired(Bytes),
}

impl StreamBody {
    /// Passes on what `relay` gives, until its deadline.
    pub fn new(relay: Box<Relay>) -> Self {
        let deadline = relay.deadline();
        let relayed = Rc::new(RefCell::new(Relayed::Open(relay)));
        let expiring = Rc::downgrade(&relayed);
        let clock = spawn(async move {
            time::sleep_until(deadline.into()).await;
            if let Some(relayed) = expiring.upgrade() {
                relayed.borrow_mut().expire();
            }
        });
        Self { relayed, clock }
    }
}

impl Relayed {
    fn expire(&mut self) {
        if let Self::Open(relay) = self {
            let last = relay.expire();
            *self = Self::Expired(last);
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self {
            Self::Open(relay) => relay.poll_next(cx),
            Self::Expired(last) => Poll::Ready(Some(std::mem::take(last)).filter(|last| !last.is_empty())),
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.clock.abort();
    }
}

impl MessageBody for StreamBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let next = ready!(self.relayed.borrow_mut().poll_next(cx));
        Poll::Ready(next.map(Ok))
    }
}
