//! Notices of all requests, live.

use actix_web::http::Version;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::error_response::Fault;
use crate::api::events_body::EventsBody;
use crate::api::openapi::ErrorEnvelope;
use crate::api::{Api, headers};
use crate::error::{Error, Result};
use crate::services::lifecycle;

/// Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header>
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Notices as Server-Sent Events, from now on or from behind `Last-Event-ID`: `retry`, `failover`,
/// `recovered`, `continued`, `outage`. A `gap` says how many are gone; `dropped` ends a stream whose
/// listener is too slow.
///
/// # Errors
/// As OpenAI's envelope.
#[utoipa::path(
    get,
    path = "/v1/llm/events",
    tag = "health",
    params(("last-event-id" = Option<u64>, Header, description = "The last id that was heard")),
    responses(
        (status = 200, description = "Events, until one side leaves", content_type = "text/event-stream", body = String),
        (status = 400, description = "`Last-Event-ID` is no id", body = ErrorEnvelope),
        (status = 503, description = "The service is stopping", body = ErrorEnvelope),
    ),
)]
pub async fn events(req: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Fault> {
    let after = last_event_id(req.headers())?;
    if api.engine.lifecycle.is_draining() {
        return Err(lifecycle::stopping().into());
    }
    let stopping = api.engine.lifecycle.closing_signal();
    let body = EventsBody::new(api.engine.notices.subscribe(after), api.engine.keepalive, stopping);
    let mut response = HttpResponse::Ok().body(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers::add_unbuffered(response.headers_mut());
    if req.version() < Version::HTTP_11 {
        headers::end_with_the_connection(&mut response);
    }
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>> {
    let mut values = headers.get_all(&LAST_EVENT_ID);
    let Some(value) = values.next() else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let id = digits.and_then(|digits| digits.parse().ok());
    if id.is_none() || values.next().is_some() {
        let message = "`Last-Event-ID` holds no id of an event: expected one whole number";
        return Err(Error::invalid(LAST_EVENT_ID.as_str(), message).with_code("invalid_value"));
    }
    Ok(id)
}
