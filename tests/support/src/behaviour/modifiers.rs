//! What a behaviour adds to its start.

use serde_json::Value;

use super::{
    Action, ApiError, Behaviour, Body, Encoding, Fault, Framing, LineEnd, Persistence, Point, UsageReport,
};

/// What goes wrong.
impl Behaviour {
    /// One more fault.
    pub fn fault(mut self, at: Point, action: Action) -> Self {
        self.faults.push(Fault { at, action });
        self
    }

    /// A fault after so many events.
    pub fn after_events(self, events: usize, action: Action) -> Self {
        self.fault(Point::Events(events), action)
    }

    /// FIN after so many events, without the chunked terminator.
    pub fn truncate_after_events(self, events: usize) -> Self {
        self.after_events(events, Action::Close)
    }

    /// FIN after so many bytes of the body on the wire.
    pub fn truncate_after_bytes(self, bytes: usize) -> Self {
        self.fault(Point::BodyBytes(bytes), Action::Close)
    }

    /// TCP reset after so many events; 0 is right after the head.
    pub fn reset_after_events(self, events: usize) -> Self {
        self.after_events(events, Action::Reset)
    }

    /// Silence after so many events, until the peer leaves.
    pub fn stall_after_events(self, events: usize) -> Self {
        self.after_events(events, Action::Stall)
    }

    /// A body that ends correctly after so many events, without `[DONE]`.
    pub fn clean_end_after_events(self, events: usize) -> Self {
        self.after_events(events, Action::CleanEnd)
    }

    /// OpenAI's error event after so many events; the body ends correctly after it.
    pub fn error_event_after_events(self, events: usize) -> Self {
        self.after_events(events, Action::ErrorEvent(ApiError::default()))
            .after_events(events, Action::CleanEnd)
    }

    /// FIN on the kept-alive connection once the answer is complete, unannounced.
    pub fn then_close(self) -> Self {
        self.fault(Point::End, Action::Close)
    }

    /// Answer after so many bytes of the request's body.
    pub fn reading_only(mut self, request_bytes: usize) -> Self {
        self.read_request_bytes = Some(request_bytes);
        self
    }
}

/// How it answers.
impl Behaviour {
    /// A header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.head.headers.push((name.into(), value.into()));
        self
    }

    /// `Retry-After`: seconds or a date.
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("retry-after", value)
    }

    /// OpenAI's error body with this `code`.
    pub fn error_code(mut self, code: &str) -> Self {
        let code = Some(Value::from(code));
        self.body = Body::Error(ApiError { code, ..ApiError::default() });
        self
    }

    /// This status with the body there is.
    pub fn with_status(mut self, status: u16) -> Self {
        self.head.status = status;
        self
    }

    /// A 1xx head first.
    pub fn informational(mut self, status: u16) -> Self {
        self.informational.push(status);
        self
    }

    /// Silence before the head.
    pub fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    /// The head byte by byte.
    pub fn slow_head(mut self, gap_ms: u64) -> Self {
        self.head.write_size = Some(1);
        self.head.write_gap_ms = gap_ms;
        self
    }

    /// How the body's end is told.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.head.framing = framing;
        self
    }

    /// `connection: close`.
    pub fn connection_close(mut self) -> Self {
        self.head.connection = Persistence::Close;
        self
    }

    /// A gzip body.
    pub fn gzip(mut self) -> Self {
        self.head.encoding = Encoding::Gzip;
        self
    }

    /// Another content type; an empty one leaves the header out.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.head.content_type = Some(content_type.into());
        self
    }

    /// Whether a chat reports its usage; nothing for other bodies.
    pub fn usage(mut self, usage: UsageReport) -> Self {
        if let Body::Chat(reply) | Body::ChatCompletion(reply) | Body::ChatStream(reply) = &mut self.body {
            reply.usage = usage;
        }
        self
    }

    /// No `[DONE]` at the end.
    pub fn without_done(mut self) -> Self {
        self.sse.done = false;
        self
    }

    /// What ends the lines of an event stream.
    pub fn line_end(mut self, line_end: LineEnd) -> Self {
        self.sse.line_end = line_end;
        self
    }

    /// The time between events.
    pub fn gap_ms(mut self, gap_ms: u64) -> Self {
        self.pace.gap_ms = gap_ms;
        self
    }

    /// The body in writes of this many bytes.
    pub fn write_size(mut self, bytes: usize) -> Self {
        self.pace.write_size = Some(bytes);
        self
    }

    /// A small send buffer, so that the bytes written follow the reader closely.
    pub fn send_buffer_bytes(mut self, bytes: usize) -> Self {
        self.send_buffer_bytes = Some(bytes);
        self
    }
}
