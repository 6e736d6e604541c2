//! Names of hosts, as DNS and TLS want them.

/// `authority` with an international host in its ASCII form; the port stays. `None`: it is no name.
/// Source: <https://www.unicode.org/reports/tr46/>
#[must_use]
pub fn to_ascii(authority: &str) -> Option<String> {
    if authority.is_ascii() {
        return Some(authority.to_owned());
    }
    let (host, port) =
        authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host = idna::domain_to_ascii(host).ok()?;
    Some(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

/// The port that `authority`, which has no user information, names behind its host; the outer `None`:
/// what stands there is no port.
#[must_use]
pub fn port(authority: &http::uri::Authority) -> Option<Option<u16>> {
    match authority.as_str().get(authority.host().len()..) {
        None | Some("") => Some(None),
        Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).map(Some),
    }
}
