//! A whole answer on its way to the caller, a piece at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::services::lifecycle::InFlight;

/// As much is given to actix at once: it copies what it is given before it writes.
const PIECE_BYTES: usize = 64 << 10;

/// The body, in flight until its last piece is taken.
pub struct WholeBody {
    rest: Bytes,
    _in_flight: InFlight,
}

impl WholeBody {
    /// All of `body`.
    pub const fn new(body: Bytes, in_flight: InFlight) -> Self {
        Self { rest: body, _in_flight: in_flight }
    }
}

impl MessageBody for WholeBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let len = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(len);
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}
