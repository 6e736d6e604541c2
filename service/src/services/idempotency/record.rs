//! What is known of one answer, for all who asked for it: it grows while the answer runs.
//!
//! An answer that is kept never waits for anybody. One that is not only holds what is still being read, and
//! goes on at the pace of its fastest reader, as an answer without a key does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use parking_lot::Mutex;

use super::key::{never_was, nothing_to_resume};
use super::log::Log;
use crate::adapters::{self, ClientFormat};
use crate::error::{Error, Kind, Result};
use crate::services::completion::{Failed, ServedBy};

/// What a record costs beside its bytes: key, fingerprint, head, places in maps.
pub const RECORD_OVERHEAD_BYTES: usize = 1024;

/// As much of an answer that is not kept may wait for its reader.
pub const WINDOW_BYTES: usize = 64 << 10;

/// As much is read at once.
const PIECE_BYTES: usize = 64 << 10;

/// What all records hold, in bytes.
pub type Ledger = Arc<AtomicUsize>;

/// An answer's head.
#[derive(Debug)]
pub struct Head {
    /// Who answers; not known where a stream had to begin before an endpoint did.
    pub by: Option<ServedBy>,
    /// The upstream's headers that are passed on.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body's length; `None` for a stream.
    pub whole_len: Option<usize>,
}

/// What became of a request: an answer that begins, or a failure before it.
pub type Begun = Result<Arc<Head>, Arc<Failed>>;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is whole.
    Complete,
    /// It broke off, and says so.
    Broken,
}

/// One answer, shared by who drives it and all who read it.
pub struct Record {
    /// The id of the request that is answered.
    pub request_id: String,
    format: ClientFormat,
    lag_bytes: usize,
    ledger: Ledger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: Option<Begun>,
    log: Log,
    end: Option<End>,
    is_forgotten: bool,
    charged: usize,
    readers: Vec<Reader>,
    /// The newest reader's id.
    last_reader: u64,
    driver: Option<Waker>,
}

struct Reader {
    id: u64,
    at: usize,
    waker: Option<Waker>,
}

impl State {
    fn admit(&mut self) -> u64 {
        self.last_reader += 1;
        self.readers.push(Reader { id: self.last_reader, at: 0, waker: None });
        self.last_reader
    }
}

impl Record {
    /// A record without an answer yet, and its first reader. Once it is not kept any more, a reader may be
    /// `lag_bytes` behind the fastest one.
    ///
    /// Its events are numbered on from `numbered_before`, the last number of the answer that was known by the
    /// same name before: whoever had a part of that one cannot go on with this one.
    pub fn open(
        request_id: &str,
        format: ClientFormat,
        lag_bytes: usize,
        ledger: &Ledger,
        numbered_before: usize,
    ) -> Listener {
        ledger.fetch_add(RECORD_OVERHEAD_BYTES, Ordering::Relaxed);
        let log = Log::behind_number(numbered_before);
        let state = State { log, charged: RECORD_OVERHEAD_BYTES, ..State::default() };
        let record = Arc::new(Self {
            request_id: request_id.to_owned(),
            format,
            lag_bytes,
            ledger: Arc::clone(ledger),
            state: Mutex::new(state),
        });
        let id = record.state.lock().admit();
        Listener { record, id, is_cut: false }
    }

    /// The number of its last event so far.
    pub fn last_number(&self) -> usize {
        self.state.lock().log.last_number()
    }

    /// Somebody else who reads from the beginning; `None` where that is not kept.
    pub fn listen(self: &Arc<Self>) -> Option<Listener> {
        let mut state = self.state.lock();
        let id = (!state.is_forgotten).then(|| state.admit())?;
        Some(Listener { record: Arc::clone(self), id, is_cut: false })
    }

    /// The answer begins, or never will.
    pub fn begin(&self, begun: Begun) {
        self.change(|state| state.begun = Some(begun));
    }

    /// The answer goes on; `event_ends` are the ends of the numbered events in `bytes`.
    pub fn push(&self, bytes: Bytes, event_ends: &[usize]) {
        self.change(|state| {
            let cost = state.log.push(bytes, event_ends);
            state.charged += cost;
            self.ledger.fetch_add(cost, Ordering::Relaxed);
            self.trim(state);
        });
    }

    /// The answer is over.
    pub fn end(&self, end: End) {
        self.change(|state| state.end = Some(end));
    }

