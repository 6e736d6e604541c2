//! The only place where a failure becomes an HTTP answer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::headers;
use crate::adapters::{self, ClientFormat};
use crate::error::{Error, Kind, RetryAfter};
use crate::services::completion::Failed;

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct Fault(pub Error);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        answer(ClientFormat::Openai, &self.0)
    }
}

/// The answer to a request that an endpoint failed to serve.
#[must_use]
pub fn failed(format: ClientFormat, failed: &Failed) -> HttpResponse {
    let mut response = answer(format, &failed.error);
    headers::add_upstream_limits(response.headers_mut(), &failed.headers);
    if let Some(by) = &failed.by {
        headers::add_served_by(response.headers_mut(), by);
    }
    response
}

/// The form in which callers of `path` read errors.
#[must_use]
pub fn format_of(path: &str) -> ClientFormat {
    if path.starts_with("/api/") { ClientFormat::OllamaChat } else { ClientFormat::Openai }
}

/// The answer to a request that failed.
#[must_use]
pub fn answer(format: ClientFormat, error: &Error) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    match error.retry_after() {
        Some(RetryAfter::Delay(wait)) => {
            // Whole seconds, never less than asked for.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        Some(RetryAfter::Date(date)) => {
            response.insert_header((header::RETRY_AFTER, date.as_str()));
        }
        None => {}
    }
    if error.kind() == Kind::Unauthenticated {
        response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    response.content_type("application/json").body(adapters::error_body(format, error))
}

/// The answer to a request whose body nobody wants. It keeps the unread body for as long as it is on
/// its way: so actix knows that it has to close the connection, and does not read on for ever.
#[must_use]
pub fn unread(format: ClientFormat, error: &Error, payload: Payload) -> HttpResponse {
    answer(format, error).map_body(|_, body| BoxBody::new(Unread { body, _payload: payload }))
}

struct Unread {
    body: BoxBody,
    _payload: Payload,
}

impl MessageBody for Unread {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// Any method but GET on a path that is there to be read.
pub async fn only_get(req: HttpRequest, payload: web::Payload) -> HttpResponse {
    wrong_method(&req, payload, "GET")
}

/// Any method but POST on a path that takes requests.
pub async fn only_post(req: HttpRequest, payload: web::Payload) -> HttpResponse {
    wrong_method(&req, payload, "POST")
}

fn wrong_method(req: &HttpRequest, payload: web::Payload, allowed: &'static str) -> HttpResponse {
    let message = format!("{} {} is not served: use {allowed}", req.method(), req.path());
    let error = Error::new(Kind::MethodNotAllowed, message);
    let mut response = unread(format_of(req.path()), &error, payload.into_inner());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A path that nobody serves.
pub async fn unknown_path(req: HttpRequest, payload: web::Payload) -> HttpResponse {
    let message = format!("{} {} is not served: see /docs", req.method(), req.path());
    let error = Error::new(Kind::NotFound, message).with_code("unknown_path");
    unread(format_of(req.path()), &error, payload.into_inner())
}
