//! The way from here to an endpoint: which proxy, and which TLS.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::domain::endpoint::BaseUrl;
use crate::domain::no_proxy::NoProxy;
use crate::domain::proxy::Proxy;
use crate::domain::secret::Secret;

/// The way out of one or several endpoints. Equal ways share connections and TLS sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// The proxy for `http` targets.
    pub proxy_http: Option<Proxy>,
    /// The proxy for `https` targets.
    pub proxy_https: Option<Proxy>,
    /// Targets that are reached without a proxy.
    pub no_proxy: NoProxy,
    /// How TLS towards targets is spoken.
    pub tls: Arc<TlsOptions>,
}

impl Egress {
    /// The direct way, with the system's roots: one for all.
    #[must_use]
    pub fn direct() -> Arc<Self> {
        static DIRECT: LazyLock<Arc<Egress>> = LazyLock::new(Arc::default);
        Arc::clone(&DIRECT)
    }

    /// The proxy on the way to `url`, if there is one.
    #[must_use]
    pub fn proxy_for(&self, url: &BaseUrl) -> Option<&Proxy> {
        let is_https = url.scheme == http::uri::Scheme::HTTPS;
        let proxy = if is_https { &self.proxy_https } else { &self.proxy_http };
        proxy.as_ref().filter(|_| !self.no_proxy.matches(url.host(), url.port()))
    }
}

/// How TLS towards a target is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whether the target has to prove who it is.
    pub verify: bool,
    /// Authorities that are trusted besides the system's.
    pub ca: Option<Pem>,
    /// Who we say that we are, where a target asks for it.
    pub identity: Option<Identity>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The name in the target's certificate, where it is not the target's host.
    pub server_name: Option<String>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { verify: true, ca: None, identity: None, min_version: TlsVersion::Tls12, server_name: None }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// Certificates as they stood in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    /// The file, for whoever asks where they come from.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({})", self.path)
    }
}

/// A client's certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those between it and its authority.
    pub chain: Pem,
    /// The key, as PEM.
    pub key: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::an_http_target("http://llm.test/v1", Some("http://for-http:3128"))]
    #[case::an_https_target("https://llm.test/v1", Some("socks5://for-https:1080"))]
    #[case::an_exception("https://llm.house.test/v1", None)]
    #[case::an_exception_with_its_default_port("https://other.test", None)]
    #[case::the_same_host_with_another_port("http://other.test", Some("http://for-http:3128"))]
    fn the_scheme_and_the_exceptions_choose_the_proxy(#[case] url: &str, #[case] expected: Option<&str>) {
        let egress = Egress {
            proxy_http: "http://for-http:3128".parse().ok(),
            proxy_https: "socks5://for-https:1080".parse().ok(),
            no_proxy: ".house.test, other.test:443".parse().expect("exceptions"),
            ..Egress::default()
        };
        let url = url.parse().expect("a URL");
        assert_eq!(egress.proxy_for(&url).map(ToString::to_string).as_deref(), expected);
    }
}
