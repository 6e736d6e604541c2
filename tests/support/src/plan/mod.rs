//! From a behaviour and a request to the steps to take on the socket. No socket here: values in,
//! values out.
//!
//! The order: what is said (`content`, events written down by `sse`), faults between events
//! (`faults`), compression (`gzip`), framing and head (`wire`, `head`), faults between bytes
//! (`faults`), and last the cut into writes (`wire`).

mod content;
mod faults;
mod gzip;
mod head;
mod sse;
mod wire;

use std::time::Duration;

use crate::behaviour::{Behaviour, Encoding, Framing, Point};
use crate::openai::Asked;
use crate::record::RecordedRequest;
use content::Content;
use faults::Piece;

/// A thing to do on the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Write(Vec<u8>),
    /// A pause of nothing still lets others run.
    Pause(Duration),
    /// The same bytes again and again, until the peer leaves.
    Forever(Vec<u8>),
    Reset,
    /// FIN.
    Close,
    /// Until the peer leaves.
    Stall,
}

/// What stands between events, on its way to become steps.
type Pieces = Vec<Piece>;

/// The steps of one response; after the last one the connection takes the next request.
pub(crate) fn plan(behaviour: &Behaviour, request: &RecordedRequest, models: &[String]) -> Vec<Step> {
    let content = content::content(behaviour, &Asked::of(request), models);
    let framing = framing(behaviour, &content, request);
    let keeps_connection = head::keeps_connection(behaviour, request, framing);

    let mut pieces = faults::between_events(&content.events, behaviour);
    if behaviour.head.encoding == Encoding::Gzip && content.forever.is_none() {
        pieces = gzip::compress(pieces);
    }
    let length = wire::body_length(&pieces);
    let head = head::head(behaviour, &content, framing, length, keeps_connection);

    let mut steps = head::before(behaviour);
    steps.extend(faults::at(behaviour, Point::BeforeHead));
    steps.extend(head_steps(behaviour, head));
    if request.method != "HEAD" && !matches!(content.status, 204 | 304) {
        let body = wire::frame(pieces, content.forever, framing, &behaviour.pace);
        steps.extend(body_steps(behaviour, body));
    }
    if !content.is_stream {
        steps = wire::join(steps);
    }
    steps.extend(faults::at(behaviour, Point::End));
    if !keeps_connection {
        steps.push(Step::Close);
    }
    steps
}

/// HTTP/1.0 knows no chunks.
fn framing(behaviour: &Behaviour, content: &Content, request: &RecordedRequest) -> Framing {
    let is_old = request.minor_version == 0;
    let chunked = if is_old { Framing::CloseDelimited } else { Framing::Chunked };
    match behaviour.head.framing {
        _ if content.forever.is_some() => chunked,
        Framing::Chunked => chunked,
        Framing::Auto if content.is_stream => chunked,
        Framing::Auto => Framing::ContentLength,
        chosen => chosen,
    }
}

fn head_steps(behaviour: &Behaviour, head: Vec<u8>) -> Vec<Step> {
    let steps = faults::between_bytes(vec![Step::Write(head)], behaviour, |point| match point {
        Point::HeadBytes(bytes) => Some(bytes),
        _ => None,
    });
    wire::split(steps, behaviour.head.write_size, behaviour.head.write_gap_ms)
}

fn body_steps(behaviour: &Behaviour, body: Vec<Step>) -> Vec<Step> {
    let steps = faults::between_bytes(body, behaviour, |point| match point {
        Point::BodyBytes(bytes) => Some(bytes),
        _ => None,
    });
    wire::split(steps, behaviour.pace.write_size, behaviour.pace.write_gap_ms)
}
