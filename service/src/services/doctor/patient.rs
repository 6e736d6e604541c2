//! The endpoint under examination, and what follows from its configuration.

use std::time::Duration;

use super::Options;
use super::place::Place;
use super::report::StepName;
use crate::domain::endpoint::{Endpoint, Provider, UpstreamModel};
use crate::domain::proxy::{Protocol, Proxy};
use crate::domain::secret::{Secret, redact};

/// No step takes longer.
pub const MAX_STEP: Duration = Duration::from_secs(10);

/// Longer details are cut.
const MAX_CHARS: usize = 500;

/// The endpoint under examination.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Where it is configured.
    pub place: Place,
    /// The model to ask for where the endpoint has none of its own.
    pub default_model: Option<&'a str>,
    /// What may be done.
    pub options: Options,
}

impl<'a> Patient<'a> {
    /// The steps that the endpoint has, in order. The mock has no way to it.
    pub fn steps(&self) -> Vec<StepName> {
        use StepName as S;
        if self.is_mock() {
            return vec![S::Configuration, S::Completion, S::Streaming];
        }
        let proxy = self.proxy();
        let of_the_way = [
            (S::ProxyTls, proxy.is_some_and(|proxy| proxy.protocol == Protocol::Https)),
            (S::ProxyConnect, proxy.is_some() && !self.is_forwarded()),
            (S::ProxyAuth, proxy.is_some()),
            (S::Tls, self.is_https()),
        ];
        let of_the_way = of_the_way.into_iter().filter(|(_, applies)| *applies).map(|(name, _)| name);
        let first = [S::Configuration, S::Secrets, S::Dns, S::Tcp].into_iter();
        let last = [S::Http, S::Credentials, S::Model, S::Completion, S::Streaming];
        first.chain(of_the_way).chain(last).collect()
    }

    /// What it is and where, in one line.
    pub fn about(&self) -> String {
        let Endpoint { provider, url, .. } = self.endpoint;
        match self.proxy() {
            _ if self.is_mock() => "answers by itself".to_owned(),
            None => format!("{provider} at {url}"),
            Some(proxy) => format!("{provider} at {url} through {proxy}"),
        }
    }

    /// Whether it is in this process.
    pub fn is_mock(&self) -> bool {
        self.endpoint.provider == Provider::Mock
    }

    /// The proxy on the way.
    pub fn proxy(&self) -> Option<&'a Proxy> {
        self.endpoint.egress.proxy_for(&self.endpoint.url)
    }

    /// Whether the endpoint speaks TLS.
    pub fn is_https(&self) -> bool {
        self.endpoint.url.scheme == http::uri::Scheme::HTTPS
    }

    /// Whether requests go to a proxy, which passes them on, rather than through it.
    pub fn is_forwarded(&self) -> bool {
        !self.is_https() && self.proxy().is_some_and(|proxy| proxy.protocol.is_http())
    }

    /// How long a step of the way may take.
    pub fn connect_limit(&self) -> Duration {
        self.endpoint.deadlines.connect.min(MAX_STEP)
    }

    /// What the endpoint is asked for; `None` where only requests say that.
    pub fn model(&self) -> Option<&'a str> {
        match &self.endpoint.model {
            UpstreamModel::Named(name) => Some(name),
            UpstreamModel::AsAsked => self.default_model,
            UpstreamModel::Pattern(_) => None,
        }
    }

    /// `text` as one line without what nobody may read: upstreams like to quote what they refuse, and may
    /// write what a terminal would obey.
    pub fn fit_to_show(&self, text: &str) -> String {
        let egress = &self.endpoint.egress;
        let proxies = [&egress.proxy_http, &egress.proxy_https].into_iter().flatten();
        let passwords = proxies.filter_map(|proxy| Some(&proxy.credentials.as_ref()?.password));
        let known: Vec<&Secret> = self.endpoint.key.iter().chain(passwords).collect();
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        redact(text, &known).chars().map(plain).take(MAX_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing;
    use super::*;
    use crate::domain::egress::Egress;
    use rstest::rstest;

    #[rstest]
    #[case::directly("http://llm.test", None, "")]
    #[case::directly_with_tls("https://llm.test", None, "tls")]
    #[case::in_absolute_form("http://llm.test", Some("http://proxy.test"), "proxy_auth")]
    #[case::by_connect("https://llm.test", Some("http://proxy.test"), "proxy_connect proxy_auth tls")]
    #[case::tls_in_tls(
        "https://llm.test",
        Some("https://proxy.test"),
        "proxy_tls proxy_connect proxy_auth tls"
    )]
    #[case::socks("http://llm.test", Some("socks5://proxy.test"), "proxy_connect proxy_auth")]
    fn steps_that_do_not_apply_are_left_out(
        #[case] url: &str,
        #[case] proxy: Option<&str>,
        #[case] of_the_way: &str,
    ) {
        let mut endpoint = testing::endpoint(url);
        let proxy: Option<Proxy> = proxy.map(|proxy| proxy.parse().expect("a proxy"));
        let egress = Egress { proxy_http: proxy.clone(), proxy_https: proxy, ..Egress::default() };
        endpoint.egress = Arc::new(egress);
        let names: Vec<_> = testing::patient(&endpoint).steps().iter().map(|step| step.name()).collect();
        let expected =
            format!("configuration secrets dns tcp {of_the_way} http credentials model completion streaming");
        assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn what_nobody_may_read_and_what_a_terminal_obeys_is_taken_out() {
        let mut endpoint = testing::endpoint("http://llm.test");
        let proxy = "http://me:p%40ss%3Aword@proxy.test".parse().ok();
        endpoint.egress = Arc::new(Egress { proxy_http: proxy, ..Egress::default() });
        let patient = testing::patient(&endpoint);
        assert_eq!(patient.fit_to_show("our-own-key\nand \x1bp@ss:word"), "*** and  ***");
        assert_eq!(patient.fit_to_show(&"x".repeat(10_000)).len(), MAX_CHARS);
        assert!(!patient.about().contains("p@ss"), "{}", patient.about());
    }
}
