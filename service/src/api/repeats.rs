//! Requests with an `idempotency-key`: what they say beside their body, and how their answers leave.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::error_response::failed;
use crate::api::{Api, answer};
use crate::error::Result;
use crate::middleware::internal_auth::{caller, only};
use crate::services::completion::Asked;
use crate::services::idempotency::{
    Attached, IDEMPOTENCY_KEY, Key, LAST_EVENT_ID, Listener, Wish, events_had,
};
use crate::services::lifecycle::InFlight;

const KEY: HeaderName = HeaderName::from_static(IDEMPOTENCY_KEY);
const LAST_EVENT: HeaderName = HeaderName::from_static(LAST_EVENT_ID);
const REPLAY: HeaderName = HeaderName::from_static("x-llm-proxy-idempotent-replay");
const ORIGINAL_REQUEST_ID: HeaderName = HeaderName::from_static("x-llm-proxy-original-request-id");

/// Whether the caller may repeat this request.
pub fn is_repeatable(req: &HttpRequest) -> bool {
    req.headers().contains_key(&KEY)
}

/// The answer that is there or on its way, or a new one.
pub async fn served(asked: Asked, req: &HttpRequest, api: &Api) -> HttpResponse {
    let format = asked.format;
    let attached = match wish(req.headers()) {
        Ok(wish) => api.repeats.ask(&api.engine, &api.client, asked, wish).await,
        Err(error) => Err(Arc::new(error.into())),
    };
    let Attached { head, listener, replay_of, in_flight } = match attached {
        Ok(attached) => attached,
        Err(failure) => return failed(format, &failure),
    };
    let by = head.by.as_ref();
    let size = head.whole_len.map_or(BodySize::Stream, |len| BodySize::Sized(len as u64));
    let body = ReplayBody { listener, size, _in_flight: in_flight };
    let mut response = match head.whole_len {
        Some(_) => answer::whole(by, &head.headers, body),
        None => answer::stream(format, by, &head.headers, body, req.version()),
    };
    if let Some(original) = replay_of {
        add_replay_of(response.headers_mut(), &original);
    }
    response
}

fn add_replay_of(to: &mut HeaderMap, original: &str) {
    to.insert(REPLAY, HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(original) {
        to.insert(ORIGINAL_REQUEST_ID, id);
    }
}

fn wish(headers: &HeaderMap) -> Result<Wish> {
    let caller = caller(headers)?;
    let key = only(headers, &KEY)?.unwrap_or_default();
    let last_event_id = only(headers, &LAST_EVENT)?.unwrap_or_default();
    Ok(Wish { key: Key::new(caller, key)?, events_had: events_had(last_event_id)? })
}

/// An answer as its record has it, read at the caller's pace.
struct ReplayBody {
    listener: Listener,
    size: BodySize,
    _in_flight: InFlight,
}

impl MessageBody for ReplayBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.listener.poll_next(cx).map(|next| next.map(Ok))
    }
}
