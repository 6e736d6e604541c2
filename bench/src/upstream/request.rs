//! Finds one request in the bytes of a connection.

use httparse::Header;

use super::answers::Format;

/// What the upstream serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST …/chat/completions`, or Anthropic's `POST …/v1/messages`.
    Chat(Format),
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

/// Parses the first request of `bytes`. A proxy that forgets to swap the caller's key for the
/// expected one fails the benchmark.
#[must_use]
pub fn parse<'a>(bytes: &'a [u8], expected_key: Option<&[u8]>) -> Parsed<'a> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let head_bytes = match head.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) => return Parsed::Incomplete,
        Err(_) => return Parsed::Bad,
    };
    let mut body_bytes = 0;
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let Some(length) = decimal(header.value) else {
                return Parsed::Bad;
            };
            body_bytes = length;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Parsed::Bad;
        }
    }
    let consumed = head_bytes + body_bytes;
    let Some(body) = bytes.get(head_bytes..consumed) else {
        return Parsed::Incomplete;
    };
    let authorized = expected_key.is_none_or(|expected| is_authorized(head.headers, expected));
    let route = route(head.method.unwrap_or_default(), head.path.unwrap_or_default());
    Parsed::Complete(Request { route, authorized, body, consumed })
}

/// Whether a key is shown, in OpenAI's header or Anthropic's, and no other one.
fn is_authorized(headers: &[Header<'_>], expected: &[u8]) -> bool {
    let mut keys = headers.iter().filter_map(key_in).peekable();
    keys.peek().is_some() && keys.all(|key| key == expected)
}

fn key_in<'a>(header: &Header<'a>) -> Option<&'a [u8]> {
    if header.name.eq_ignore_ascii_case("authorization") {
        return Some(header.value.strip_prefix(b"Bearer ").unwrap_or_default());
    }
    header.name.eq_ignore_ascii_case("x-api-key").then_some(header.value)
}

fn route(method: &str, path: &str) -> Route {
    let path = path.split('?').next().unwrap_or_default();
    match (method, path) {
        ("POST", path) if path.ends_with("/chat/completions") => Route::Chat(Format::OpenAi),
        ("POST", path) if path.ends_with("/v1/messages") => Route::Chat(Format::Anthropic),
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
        let Parsed::Complete(first) = parse(POST, Some(b"k")) else { panic!("incomplete") };
        let seen = (first.route, first.body, first.authorized);
        assert_eq!(seen, (Route::Chat(Format::OpenAi), &b"{}"[..], true));
        let Parsed::Complete(second) = parse(&POST[first.consumed..], Some(b"k")) else {
            panic!("incomplete")
        };
        assert_eq!((second.route, second.authorized), (Route::Models, false));
    }

    #[test]
    fn either_header_shows_the_key_and_neither_another_one() {
        for (headers, expected) in [
            ("x-api-key: k", true),
            ("Authorization: Bearer k\r\nX-Api-Key: k", true),
            ("Authorization: Bearer k\r\nx-api-key: callers", false),
            ("x-api-key: k\r\nAuthorization: Bearer callers", false),
            ("Authorization: k", false),
            ("accept: k", false),
        ] {
            let bytes = format!("POST /v1/messages HTTP/1.1\r\n{headers}\r\n\r\n");
            let Parsed::Complete(request) = parse(bytes.as_bytes(), Some(b"k")) else { panic!("incomplete") };
            let seen = (request.route, request.authorized);
            assert_eq!(seen, (Route::Chat(Format::Anthropic), expected), "{headers}");
        }
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
