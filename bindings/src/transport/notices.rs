//! Notices on their way to the calls that they are about.
//!
//! One subscription a transport, as any listener of the service has it, opened by the first call that wants
//! to hear. A whole answer has no room for notices before its head, so that they take another way.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use llm_proxy::wire::sse::{self, Splitter};
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, spawn_local};

use super::answering::{MAX_EVENT_BYTES, Request, Wants};
use super::reply::Reply;
use super::slot::Started;
use crate::mailbox::{Mailbox, Message};

/// How long a call waits for the subscription before it goes without.
const OPENING_TIME: Duration = Duration::from_secs(2);

/// How long an answer waits for the notices about it, which come on another connection.
const SETTLING_TIME: Duration = Duration::from_millis(200);

/// The wait before a broken subscription is opened again.
const REOPENING_WAIT: Duration = Duration::from_millis(500);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Calls that hear of notices, by their requests' ids.
#[derive(Default)]
pub struct Listeners {
    by_request: RefCell<HashMap<String, Rc<Listener>>>,
    subscription: RefCell<Option<Subscription>>,
}

struct Subscription {
    task: JoinHandle<()>,
    was_tried: watch::Receiver<bool>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A call that hears.
pub struct Listener {
    mailbox: Arc<Mailbox>,
    has_heard: Cell<bool>,
    is_settled: Cell<bool>,
    settled: Notify,
}

impl Listener {
    /// Waits for the notice that closes the story, where there is one to wait for.
    pub async fn settle(&self, attempts: u32, is_outage: bool) {
        let expects = self.has_heard.get() || attempts > 1 || is_outage;
        if expects && !self.is_settled.get() {
            let _in_time = tokio::time::timeout(SETTLING_TIME, self.settled.notified()).await;
        }
    }
}

/// A call's place among the listeners.
pub struct Listening {
    started: Rc<Started>,
    request_id: String,
    /// What was heard.
    pub listener: Rc<Listener>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.started.listeners.by_request.borrow_mut().remove(&self.request_id);
    }
}

/// Puts notices about `request_id` into `mailbox`, for as long as what is returned is kept.
pub async fn listen(started: &Rc<Started>, request_id: &str, mailbox: &Arc<Mailbox>) -> Listening {
    let (mailbox, settled) = (Arc::clone(mailbox), Notify::new());
    let (has_heard, is_settled) = (Cell::new(false), Cell::new(false));
    let listener = Rc::new(Listener { mailbox, has_heard, is_settled, settled });
    let request_id = request_id.to_owned();
    started.listeners.by_request.borrow_mut().insert(request_id.clone(), Rc::clone(&listener));
    let listening = Listening { started: Rc::clone(started), request_id, listener };
    let mut was_tried = opened(started);
    let _in_time = tokio::time::timeout(OPENING_TIME, was_tried.wait_for(|tried| *tried)).await;
    listening
}

fn opened(started: &Rc<Started>) -> watch::Receiver<bool> {
    let mut subscription = started.listeners.subscription.borrow_mut();
    match &*subscription {
        Some(known) if !known.task.is_finished() => known.was_tried.clone(),
        _ => {
            let (tell, was_tried) = watch::channel(false);
            let task = spawn_local(subscribe(Rc::downgrade(started), tell));
            *subscription = Some(Subscription { task, was_tried: was_tried.clone() });
            was_tried
        }
    }
}

/// Hears of everything, again and again, until nobody listens any more.
async fn subscribe(transport: Weak<Started>, was_tried: watch::Sender<bool>) {
    let mut last_id = None;
    loop {
        let Some(started) = transport.upgrade() else { return };
        let reply = ask(&started, last_id.as_ref()).await;
        drop(started);
        was_tried.send_replace(true);
        if let Some(mut reply) = reply {
            read(&transport, &mut reply, &mut last_id).await;
        }
        let is_heard = |started: Rc<Started>| !started.listeners.by_request.borrow().is_empty();
        if !transport.upgrade().is_some_and(is_heard) {
            return;
        }
        tokio::time::sleep(REOPENING_WAIT).await;
    }
}

async fn ask(started: &Started, last_id: Option<&HeaderValue>) -> Option<Reply> {
    let request = Request {
        wants: Wants::Events,
        method: Method::GET,
        path: "/v1/llm/events".to_owned(),
        headers: last_id.map(|id| (LAST_EVENT_ID, id.clone())).into_iter().collect(),
        body: Bytes::new(),
        timeout: None,
        max_retries: 0,
        hears_of: None,
    };
    let reply = started.backend().await.ok()?.send(&request).await.ok()?;
    Some(reply).filter(Reply::is_success)
}

async fn read(transport: &Weak<Started>, reply: &mut Reply, last_id: &mut Option<HeaderValue>) {
    let mut splitter = Splitter::default();
    while let Some(Ok(chunk)) = reply.chunk().await {
        let Ok(whole) = splitter.push(chunk, MAX_EVENT_BYTES) else { return };
        let Some(started) = transport.upgrade() else { return };
        for event in sse::events(&whole) {
            if let Some(id) = sse::id(event).and_then(|id| HeaderValue::from_bytes(id).ok()) {
                *last_id = Some(id);
            }
            if let sse::Event::Data { data, .. } = sse::parse(event) {
                started.listeners.tell(&data);
            }
        }
    }
}

#[derive(Deserialize)]
struct About<'a> {
    r#type: &'a str,
    request_id: &'a str,
}

impl Listeners {
    fn tell(&self, notice: &[u8]) {
        let Ok(about) = serde_json::from_slice::<About<'_>>(notice) else { return };
        let Some(listener) = self.by_request.borrow().get(about.request_id).cloned() else { return };
        listener.has_heard.set(true);
        listener.mailbox.put([Message::Notice(Bytes::copy_from_slice(notice))]);
        if matches!(about.r#type, "recovered" | "outage") {
            listener.is_settled.set(true);
            listener.settled.notify_one();
        }
    }
}
