//! One line a request: who asked for what, and what came of it. No prompt, no key, no query string.

/// What is logged and counted of one HTTP request, when the last byte of its answer is on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRecord<'a> {
    /// The id in `x-request-id`.
    pub request_id: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The route that matched, of a bounded set; `unmatched` where none did.
    pub route: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// From the head of the request to the end of the answer, in milliseconds.
    pub duration_ms: f64,
    /// The peer's address.
    pub peer: Option<std::net::IpAddr>,
    /// Whether the whole answer was handed to the connection.
    pub finished: bool,
}
