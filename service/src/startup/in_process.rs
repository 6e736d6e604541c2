//! The service without a socket: its routes, called in memory.
//!
//! It is the same actix application as behind a socket, so that whoever calls it here gets the same answers.
//! It needs no actix system: a current-thread tokio runtime and a `LocalSet` are enough.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_http::{Payload, Request};
use actix_service::boxed::{self, BoxService};
use actix_service::{IntoServiceFactory, ServiceExt, ServiceFactory};
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, ServiceResponse};
use bytes::Bytes;

use super::background::Background;
use super::models::Source;
use super::{Lines, Shared, app};
use crate::adapters::ClientFormat;
use crate::api::error_response;
use crate::config::settings::Settings;
use crate::domain::secret::Secret;
use crate::error::{Error, Result};
use crate::middleware::internal_auth::INTERNAL_AUTH;
use crate::outbound::client::Client;

/// The service's routes. Everything of it, its calls and their bodies belongs to one thread.
pub struct InProcess {
    routes: BoxService<Request, ServiceResponse<BoxBody>, actix_web::Error>,
    internal_api_key: Secret,
    _background: Background,
}

impl InProcess {
    /// Wires everything as `settings` ask, takes models from `source`; usage records go to `lines`. Listens for no
    /// signal. To be called inside of a `LocalSet`, on which its tasks run until this is dropped.
    ///
    /// # Errors
    /// The configuration is wrong, in one line.
    pub async fn start(settings: &Settings, source: Source, lines: Lines) -> Result<Self, String> {
        let shared = Shared::new(settings, &source, lines, None)?;
        let client = Client::default();
        let mut background = Background::start(settings, &shared, source, None);
        background.add(client.clone().reap());
        let app = app(shared, client).into_factory();
        let routes = app.new_service(AppConfig::default()).await;
        let routes = routes.map_err(|()| "the routes cannot be built".to_owned())?;
        Ok(Self {
            routes: boxed::service(routes.map(ServiceResponse::map_into_boxed_body)),
            internal_api_key: settings.internal_api_key.clone(),
            _background: background,
        })
    }

    /// Answers one request, with the key that the routes ask for. Dropping the future, or the answer's body,
    /// is what a caller does who leaves.
    pub fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = http::Response<Body>> + 'static + use<> {
        let answered = inbound(request, &self.internal_api_key).map(|request| self.routes.call(request));
        async move {
            outbound(match answered {
                Ok(answer) => {
                    answer.await.map_or_else(HttpResponse::from_error, |answer| answer.into_parts().1)
                }
                Err(error) => error_response::answer(ClientFormat::Openai, &error),
            })
        }
    }
}

/// The request in actix' types, which are those of `http` 0.2.
fn inbound(request: http::Request<Bytes>, key: &Secret) -> Result<Request> {
    use actix_web::http::header::{HeaderName, HeaderValue};
    let (parts, body) = request.into_parts();
    let mut request = Request::with_payload(if body.is_empty() { Payload::None } else { body.into() });
    let head = request.head_mut();
    head.method = parts.method.as_str().parse().map_err(not_http)?;
    head.uri = parts.uri.to_string().parse().map_err(not_http)?;
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(not_http)?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(not_http)?);
    }
    head.headers.insert(INTERNAL_AUTH, HeaderValue::from_str(key.expose()).map_err(not_http)?);
    Ok(request)
}

fn not_http(error: impl std::fmt::Display) -> Error {
    Error::new(crate::error::Kind::InvalidRequest, format!("this is no HTTP request: {error}"))
        .with_code("malformed_http")
}

fn outbound(answer: HttpResponse) -> http::Response<Body> {
    let (head, body) = answer.into_parts();
    let mut answer = http::Response::new(Body(Some(body)));
    if let Ok(status) = http::StatusCode::from_u16(head.status().as_u16()) {
        *answer.status_mut() = status;
    }
    for (name, value) in head.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

/// An answer's body. It cannot fail: what goes wrong in a stream is an event of it.
pub struct Body(Option<BoxBody>);

impl Body {
    /// The next bytes; `None` at the end.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(body).poll_next(cx)).and_then(std::result::Result::ok);
        if chunk.is_none() {
            // A request is in flight for as long as its body is there.
            self.0 = None;
        }
        Poll::Ready(chunk)
    }

    /// The next bytes; `None` at the end.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }
}

#[cfg(test)]
#[path = "in_process_tests.rs"]
mod tests;
