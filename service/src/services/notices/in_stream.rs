//! Notices in the stream of the very request that they are about.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Published;
use crate::error::{Error, Result};

/// How a caller wants to get notices in its stream of Server-Sent Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeForm {
    /// `: notice {json}`, which every client passes over.
    Comment,
    /// `event: notice` and `data: {json}`.
    Event,
}

impl NoticeForm {
    /// The request's header that asks for notices.
    pub const HEADER: &'static str = "x-llm-proxy-notices";

    /// What the header's value asks for; `None` for no notices, which is the default.
    ///
    /// # Errors
    /// [`Kind::InvalidRequest`](crate::error::Kind): another value than `comment`, `event` or `none`.
    pub fn parse(header: Option<&[u8]>) -> Result<Option<Self>> {
        match header {
            None | Some(b"none") => Ok(None),
            Some(b"comment") => Ok(Some(Self::Comment)),
            Some(b"event") => Ok(Some(Self::Event)),
            Some(_) => {
                let message = "x-llm-proxy-notices holds an unknown value: expected comment, event or none";
                Err(Error::invalid(Self::HEADER, message))
            }
        }
    }

    const fn begins(self) -> &'static str {
        match self {
            Self::Comment => ": notice ",
            Self::Event => "event: notice\ndata: ",
        }
    }
}

/// What a request has to tell its own caller: a queue without a waker, filled and emptied by one task.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<Arc<Published>>>>);

impl Heard {
    /// Adds a notice.
    pub fn push(&self, published: Arc<Published>) {
        self.0.lock().push(published);
    }

    /// Everything that was not taken yet, oldest first.
    #[must_use]
    pub fn take_all(&self) -> Vec<Arc<Published>> {
        std::mem::take(&mut *self.0.lock())
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

/// Notices as a piece of a stream of Server-Sent Events.
#[must_use]
pub fn rendered(form: NoticeForm, notices: &[Arc<Published>]) -> Bytes {
    let pieces = notices.iter().flat_map(|published| [form.begins(), &*published.json, "\n\n"]);
    pieces.collect::<String>().into()
}
