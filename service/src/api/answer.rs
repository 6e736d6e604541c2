//! From an HTTP request to the engine and back: the same for every operation.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::http::Version;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use crate::adapters::{self, ClientFormat};
use crate::api::error_response::{failed, unread};
use crate::api::{Api, body, headers, repeats, stream_body, whole_body};
use crate::domain::envelope::Operation;
use crate::middleware::request_id::RequestId;
use crate::services::completion::{Asked, Served, ServedBy};

/// Answers one request; whatever is wrong with it, as OpenAI's envelope.
pub async fn answer(
    operation: Operation,
    req: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> HttpResponse {
    match asked(operation, ClientFormat::Openai, &req, payload, &api).await {
        Ok(asked) => served(asked, &req, &api).await,
        Err(response) => response,
    }
}

/// What the engine answers, as HTTP.
pub async fn served(asked: Asked, req: &HttpRequest, api: &Api) -> HttpResponse {
    if repeats::is_repeatable(req) {
        // On the heap: most requests are not, and pay for the larger of the two.
        return Box::pin(repeats::served(asked, req, api)).await;
    }
    let format = asked.format;
    match api.engine.complete(&api.client, asked).await {
        Ok(served) => response(format, served, req.version()),
        Err(failure) => failed(format, &failure),
    }
}

/// The request as the engine takes it, or the answer to one whose body cannot be read.
pub async fn asked(
    operation: Operation,
    format: ClientFormat,
    req: &HttpRequest,
    payload: Payload,
    api: &Api,
) -> Result<Asked, HttpResponse> {
    let mut payload = payload.into_inner();
    let (notices, continues) = match headers::wishes(format, req.headers()) {
        Ok(wishes) => wishes,
        Err(error) => return Err(unread(format, &error, payload)),
    };
    let body = match body::read(format, req, &mut payload, api.body_limits).await {
        Ok(body) => body,
        Err(error) => return Err(unread(format, &error, payload)),
    };
    let (request_id, received) = match req.extensions().get::<RequestId>() {
        Some(RequestId { id, received }) => (id.clone(), *received),
        None => (String::new(), Instant::now()),
    };
    Ok(Asked {
        operation,
        format,
        body,
        original: None,
        request_id,
        received,
        headers: headers::passed_on(req.headers()),
        notices,
        continues,
    })
}

fn response(format: ClientFormat, served: Served, version: Version) -> HttpResponse {
    match served {
        Served::Whole { by, headers, body, in_flight } => {
            whole(Some(&by), &headers, whole_body::WholeBody::new(body, in_flight))
        }
        Served::Stream { by, headers, relay } => {
            stream(format, by.as_ref(), &headers, stream_body::StreamBody::new(relay), version)
        }
    }
}

/// A whole answer of `by`'s.
pub fn whole(
    by: Option<&ServedBy>,
    upstream: &[(http::HeaderName, http::HeaderValue)],
    body: impl MessageBody + 'static,
) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(body);
    let to = response.headers_mut();
    to.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers::add_upstream(to, upstream);
    if let Some(by) = by {
        headers::add_served_by(to, by);
    }
    response
}

/// A stream in `format`, of `by`'s where that is known already.
pub fn stream(
    format: ClientFormat,
    by: Option<&ServedBy>,
    upstream: &[(http::HeaderName, http::HeaderValue)],
    body: impl MessageBody + 'static,
    version: Version,
) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(body);
    let to = response.headers_mut();
    to.insert(CONTENT_TYPE, HeaderValue::from_static(adapters::stream_type(format)));
    headers::add_upstream(to, upstream);
    headers::add_unbuffered(to);
    if let Some(by) = by {
        headers::add_served_by(to, by);
    }
    if version < Version::HTTP_11 {
        headers::end_with_the_connection(&mut response);
    }
    response
}