    /// How the answer ended, once it has.
    pub fn ended(&self) -> Option<End> {
        self.state.lock().end
    }

    /// Nobody can ask for it again: what nobody reads any more goes.
    pub fn forget(&self) {
        let mut state = self.state.lock();
        state.is_forgotten = true;
        self.trim(&mut state);
    }

    /// Whether somebody reads it.
    pub fn is_read(&self) -> bool {
        !self.state.lock().readers.is_empty()
    }

    /// What it holds, in bytes.
    pub fn charged(&self) -> usize {
        self.state.lock().charged
    }

    /// Ready when the answer may go on; only one that is not kept ever waits.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let furthest = state.readers.iter().map(|reader| reader.at).max();
        let waits = furthest.is_some_and(|at| state.log.len() - at >= WINDOW_BYTES);
        if state.is_forgotten && waits {
            state.driver = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Changes the state, and wakes everybody who waits for that.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        let wakers: Vec<_> = state.readers.iter_mut().filter_map(|reader| reader.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Drops what is behind all readers, or too far behind the fastest, unless it is kept.
    fn trim(&self, state: &mut State) {
        if !state.is_forgotten {
            return;
        }
        let places = || state.readers.iter().map(|reader| reader.at);
        let slowest = places().min().unwrap_or(state.log.len());
        let bound = places().max().unwrap_or_default().saturating_sub(self.lag_bytes);
        let freed = state.log.drop_until(slowest.max(bound));
        state.charged -= freed;
        self.ledger.fetch_sub(freed, Ordering::Relaxed);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.ledger.fetch_sub(self.state.get_mut().charged, Ordering::Relaxed);
    }
}

/// One caller who reads an answer, at its own pace.
pub struct Listener {
    record: Arc<Record>,
    id: u64,
    is_cut: bool,
}

impl Listener {
    /// What it reads.
    pub const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The head, once it is known.
    ///
    /// # Errors
    /// The request failed before an answer began.
    pub async fn begun(&self) -> Begun {
        std::future::poll_fn(|cx| {
            let mut state = self.record.state.lock();
            match &state.begun {
                Some(begun) => Poll::Ready(begun.clone()),
                None => {
                    self.reader(&mut state, |reader| reader.waker = Some(cx.waker().clone()));
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Goes on behind the event of that number.
    ///
    /// # Errors
    /// There is none, or it was another answer's.
    pub fn skip(&self, number: usize) -> Result<()> {
        let mut state = self.record.state.lock();
        if state.log.is_of_another(number) {
            return Err(nothing_to_resume());
        }
        let at = state.log.behind(number).ok_or_else(never_was)?;
        self.reader(&mut state, |reader| reader.at = at);
        Ok(())
    }

    /// The next bytes, never empty; `None` when the answer is over.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_cut {
            return Poll::Ready(None);
        }
        let mut state = self.record.state.lock();
        let at = self.reader(&mut state, |reader| reader.at).unwrap_or_default();
        if at < state.log.start() {
            drop(state);
            return Poll::Ready(Some(self.cut()));
        }
        let bytes = state.log.read(at, PIECE_BYTES);
        if bytes.is_empty() && state.end.is_some() {
            return Poll::Ready(None);
        }
        if bytes.is_empty() {
            self.reader(&mut state, |reader| reader.waker = Some(cx.waker().clone()));
            return Poll::Pending;
        }
        self.reader(&mut state, |reader| reader.at += bytes.len());
        self.moved(&mut state);
        Poll::Ready(Some(bytes))
    }

    /// What it was to read next is gone.
    fn cut(&mut self) -> Bytes {
        self.is_cut = true;
        let message = "the answer was not kept for a caller who reads so slowly";
        let error = Error::new(Kind::RequestTimeout, message).with_code("idempotency_answer_not_kept");
        adapters::error_event(self.record.format, &error).into()
    }

    fn reader<T>(&self, state: &mut State, change: impl FnOnce(&mut Reader) -> T) -> Option<T> {
        state.readers.iter_mut().find(|reader| reader.id == self.id).map(change)
    }

    /// There may be room again.
    fn moved(&self, state: &mut State) {
        self.record.trim(state);
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.record.state.lock();
        state.readers.retain(|reader| reader.id != self.id);
        self.moved(&mut state);
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
