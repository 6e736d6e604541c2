//! One upstream call, as plain data: what adapters write and the outbound room carries out.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri};

/// What to do to get an answer from an endpoint.
#[derive(Clone, Debug)]
pub enum Call {
    /// Send this over the network.
    Http(HttpCall),
    /// Play this.
    Script(Script),
}

/// A request for the network, without the headers that the connection decides (`host`,
/// `content-length`).
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// The method.
    pub method: Method,
    /// Path and query, in origin form.
    pub uri: Uri,
    /// The headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The whole body.
    pub body: Bytes,
}

/// An answer that is made up in this process, with the time it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How long until the head; `None` for at once.
    pub head_after: Option<Duration>,
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub steps: Vec<Step>,
}

/// One step of a scripted body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes arrive together.
    Send(Bytes),
    /// Nothing arrives for that long.
    Wait(Duration),
    /// The connection is lost.
    Cut,
}
