//! A stream that has begun: its items, its end, and how much of it there was.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pyo3::prelude::*;

use crate::caller::Caller;
use crate::failure::{Failure, Had};
use crate::mailbox::Message;
use crate::types::{self, ChunkReader, Meta, Partial};

/// What a stream consists of.
pub enum Items {
    /// Chunks of an answer.
    Chunks(Box<(ChunkReader, Partial)>),
    /// Events of the engine's.
    Events,
}

impl Items {
    /// Chunks of an answer.
    pub fn chunks() -> Self {
        Self::Chunks(Box::default())
    }

    fn read(&mut self, py: Python<'_>, data: &Bytes, meta: &Meta) -> PyResult<Py<PyAny>> {
        match self {
            Self::Chunks(chunks) => {
                let (reader, partial) = &mut **chunks;
                let chunk = reader.read(py, data, meta)?;
                partial.add(chunk.bind(py))?;
                Ok(chunk)
            }
            Self::Events => types::event(py, data),
        }
    }
}

/// What comes next.
pub enum Next {
    /// An item.
    Item(Py<PyAny>),
    /// Nothing more: the stream is complete, or was closed.
    End,
}

/// A stream that has begun. The last who lets go of it ends it: its Python object, or somebody who awaits an item.
pub struct Flow {
    caller: Arc<Caller>,
    meta: Meta,
    state: Mutex<State>,
}

struct State {
    items: Items,
    has_items: bool,
    is_over: bool,
}

impl Flow {
    /// A stream of `items` that come to `caller`.
    pub const fn new(caller: Arc<Caller>, meta: Meta, items: Items) -> Self {
        Self { caller, meta, state: Mutex::new(State { items, has_items: false, is_over: false }) }
    }

    /// Who waits for it.
    pub const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Whose stream it is.
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Whether nothing more comes: it is complete, has failed, or was closed.
    pub fn is_over(&self) -> bool {
        self.state().is_over
    }

    /// What comes next, if it is there.
    ///
    /// # Errors
    /// Why the stream broke off; it is over then.
    pub fn poll(&self, py: Python<'_>) -> PyResult<Option<Next>> {
        if self.is_over() {
            return Ok(Some(Next::End));
        }
        self.caller.poll(py)?.map(|message| self.next(py, message)).transpose()
    }

    /// What comes next, for which this thread waits.
    ///
    /// # Errors
    /// As for [`Flow::poll`]; and what a signal's handler raises.
    pub fn wait(&self, py: Python<'_>) -> PyResult<Next> {
        if self.is_over() {
            return Ok(Next::End);
        }
        let message = self.caller.wait(py).inspect_err(|_| self.close())?;
        self.next(py, message)
    }

    fn next(&self, py: Python<'_>, message: Message) -> PyResult<Next> {
        let mut state = self.state();
        match message {
            Message::Event(data) => {
                state.has_items = true;
                match state.items.read(py, &data, &self.meta) {
                    Ok(item) => Ok(Next::Item(item)),
                    Err(error) => {
                        let message = format!("a chunk cannot be read: {}", error.value(py));
                        Err(self.fail(py, state, Failure::Broken(message)))
                    }
                }
            }
            Message::Failed(failure) => Err(self.fail(py, state, failure)),
            _ => {
                state.is_over = true;
                drop(state);
                self.caller.hang_up();
                Ok(Next::End)
            }
        }
    }

    fn fail(&self, py: Python<'_>, mut state: MutexGuard<'_, State>, failure: Failure) -> PyErr {
        state.is_over = true;
        let any = state.has_items;
        let (text, usage) = match &state.items {
            Items::Chunks(chunks) => chunks.1.had(py),
            Items::Events => (String::new(), None),
        };
        // Exceptions are made by Python code.
        drop(state);
        self.caller.hang_up();
        failure.raised(py, &Had { text: &text, any, usage })
    }

    /// Ends it, which closes the upstream.
    pub fn close(&self) {
        self.state().is_over = true;
        self.caller.hang_up();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
