//! One call, in the engine's thread: send, perhaps again, and put what comes into the caller's mailbox.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use llm_proxy::wire::sse::{self, Splitter};
use tokio::task::spawn_local;

use super::asking::reply;
use super::notices::{Listening, listen};
use super::reply::Reply;
use super::silence::Silence;
use super::slot::Started;
use crate::failure::Failure;
use crate::mailbox::{Head, Mailbox, Message};

/// Larger than any event of a stream.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// How long the connection's end is waited for behind a complete stream, so that it can be used again.
const CLOSING_TIME: Duration = Duration::from_millis(500);

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// The whole answer.
    Whole,
    /// A stream that ends with `[DONE]`.
    Stream,
    /// Events without an end.
    Events,
}

/// One call.
pub struct Request {
    /// What it is for.
    pub wants: Wants,
    /// GET or POST.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Headers beside those of the transport.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON, or nothing.
    pub body: Bytes,
    /// How long the whole answer may take; of a stream, its head and the silence between two chunks.
    pub timeout: Option<Duration>,
    /// How often the service is asked again where that is safe.
    pub max_retries: u32,
    /// The request's id, where notices about it go into the mailbox.
    pub hears_of: Option<String>,
}

/// Carries the call out.
pub async fn answer(started: &Rc<Started>, request: &Request, mailbox: &Arc<Mailbox>) {
    let listening = match &request.hears_of {
        Some(request_id) => Some(listen(started, request_id, mailbox).await),
        None => None,
    };
    // On the heap: a stream would carry the room for it until its end.
    let answered = within(request.timeout, Box::pin(answered(started, request))).await;
    let answered = answered.unwrap_or_else(|| Err(timed_out(request)));
    settle(listening.as_ref(), &answered).await;
    match answered {
        Ok(Answered::Whole(head, body)) => mailbox.put([Message::Whole(head, body)]),
        Ok(Answered::Begun(reply)) => stream(reply, request, mailbox).await,
        Err(failure) => mailbox.put([Message::Failed(failure)]),
    }
}

enum Answered {
    Whole(Head, Bytes),
    Begun(Reply),
}

async fn answered(started: &Started, request: &Request) -> Result<Answered, Failure> {
    let mut reply = reply(started.backend().await?, request).await?;
    match request.wants {
        Wants::Whole => {
            let body = reply.whole().await.map_err(Failure::Connection)?;
            Ok(Answered::Whole(reply.head, body))
        }
        Wants::Stream | Wants::Events => Ok(Answered::Begun(reply)),
    }
}

/// Lets the notices about an answer come before it.
async fn settle(listening: Option<&Listening>, answered: &Result<Answered, Failure>) {
    let Some(Listening { listener, .. }) = listening else { return };
    match answered {
        Ok(Answered::Whole(head, _) | Answered::Begun(Reply { head, .. })) => {
            listener.settle(head.attempts(), false).await;
        }
        Err(Failure::Status(head, _)) => listener.settle(head.attempts(), head.status >= 500).await,
        Err(_) => {}
    }
}

async fn within<T>(timeout: Option<Duration>, part: impl Future<Output = T>) -> Option<T> {
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, part).await.ok(),
        None => Some(part.await),
    }
}

fn timed_out(request: &Request) -> Failure {
    let seconds = request.timeout.unwrap_or_default().as_secs_f64();
    Failure::Timeout(match request.wants {
        Wants::Whole => format!("there was no answer within {seconds} s"),
        Wants::Stream | Wants::Events => format!("the stream was silent for {seconds} s"),
    })
}

/// Puts a stream into the mailbox, event by event, up to its end.
async fn stream(mut reply: Reply, request: &Request, mailbox: &Arc<Mailbox>) {
    mailbox.put([Message::Begins(reply.head.clone())]);
    let mut splitter = Splitter::default();
    let mut silence = Silence::of(request.timeout);
    loop {
        let read = match silence.bounds(&mut reply).await {
            None => Err(timed_out(request)),
            Some(None) => Err(Failure::Broken("the stream ended before it was complete".to_owned())),
            Some(Some(Err(broken))) => Err(Failure::Broken(broken)),
            Some(Some(Ok(chunk))) => splitter
                .push(chunk, MAX_EVENT_BYTES)
                .map_err(|_| Failure::Broken("an event of the stream is too large".to_owned())),
        };
        let messages = match read {
            Ok(whole) => messages(&whole, &reply.head),
            Err(failure) => vec![Message::Failed(failure)],
        };
        if !messages.is_empty() {
            silence.begins_anew();
        }
        let is_complete = matches!(messages.last(), Some(Message::Complete));
        let is_over = messages.last().is_some_and(Message::is_last);
        mailbox.put(messages);
        if is_complete {
            // The caller is done and may hang up: that must not cost the connection.
            spawn_local(read_to_the_end(reply));
            return;
        }
        if is_over {
            return;
        }
        if mailbox.is_full() {
            mailbox.has_room().await;
            silence.begins_anew();
        }
    }
}

async fn read_to_the_end(mut reply: Reply) {
    let end = async { while let Some(Ok(_)) = reply.chunk().await {} };
    let _in_time = tokio::time::timeout(CLOSING_TIME, end).await;
}

/// What whole events say, up to the one that ends the stream.
fn messages(whole: &[u8], head: &Head) -> Vec<Message> {
    let mut messages = Vec::new();
    for event in sse::events(whole) {
        let sse::Event::Data { name, data } = sse::parse(event) else { continue };
        if sse::is_done(&data) {
            messages.push(Message::Complete);
            return messages;
        }
        if name == Some(b"dropped") {
            let message = "events came faster than they were read: some are lost".to_owned();
            messages.push(Message::Failed(Failure::Broken(message)));
            return messages;
        }
        // A slice would keep the whole buffer of the connection for as long as it waits.
        let data = match data {
            Cow::Borrowed(data) => Bytes::copy_from_slice(data),
            Cow::Owned(data) => data.into(),
        };
        if data.starts_with(br#"{"error""#) {
            messages.push(Message::Failed(Failure::InStream(head.clone(), data)));
            return messages;
        }
        messages.push(Message::Event(data));
    }
    messages
}
