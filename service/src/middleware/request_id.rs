//! An id for every request, on its answer and in every line about it, and the access line at its end.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderName, HeaderValue, UPGRADE};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage};

use crate::api::ROUTES;
use crate::domain::access::AccessRecord;
use crate::domain::usage::milliseconds;
use crate::services::observability::Observability;

/// The header that carries the id, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's id and when its head was read: an extension of the request.
#[derive(Clone, Debug)]
pub struct RequestId {
    /// The client's own, if it is sane, or a new one.
    pub id: String,
    /// When the request arrived.
    pub received: Instant,
}

/// Gives every request its id and writes its access line.
///
/// # Errors
/// None of its own.
pub async fn request_id<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Logged<B>>, Error> {
    let request_id = RequestId { id: id_for(&req), received: Instant::now() };
    let header = HeaderValue::from_str(&request_id.id);
    let line = Line::of(&req, &request_id);
    let wishes_upgrade = req.headers().contains_key(UPGRADE);
    req.extensions_mut().insert(request_id);
    let mut response = next.call(req).await?;
    if let Ok(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    if wishes_upgrade {
        // actix would announce the upgrade that it does not make.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let status = response.status().as_u16();
    Ok(response.map_body(|_, inner| Logged { inner, line: line.with(status) }))
}

/// The client's id if it has one, once, of at most 128 harmless characters.
fn id_for(req: &ServiceRequest) -> String {
    let mut given = req.headers().get_all(REQUEST_ID);
    let first = given.next().and_then(|id| id.to_str().ok());
    match (first, given.next()) {
        (Some(id), None) if is_sane(id) => id.to_owned(),
        _ => uuid::Uuid::now_v7().simple().to_string(),
    }
}

fn is_sane(id: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(harmless)
}

/// What the access line says; written when it is dropped.
struct Line {
    observability: Option<Data<Observability>>,
    request_id: RequestId,
    method: actix_web::http::Method,
    path: String,
    peer: Option<IpAddr>,
    status: u16,
    finished: bool,
}

impl Line {
    fn of(req: &ServiceRequest, request_id: &RequestId) -> Self {
        Self {
            observability: req.app_data::<Data<Observability>>().cloned(),
            request_id: request_id.clone(),
            method: req.method().clone(),
            path: req.path().to_owned(),
            peer: req.peer_addr().map(|peer| peer.ip()),
            // What a client that leaves before the answer's head would have got is not known.
            status: 499,
            finished: false,
        }
    }

    fn with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(observability) = &self.observability else { return };
        let route = ROUTES.iter().find(|route| **route == self.path);
        let record = AccessRecord {
            request_id: &self.request_id.id,
            method: self.method.as_str(),
            path: &self.path,
            route: route.copied().unwrap_or("unmatched"),
            status: self.status,
            duration_ms: milliseconds(self.request_id.received.elapsed()),
            peer: self.peer,
            finished: self.finished,
        };
        observability.access(&record);
    }
}

pin_project_lite::pin_project! {
    /// A body that writes the access line when it is over, or dropped before.
    pub struct Logged<B> {
        #[pin]
        inner: B,
        line: Line,
    }
}

impl<B: MessageBody> MessageBody for Logged<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.project();
        let left = this.inner.size();
        let next = this.inner.poll_next(cx);
        // A body of known size is not asked again once it was given whole.
        let is_last = matches!((&next, left), (Poll::Ready(Some(Ok(data))), BodySize::Sized(left)) if data.len() as u64 == left);
        if is_last || matches!(next, Poll::Ready(None)) {
            this.line.finished = true;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_uuid("0190a7c2-1f2e-7c3a-9d5b-0123456789ab", true)]
    #[case::a_trace_id("1-67891233-abcdef012345678912345678", true)]
    #[case::nothing("", false)]
    #[case::a_space("a b", false)]
    #[case::json("{\"a\":1}", false)]
    #[case::not_ascii("é", false)]
    fn an_id_is_sane_if_it_is_harmless_everywhere(#[case] id: &str, #[case] expected: bool) {
        assert_eq!(is_sane(id), expected);
        assert!(!is_sane(&"a".repeat(129)));
    }
}
