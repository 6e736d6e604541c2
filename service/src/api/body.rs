//! Reading a request's body: JSON, plain, of limited size, in limited time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE,
};
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::time::timeout;

use super::BodyLimits;
use crate::adapters::ClientFormat;
use crate::error::{Error, Kind, Result};

/// The whole body.
///
/// # Errors
/// [`Kind::UnsupportedMediaType`], [`Kind::PayloadTooLarge`], [`Kind::RequestTimeout`], or
/// [`Kind::InvalidRequest`] for broken framing.
pub async fn read(
    format: ClientFormat,
    req: &HttpRequest,
    payload: &mut Payload,
    limits: BodyLimits,
) -> Result<Bytes> {
    check_coding(req)?;
    // Ollama takes its JSON under any name, and its documents' curl lines say none.
    if format == ClientFormat::Openai {
        check_type(req)?;
    }
    check_no_upgrade(req)?;
    let announced = announced_len(req);
    if announced.is_some_and(|len| len > limits.max_bytes as u64) {
        return Err(too_large(limits.max_bytes));
    }
    let capacity = announced.and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
    let mut read = pin!(read_all(payload, limits.max_bytes, capacity));
    if let Some(body) = look_twice(read.as_mut()).await {
        return body;
    }
    timeout(limits.timeout, read).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {} s", limits.timeout.as_secs_f64());
        Err(Error::new(Kind::RequestTimeout, message))
    })
}

/// A body that came together with its head is there at the second look, after actix has fed it: only
/// for one that is not there then a timer is worth its price.
async fn look_twice<F: Future>(mut read: Pin<&mut F>) -> Option<F::Output> {
    let mut looked = false;
    poll_fn(|cx| match read.as_mut().poll(cx) {
        Poll::Ready(body) => Poll::Ready(Some(body)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

async fn read_all(payload: &mut Payload, max_bytes: usize, capacity: usize) -> Result<Bytes> {
    let mut next =
        async || poll_fn(|cx| Pin::new(&mut *payload).poll_next(cx)).await.transpose().map_err(broken);
    let Some(first) = next().await? else { return Ok(Bytes::new()) };
    let mut body = if first.len() >= capacity {
        // Nearly every body arrives whole: it is passed on as it is.
        check_size(first.len(), max_bytes)?;
        let Some(second) = next().await? else { return Ok(first) };
        let mut body = BytesMut::from(&*first);
        body.extend_from_slice(&second);
        body
    } else {
        let mut body = BytesMut::with_capacity(capacity);
        body.extend_from_slice(&first);
        body
    };
    check_size(body.len(), max_bytes)?;
    while let Some(chunk) = next().await? {
        body.extend_from_slice(&chunk);
        check_size(body.len(), max_bytes)?;
    }
    Ok(body.freeze())
}

fn check_size(len: usize, max_bytes: usize) -> Result<()> {
    if len > max_bytes { Err(too_large(max_bytes)) } else { Ok(()) }
}

fn too_large(max_bytes: usize) -> Error {
    Error::new(Kind::PayloadTooLarge, format!("the body is larger than {max_bytes} bytes"))
}

fn broken(error: PayloadError) -> Error {
    let message = match error {
        PayloadError::Incomplete(_) => "the body ended before its announced length".to_owned(),
        other => format!("the body cannot be read: {other}"),
    };
    Error::new(Kind::InvalidRequest, message).with_code("incomplete_body")
}

fn announced_len(req: &HttpRequest) -> Option<u64> {
    req.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// actix takes everything behind a wish for a WebSocket as the body, without end.
fn check_no_upgrade(req: &HttpRequest) -> Result<()> {
    let wish = req.headers().get(UPGRADE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !wish.to_ascii_lowercase().windows(9).any(|part| part == b"websocket") {
        return Ok(());
    }
    let message = "the protocol cannot be changed: send the request without `upgrade`";
    Err(Error::invalid("upgrade", message).with_code("upgrade_not_supported"))
}

fn value(req: &HttpRequest, name: HeaderName) -> &[u8] {
    req.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default()
}

/// Never compressed.
fn check_coding(req: &HttpRequest) -> Result<()> {
    let coding = value(req, CONTENT_ENCODING).trim_ascii();
    if !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity") {
        let message = "compressed request bodies are not taken: send the JSON plain";
        return Err(Error::new(Kind::UnsupportedMediaType, message)
            .with_param("content-encoding")
            .with_code("unsupported_content_encoding"));
    }
    Ok(())
}

/// JSON, or nothing said about it.
fn check_type(req: &HttpRequest) -> Result<()> {
    let media_type =
        value(req, CONTENT_TYPE).split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_json = media_type.eq_ignore_ascii_case(b"application/json")
        || media_type.to_ascii_lowercase().ends_with(b"+json");
    if media_type.is_empty() || is_json {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(media_type).chars().take(80).collect();
    let message = format!("the content type must be application/json, not {shown:?}");
    Err(Error::new(Kind::UnsupportedMediaType, message).with_param("content-type"))
}
