//! Finds one request in the bytes of a connection.

/// What the upstream serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST …/chat/completions`
    Chat,
    /// `GET …/models`
    Models,
    /// LiteLLM's `/health/liveliness`, `/health/readiness` and the like.
    Health,
    /// `GET /bench/stats`: the upstream's own counters.
    Stats,
    /// Anything else.
    Unknown,
}

/// One complete request.
#[derive(Debug)]
pub struct Request<'a> {
    /// Where it goes.
    pub route: Route,
    /// Whether it carries the upstream's key (always true if none is expected).
    pub authorized: bool,
    /// Its body.
    pub body: &'a [u8],
    /// How many bytes it took, head included.
    pub consumed: usize,
}

/// What the bytes so far amount to.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// More bytes are needed.
    Incomplete,
    /// A request.
    Complete(Request<'a>),
    /// Not HTTP, or a body without a length.
    Bad,
}

/// Parses the first request of `bytes`. `expected_authorization` is the whole header value, for
/// example `Bearer sk-…`: a proxy that forgets to swap the key fails the benchmark.
#[must_use]
pub fn parse<'a>(bytes: &'a [u8], expected_authorization: Option<&[u8]>) -> Parsed<'a> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let head_bytes = match head.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) => return Parsed::Incomplete,
        Err(_) => return Parsed::Bad,
    };
    let mut body_bytes = 0;
    let mut authorized = expected_authorization.is_none();
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let Some(length) = decimal(header.value) else {
                return Parsed::Bad;
            };
            body_bytes = length;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Parsed::Bad;
        } else if header.name.eq_ignore_ascii_case("authorization") {
            authorized = expected_authorization.is_none_or(|expected| expected == header.value);
        }
    }
    let consumed = head_bytes + body_bytes;
    let Some(body) = bytes.get(head_bytes..consumed) else {
        return Parsed::Incomplete;
    };
    let route = route(head.method.unwrap_or_default(), head.path.unwrap_or_default());
    Parsed::Complete(Request { route, authorized, body, consumed })
}

fn route(method: &str, path: &str) -> Route {
    let path = path.split('?').next().unwrap_or_default();
    match (method, path) {
        ("POST", path) if path.ends_with("/chat/completions") => Route::Chat,
        ("GET", "/bench/stats") => Route::Stats,
        ("GET", path) if path.ends_with("/models") => Route::Models,
        ("GET", path) if path.starts_with("/health") => Route::Health,
        _ => Route::Unknown,
    }
}

fn decimal(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &[u8] = b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer k\r\n\
        Content-Length: 2\r\n\r\n{}GET /v1/models HTTP/1.1\r\n\r\n";

    #[test]
    fn pipelined_requests_are_found_one_by_one() {
        let Parsed::Complete(first) = parse(POST, Some(b"Bearer k")) else { panic!("incomplete") };
        assert_eq!((first.route, first.body, first.authorized), (Route::Chat, &b"{}"[..], true));
        let Parsed::Complete(second) = parse(&POST[first.consumed..], Some(b"Bearer k")) else {
            panic!("incomplete")
        };
        assert_eq!((second.route, second.authorized), (Route::Models, false));
    }

    #[test]
    fn every_shorter_prefix_is_incomplete() {
        let end = POST.len() - b"GET /v1/models HTTP/1.1\r\n\r\n".len();
        for length in 0..end {
            assert!(matches!(parse(&POST[..length], None), Parsed::Incomplete), "{length}");
        }
    }

    #[test]
    fn a_body_without_a_length_is_refused() {
        let bytes = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(matches!(parse(bytes, None), Parsed::Bad));
    }
}
