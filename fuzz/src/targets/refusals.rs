//! Refusals, as every provider's are explained.

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_proxy::adapters::{self, Refusal};
use llm_proxy::domain::endpoint::Provider;

/// The input is: the provider, the status above 400, lines of headers, an empty line, the body.
pub fn explain(input: &[u8]) {
    let [provider, status, answer @ ..] = input else { return };
    let provider = Provider::ALL[usize::from(*provider) % Provider::ALL.len()];
    let status = 400 + u16::from(*status % 200);
    let end_of_head = answer.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end_of_head.map_or((&b""[..], answer), |at| (&answer[..at], &answer[at + 2..]));
    let headers: HeaderMap = head.split(|byte| *byte == b'\n').filter_map(header).collect();
    let error = adapters::refusal(&super::endpoint(provider), &Refusal { status, headers: &headers, body });
    assert!((400..=599).contains(&error.status()), "{}", error.status());
    assert!(!error.message().is_empty(), "nothing is said");
    let told = serde_json::to_string(&error).unwrap_or_default();
    assert!(!told.contains(super::KEY), "the key comes out: {told}");
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}
