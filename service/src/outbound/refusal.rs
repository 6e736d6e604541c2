//! What an HTTP proxy says where it does not do what it was asked.
//!
//! In absolute form its own answers look like the target's. Squid marks its own with `X-Squid-Error`;
//! others may say `Proxy-Status`.
//! Source: <https://wiki.squid-cache.org/Features/CustomErrors>, <https://www.rfc-editor.org/rfc/rfc9209>

use http::{HeaderMap, StatusCode};

use crate::domain::endpoint::BaseUrl;
use crate::error::{Error, Kind};

/// A proxy's own refusal of a tunnel: every answer but a success is one.
pub fn refusal(proxy: &str, url: &BaseUrl, status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    let target = &url.authority;
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let message = format!("the proxy {proxy} wants other credentials than ours (407)");
        return Some(Error::new(Kind::ProxyRefused, message).with_code("proxy_authentication_required"));
    }
    if is_about_names(headers) {
        let message = format!("the proxy {proxy} finds no address of {target} ({})", status.as_u16());
        return Some(Error::new(Kind::TunnelFailed, message).with_code("target_dns_failure"));
    }
    if status == StatusCode::FORBIDDEN {
        let message = format!("the proxy {proxy} does not allow {target} (403)");
        return Some(Error::new(Kind::ProxyRefused, message).with_code("proxy_forbidden"));
    }
    if status.is_server_error() {
        let message = format!("the proxy {proxy} cannot reach {target} ({})", status.as_u16());
        return Some(Error::new(Kind::TunnelFailed, message).with_code("target_unreachable"));
    }
    None
}

/// The refusal of a request in absolute form, if the answer is the proxy's own.
pub fn refusal_of_forward(
    proxy: &str,
    url: &BaseUrl,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Error> {
    let is_of_proxy = status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        || OF_PROXY.iter().any(|error| squid_error(headers).is_some_and(|own| own.starts_with(error)))
        || is_about_names(headers);
    if is_of_proxy { refusal(proxy, url, status, headers) } else { None }
}

/// Squid's errors that came before the target saw the request. Where a name has no address, Squid 5 says
/// that it read nothing, without an error of the system's (0).
const OF_PROXY: [&str; 5] = [
    "ERR_ACCESS_DENIED",
    "ERR_CACHE_ACCESS_DENIED",
    "ERR_CONNECT_FAIL",
    "ERR_CANNOT_FORWARD",
    "ERR_READ_ERROR 0",
];

fn is_about_names(headers: &HeaderMap) -> bool {
    let by_status = headers.get_all("proxy-status").iter().any(|status| {
        status.to_str().is_ok_and(|status| status.contains("dns_error") || status.contains("dns_timeout"))
    });
    by_status || squid_error(headers).is_some_and(|error| error.starts_with("ERR_DNS_FAIL"))
}

fn squid_error(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-squid-error").and_then(|error| error.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(header: Option<(&'static str, &'static str)>) -> HeaderMap {
        let header =
            header.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
        header.into_iter().collect()
    }

    fn told(error: Option<Error>) -> Option<(Kind, String)> {
        error.map(|error| (error.kind(), error.code().to_owned()))
    }

    #[rstest]
    #[case::credentials(407, None, Kind::ProxyRefused, "proxy_authentication_required")]
    #[case::a_rule(403, None, Kind::ProxyRefused, "proxy_forbidden")]
    #[case::a_name_by_squid(503, Some(("x-squid-error", "ERR_DNS_FAIL 0")), Kind::TunnelFailed, "target_dns_failure")]
    #[case::a_name_by_the_standard(
        502, Some(("proxy-status", "proxy.test; error=dns_error")), Kind::TunnelFailed, "target_dns_failure")]
    #[case::no_connection(503, Some(("x-squid-error", "ERR_CONNECT_FAIL 111")), Kind::TunnelFailed, "target_unreachable")]
    #[case::no_reason(502, None, Kind::TunnelFailed, "target_unreachable")]
    fn a_refused_tunnel_says_why(
        #[case] status: u16,
        #[case] header: Option<(&'static str, &'static str)>,
        #[case] kind: Kind,
        #[case] code: &str,
    ) {
        let url = "https://llm.test".parse().expect("a URL");
        let status = StatusCode::from_u16(status).expect("a status");
        let refused = refusal("proxy.test:1", &url, status, &headers(header));
        assert_eq!(told(refused), Some((kind, code.to_owned())));
    }

    #[rstest]
    #[case::credentials(407, None, Some("proxy_authentication_required"))]
    #[case::a_rule(403, Some(("x-squid-error", "ERR_ACCESS_DENIED 0")), Some("proxy_forbidden"))]
    #[case::a_name(503, Some(("x-squid-error", "ERR_DNS_FAIL 0")), Some("target_dns_failure"))]
    #[case::no_connection(503, Some(("x-squid-error", "ERR_CONNECT_FAIL 111")), Some("target_unreachable"))]
    #[case::a_name_as_squid_5_says_it(502, Some(("x-squid-error", "ERR_READ_ERROR 0")), Some("target_unreachable"))]
    #[case::a_target_that_reset(502, Some(("x-squid-error", "ERR_READ_ERROR 104")), None)]
    #[case::the_targets_own_403(403, None, None)]
    #[case::the_targets_own_503(503, None, None)]
    #[case::a_target_that_closed_after_the_request(502, Some(("x-squid-error", "ERR_ZERO_SIZE_OBJECT 0")), None)]
    #[case::a_success(200, None, None)]
    fn an_answer_to_a_forwarded_request_is_the_proxys_where_it_is_marked(
        #[case] status: u16,
        #[case] header: Option<(&'static str, &'static str)>,
        #[case] code: Option<&str>,
    ) {
        let url = "http://llm.test".parse().expect("a URL");
        let status = StatusCode::from_u16(status).expect("a status");
        let refused = refusal_of_forward("proxy.test:1", &url, status, &headers(header));
        assert_eq!(refused.as_ref().map(Error::code), code);
    }
}
