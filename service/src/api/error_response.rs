//! The only place where a failure becomes an HTTP answer.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::headers;
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
        answer(&self.0)
    }
}

/// The answer to a request that an endpoint failed to serve.
#[must_use]
pub fn failed(failed: &Failed) -> HttpResponse {
    let mut response = answer(&failed.error);
    headers::add_upstream_limits(response.headers_mut(), &failed.headers);
    if let Some(by) = &failed.by {
        headers::add_served_by(response.headers_mut(), by);
    }
    response
}

fn answer(error: &Error) -> HttpResponse {
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
    response.json(error)
}

/// Any method but GET on a path that is there to be read.
pub async fn only_get(req: HttpRequest) -> HttpResponse {
    wrong_method(&req, "GET")
}

/// Any method but POST on a path that takes requests.
pub async fn only_post(req: HttpRequest) -> HttpResponse {
    wrong_method(&req, "POST")
}

fn wrong_method(req: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let message = format!("{} {} is not served: use {allowed}", req.method(), req.path());
    let mut response = answer(&Error::new(Kind::MethodNotAllowed, message));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A path that nobody serves.
pub async fn unknown_path(req: HttpRequest) -> HttpResponse {
    let message = format!("{} {} is not served: see /docs", req.method(), req.path());
    answer(&Error::new(Kind::NotFound, message).with_code("unknown_path"))
}
