//! One admitted request: what its attempts, its answer and its record share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;

use super::completion::Asked;
use super::continuation::Thread;
use super::notices::{Heard, Notices};
use super::passage::Passage;
use super::tap::{Seen, UsageEvent};
use super::whole;
use crate::adapters::continuation::Seam;
use crate::adapters::{self, Expect, RenderContext, Timing};
use crate::domain::delta::ChatAnswer;
use crate::domain::embedding::EmbeddingsRequest;
use crate::domain::endpoint::Endpoint;
use crate::domain::envelope::{Envelope, Operation};
use crate::domain::notice::{Notice, NoticeEvent};
use crate::error::Result;

/// An admitted request.
pub struct Request {
    /// As the API took it.
    pub asked: Asked,
    /// What was read of its body.
    pub envelope: Envelope,
    /// The public name of the model, the default one where it names none.
    pub model: String,
    /// Who wants to hear of its notices in the answer.
    pub heard: Option<Heard>,
    /// Where its answer may be continued by another endpoint, or continues another one's.
    pub thread: Option<Thread>,
    progress: Mutex<Progress>,
}

/// How far the attempts have come.
#[derive(Clone)]
pub struct Progress {
    /// Upstream calls made.
    pub calls: u32,
    /// The endpoint that was asked last, or will be the first.
    pub endpoint: Arc<Endpoint>,
}

impl Request {
    /// Of `model`, with `first` in front of its route.
    pub fn new(asked: Asked, envelope: Envelope, model: String, first: Arc<Endpoint>) -> Self {
        let heard = asked.notices.map(|_| Heard::default());
        let is_continued = asked.continues.unwrap_or(first.continue_streams);
        let progress = Mutex::new(Progress { calls: 0, endpoint: first });
        let request = Self { asked, envelope, model, heard, thread: None, progress };
        if !is_continued || !Thread::may_begin(&request.asked, &request.envelope) {
            return request;
        }
        let thread = Thread::new(adapters::renderer(request.asked.format, request.context()));
        Self { thread: Some(thread), ..request }
    }

    /// The request to go on behind `text`, of which one answer has told the caller.
    pub fn to_go_on(&self, thread: &Thread, text: &str, first: Arc<Endpoint>) -> Self {
        Self {
            asked: self.asked.clone(),
            envelope: self.envelope.clone(),
            model: self.model.clone(),
            heard: self.heard.clone(),
            thread: Some(thread.behind(text)),
            progress: Mutex::new(Progress { calls: 0, endpoint: first }),
        }
    }

    /// Notes that `endpoint` is being asked, and counts the calls.
    pub fn asks(&self, endpoint: &Arc<Endpoint>, calls: u32) {
        let mut progress = self.progress.lock();
        progress.calls += calls;
        if !Arc::ptr_eq(&progress.endpoint, endpoint) {
            progress.endpoint = Arc::clone(endpoint);
        }
    }

    /// Tells everybody what happens to this request, its own caller included where it wants to hear.
    pub fn tell(&self, notices: &Notices, event: NoticeEvent) {
        let request_id = self.asked.request_id.clone();
        let published = notices.publish(&Notice { event, request_id, model: self.model.clone() });
        if let Some(heard) = &self.heard {
            heard.push(published);
        }
    }

    /// Whether there are notices that its caller wants to hear and has not.
    pub fn has_notices(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| !heard.is_empty())
    }

    /// How far the attempts have come.
    pub fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// How long the answer took so far, if its first token comes now.
    pub fn timing(&self) -> Timing {
        let total = self.asked.received.elapsed();
        Timing { first_token: total, total }
    }

    /// Whether the answers of `endpoint` go on as they come.
    pub fn is_relayed(&self, endpoint: &Endpoint) -> bool {
        self.thread.is_none() && adapters::is_relayed(endpoint, self.asked.format)
    }

    /// What happens to the bytes of a stream of `endpoint`'s on their way to the caller.
    pub fn passage(&self, endpoint: &Endpoint, expect: &Expect, seam: Option<Seam>) -> Passage {
        let format = self.asked.format;
        if let Some(thread) = &self.thread {
            return Passage::continuable(endpoint, expect, thread, seam);
        }
        if self.is_relayed(endpoint) {
            let usage_event =
                if self.envelope.include_usage { UsageEvent::Wanted } else { UsageEvent::Hidden };
            return Passage::relayed(endpoint, expect, format, usage_event);
        }
        Passage::translated(endpoint, expect, adapters::renderer(format, self.context()))
    }

    /// A stream of an answer that is known as a whole.
    ///
    /// # Errors
    /// It reports a failure, or is not what the vendor documents.
    pub fn said(&self, endpoint: &Endpoint, expect: &Expect, body: &[u8]) -> Result<Passage> {
        let deltas = adapters::answer(endpoint, expect, body)?;
        Ok(Passage::said(deltas, adapters::renderer(self.asked.format, self.context())))
    }

    /// The body for the caller, and what is accounted of it.
    ///
    /// # Errors
    /// It reports a failure, or is not what the vendor documents.
    pub fn whole(
        &self,
        endpoint: &Endpoint,
        expect: &Expect,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(Bytes, Seen)> {
        let format = self.asked.format;
        if self.is_relayed(endpoint) {
            whole::check(endpoint, headers, &body)?;
            let seen = whole::seen(endpoint, expect, format, &body);
            return Ok((body, seen));
        }
        let renderer = adapters::renderer(format, self.context());
        if self.asked.operation == Operation::Embeddings {
            let encoding = EmbeddingsRequest::parse(&self.asked.body)?.encoding_format;
            let vectors = adapters::embeddings(endpoint, &body)?;
            let seen = Seen::of_tokens(vectors.usage);
            return Ok((renderer.embeddings(&vectors, encoding, self.timing()).into(), seen));
        }
        let deltas = adapters::answer(endpoint, expect, &body)?;
        let seen = Seen::of(&deltas);
        Ok((renderer.whole(&ChatAnswer::of(deltas), self.timing()).into(), seen))
    }

    fn context(&self) -> RenderContext {
        let now: Duration = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        RenderContext {
            request_id: self.asked.request_id.clone(),
            model: self.model.clone(),
            received: now.saturating_sub(self.asked.received.elapsed()),
            include_usage: self.envelope.include_usage,
            prompt_bytes: self.envelope.prompt_bytes,
        }
    }
}
