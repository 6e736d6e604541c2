//! From an HTTP request to the engine and back: the same for every operation.

use std::time::Instant;

use actix_web::http::Version;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use crate::adapters::{self, ClientFormat};
use crate::api::error_response::{failed, unread};
use crate::api::{Api, body, headers, stream_body, whole_body};
use crate::domain::envelope::Operation;
use crate::middleware::request_id::RequestId;
use crate::services::completion::{Asked, Served};

/// Answers one request; whatever is wrong with it, as OpenAI's envelope.
pub async fn answer(
    operation: Operation,
    req: HttpRequest,
    payload: Payload,
    api: Data<Api>,
) -> HttpResponse {
    match asked(operation, ClientFormat::Openai, &req, payload, &api).await {
        Ok(asked) => served(asked, req.version(), &api).await,
        Err(response) => response,
    }
}

/// What the engine answers, as HTTP.
pub async fn served(asked: Asked, version: Version, api: &Api) -> HttpResponse {
    let format = asked.format;
    match api.engine.complete(&api.client, asked).await {
        Ok(served) => response(format, served, version),
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
    let notices = match headers::notices(format, req.headers()) {
        Ok(notices) => notices,
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
    })
}

fn response(format: ClientFormat, served: Served, version: Version) -> HttpResponse {
    match served {
        Served::Whole { by, headers, body, in_flight } => {
            let mut response = HttpResponse::Ok().body(whole_body::WholeBody::new(body, in_flight));
            let to = response.headers_mut();
            to.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers::add_upstream(to, &headers);
            headers::add_served_by(to, &by);
            response
        }
        Served::Stream { by, headers, relay } => {
            let mut response = HttpResponse::Ok().body(stream_body::StreamBody::new(relay));
            let to = response.headers_mut();
            to.insert(CONTENT_TYPE, HeaderValue::from_static(adapters::stream_type(format)));
            headers::add_upstream(to, &headers);
            headers::add_unbuffered(to);
            if let Some(by) = by {
                headers::add_served_by(to, &by);
            }
            if version < Version::HTTP_11 {
                headers::end_with_the_connection(&mut response);
            }
            response
        }
    }
}
