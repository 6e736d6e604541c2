//! What to change, in one sentence that names where.

use super::patient::Patient;
use crate::domain::egress::TlsVersion;
use crate::error::Error;

impl Patient<'_> {
    /// What to do against a failure, by its code.
    pub(super) fn advice(&self, error: &Error) -> String {
        let (url, key, proxy) = (self.place.url(), self.place.key(), self.proxys_place());
        let (target, host) = (&self.endpoint.url.authority, self.endpoint.url.host());
        let way = |key| self.place.way(key);
        match error.code() {
            "dns_failure" => {
                format!("Correct the host in {url}, or set {proxy} where only a proxy knows that name.")
            }
            "proxy_dns_failure" => format!("Correct the host in {proxy}."),
            "connect_timeout" => {
                format!("Correct host and port in {url}, or set {proxy} where the way out is a proxy.")
            }
            "backend_unavailable" => format!("Start what is to listen at {target}, or correct {url}."),
            "proxy_unreachable" | "proxy_timeout" => {
                format!("Correct host and port in {proxy}, or start the proxy.")
            }
            "proxy_tls_error" => {
                format!("Put the proxy's authority into {}, or begin {proxy} with http://.", way("ca_file"))
            }
            "proxy_authentication_required" => format!(
                "Correct user and password in {proxy}, or in {} and {}.",
                way("proxy_username"),
                way("proxy_password")
            ),
            "proxy_forbidden" => format!(
                "Have the proxy's rules allow {target}, or except it in {} where it is reached without a proxy.",
                way("proxy_no_proxy")
            ),
            "proxy_refused" => {
                format!("Correct scheme and port in {proxy}: what answers there is no such proxy.")
            }
            "target_dns_failure" => format!("Correct the host in {url}: the proxy finds no address for it."),
            "target_unreachable" | "tunnel_timeout" | "tunnel_dropped" => {
                format!("Correct host and port in {url}, or have the proxy of {proxy} reach it.")
            }
            "tls_unknown_issuer" => format!("Put the authority that issued it into {}.", way("ca_file")),
            "tls_interception" => format!(
                "Put the authority of who reads along into {}, or have {host} excepted from it.",
                way("ca_file")
            ),
            "tls_expired" | "tls_not_yet_valid" => {
                format!("Have the certificate of {target} renewed, unless this machine's clock is wrong.")
            }
            "tls_wrong_name" => match self.place.server_name() {
                Some(server_name) => {
                    format!("Write the certificate's name into {url}, or into {server_name}.")
                }
                None => format!("Write the certificate's name into {url}."),
            },
            "tls_error" if self.endpoint.egress.tls.min_version == TlsVersion::Tls13 => format!(
                "Set `tls_min_version` to 1.2 where {target} speaks no TLS 1.3, or begin {url} with http:// where it \
                 speaks no TLS."
            ),
            "tls_error" => format!(
                "Begin {url} with http:// where it speaks no TLS, or set {} and {} where it wants to know us.",
                way("client_cert"),
                way("client_key")
            ),
            "backend_authentication" if self.endpoint.key.is_some() => {
                format!("Put a key that {target} takes into {key}.")
            }
            "backend_authentication" => format!("Set {key}."),
            "first_byte_timeout" | "idle_timeout" | "deadline_exceeded" => {
                format!("Ask again, then look at what {target} is doing: it took the request.")
            }
            "malformed_answer" => format!("Correct {url}: what answers there is no LLM's API."),
            "model_not_found" | "not_found" => format!("Correct {}.", self.place.model()),
            _ => format!("Do what the answer says, or correct {url} and {}.", self.place.model()),
        }
    }

    /// Where the proxy for this endpoint stands, or would.
    pub(super) fn proxys_place(&self) -> String {
        self.place.way(if self.is_https() { "proxy_https" } else { "proxy_http" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::super::testing;
    use super::*;
    use crate::error::Kind;
    use rstest::rstest;

    #[rstest]
    #[case::of_litellms_file(Place::Yaml, "dns_failure", &["`api_base`", "`proxy_https` (or LLM_PROXY__PROXY_HTTPS)"])]
    #[case::of_an_ini(Place::Ini, "dns_failure", &["`url`", "`proxy_https`"])]
    #[case::of_variables_alone(Place::Variables, "dns_failure", &["LLM_PROXY__LITELLM_PROXY_URL", "LLM_PROXY__PROXY_HTTPS"])]
    #[case::a_wrong_password(Place::Yaml, "proxy_authentication_required", &["`proxy_password` (or LLM_PROXY__PROXY_PASSWORD)"])]
    #[case::a_rule(Place::Yaml, "proxy_forbidden", &["llm.test", "`proxy_no_proxy`"])]
    #[case::an_unknown_authority(Place::Variables, "tls_unknown_issuer", &["LLM_PROXY__CA_FILE"])]
    #[case::a_company_that_reads_along(Place::Yaml, "tls_interception", &["`ca_file`", "llm.test"])]
    #[case::another_name(Place::Yaml, "tls_wrong_name", &["`api_base`", "`server_name`"])]
    #[case::no_key(Place::Ini, "backend_authentication", &["Set `apikey`."])]
    #[case::no_llm(Place::Ini, "malformed_answer", &["`url`"])]
    fn advice_names_what_to_change(#[case] place: Place, #[case] code: &'static str, #[case] named: &[&str]) {
        let mut endpoint = testing::endpoint("https://llm.test/v1");
        endpoint.key = None;
        let patient = Patient { place, ..testing::patient(&endpoint) };
        let advice = patient.advice(&Error::new(Kind::Internal, "").with_code(code));
        assert!(named.iter().all(|name| advice.contains(name)), "{advice}");
        assert!(advice.ends_with('.') && !advice.contains('\n'), "{advice}");
    }
}
