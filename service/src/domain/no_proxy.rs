//! Which targets need no proxy.
//!
//! The form is that of the `NO_PROXY` variable, which no standard describes; this is what curl and Go
//! agree on. Source: <https://curl.se/docs/manpage.html#--noproxy>, <https://pkg.go.dev/golang.org/x/net/http/httpproxy>

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::domain::host::to_ascii;

/// Exceptions from the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    rules: Vec<Rule>,
}

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// A name and everything under it, in lower case and without a dot in front.
    Domain(String),
    Network(IpNet),
}

impl NoProxy {
    /// Whether a target is reached directly. Names are not looked up: a network holds for addresses only.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let address: Option<IpAddr> = host.parse().ok();
        let has_port = |rule: &Rule| rule.port.is_none_or(|own| own == port);
        self.rules.iter().any(|rule| has_port(rule) && rule.hosts.hold(host, address))
    }
}

impl Hosts {
    fn hold(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network), Some(address)) => network.contains(&address.to_canonical()),
            (Self::Domain(domain), None) => is_under(host, domain),
            (Self::Network(_), None) | (Self::Domain(_), Some(_)) => false,
        }
    }
}

fn is_under(host: &str, domain: &str) -> bool {
    let Some(at) = host.len().checked_sub(domain.len()) else { return false };
    let (before, end) = (host.as_bytes().get(..at), host.as_bytes().get(at..));
    let is_same = end.is_some_and(|end| end.eq_ignore_ascii_case(domain.as_bytes()));
    is_same && before.is_some_and(|before| before.is_empty() || before.ends_with(b"."))
}

impl FromStr for NoProxy {
    type Err = String;

    /// Reads names, `.suffix`, `*.suffix`, `*`, addresses and networks, with or without a port, between
    /// commas or blanks. The error names the first that is none of these.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        let rules = entries.map(|entry| {
            rule(entry).ok_or_else(|| {
                format!(
                    "a list of names, .suffixes, *, addresses and networks, but {entry:?} is none of them"
                )
            })
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }
}

fn rule(entry: &str) -> Option<Rule> {
    if let Some(network) = network(entry) {
        return Some(Rule { hosts: Hosts::Network(network), port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
        None => (entry, None),
    };
    if host == "*" {
        return Some(Rule { hosts: Hosts::All, port });
    }
    if let Some(network) = network(host) {
        return Some(Rule { hosts: Hosts::Network(network), port });
    }
    domain(host).map(|domain| Rule { hosts: Hosts::Domain(domain), port })
}

/// An address, with or without brackets, or a network.
fn network(text: &str) -> Option<IpNet> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address: Option<IpAddr> = bare.parse().ok();
    address.map(|address| IpNet::from(address.to_canonical())).or_else(|| text.parse().ok())
}

fn domain(text: &str) -> Option<String> {
    let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let name = to_ascii(name.trim_end_matches('.'))?;
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!name.is_empty() && name.bytes().all(is_name_byte)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_name("localhost", "localhost", true)]
    #[case::a_name_in_capitals("LocalHost", "LOCALHOST", true)]
    #[case::a_name_with_its_last_dot("llm.test", "llm.test.", true)]
    #[case::what_is_under_a_name("llm.test", "a.llm.test", true)]
    #[case::what_only_ends_like_a_name("llm.test", "notllm.test", false)]
    #[case::a_suffix(".house.test", "llm.house.test", true)]
    #[case::a_suffix_itself(".house.test", "house.test", true)]
    #[case::a_suffix_with_a_star("*.house.test", "llm.house.test", true)]
    #[case::another_suffix(".house.test", "llm.test", false)]
    #[case::a_star("*", "anything.test", true)]
    #[case::an_address("127.0.0.1", "127.0.0.1", true)]
    #[case::another_address("127.0.0.1", "127.0.0.2", false)]
    #[case::an_address_is_no_suffix("0.0.1", "127.0.0.1", false)]
    #[case::a_network("10.0.0.0/8", "10.1.2.3", true)]
    #[case::another_network("10.0.0.0/8", "11.1.2.3", false)]
    #[case::a_network_and_a_name("10.0.0.0/8", "ten.test", false)]
    #[case::ipv6("::1", "[::1]", true)]
    #[case::ipv6_in_brackets("[::1]", "::1", true)]
    #[case::ipv6_written_otherwise("fd00:0:0::1", "[fd00::1]", true)]
    #[case::an_ipv6_network("fd00::/8", "[fd12::1]", true)]
    #[case::another_ipv6_network("fd00::/8", "[fe80::1]", false)]
    #[case::an_ipv4_address_inside_of_ipv6("10.0.0.0/8", "[::ffff:10.1.1.1]", true)]
    #[case::a_port("llm.test:8443", "llm.test", true)]
    #[case::another_port("llm.test:443", "llm.test", false)]
    #[case::an_address_with_a_port("127.0.0.1:8443", "127.0.0.1", true)]
    #[case::ipv6_with_a_port("[::1]:8443", "[::1]", true)]
    #[case::ipv6_with_another_port("[::1]:443", "[::1]", false)]
    #[case::every_host_with_a_port("*:443", "llm.test", false)]
    #[case::the_last_of_several("localhost, 127.0.0.1,.house.test", "a.house.test", true)]
    #[case::between_blanks("localhost 127.0.0.1", "127.0.0.1", true)]
    #[case::an_international_name("bücher.test", "xn--bcher-kva.test", true)]
    #[case::nothing("", "llm.test", false)]
    #[case::only_commas(", ,", "llm.test", false)]
    fn an_exception_holds_for_its_targets(#[case] list: &str, #[case] host: &str, #[case] expected: bool) {
        let list: NoProxy = list.parse().expect("a list");
        assert_eq!(list.matches(host, 8443), expected);
    }

    #[rstest]
    #[case::a_url("http://llm.test")]
    #[case::a_network_that_is_too_narrow("10.0.0.0/33")]
    #[case::a_port_that_is_none("llm.test:x")]
    #[case::a_star_in_the_middle("llm.*.test")]
    #[case::a_network_of_names("llm.test/8")]
    fn what_is_no_exception_is_named(#[case] entry: &str) {
        let refused = format!("localhost,{entry}").parse::<NoProxy>().expect_err("wrong");
        assert!(refused.contains(&format!("{entry:?}")), "{refused}");
    }
}
