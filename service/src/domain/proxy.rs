//! A proxy, and what we show it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::domain::host::{port, to_ascii};
use crate::domain::secret::Secret;

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Its name or address; IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who we are, for the proxy alone.
    pub credentials: Option<Credentials>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP over TCP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS5, names looked up here.
    Socks5,
    /// SOCKS5, names looked up by the proxy.
    Socks5h,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// The scheme of its URLs.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// Whether it speaks HTTP: then a plain target's requests go to it in absolute form.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Without percent-encoding.
    pub username: String,
    /// Without percent-encoding; may be empty.
    pub password: Secret,
}

impl Proxy {
    /// `host:port`, IPv6 in brackets.
    #[must_use]
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Its URL without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.protocol.scheme(), self.address())
    }
}

impl FromStr for Proxy {
    type Err = &'static str;

    /// Reads `[scheme://][user[:password]@]host[:port][/]`; without a scheme it is `http`, as curl has it.
    /// What is percent-encoded in user and password is decoded. The error says what was expected.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a URL of the form http://[user:password@]host:port, its scheme http, https, socks5 \
                                or socks5h, special characters of user and password percent-encoded";
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let protocol =
            Protocol::ALL.into_iter().find(|protocol| protocol.scheme().eq_ignore_ascii_case(scheme));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, authority) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        let authority =
            to_ascii(authority).filter(|authority| !authority.contains(['/', '?', '#', ' ', '\\']));
        let authority: http::uri::Authority = authority.and_then(|text| text.parse().ok()).ok_or(EXPECTED)?;
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let port = port(&authority).ok_or(EXPECTED)?;
        let protocol = protocol.filter(|_| !host.is_empty()).ok_or(EXPECTED)?;
        let port = port.unwrap_or(protocol.default_port());
        let credentials = user.map(credentials).transpose()?;
        Ok(Self { protocol, host, port, credentials })
    }
}

fn credentials(user: &str) -> Result<Credentials, &'static str> {
    const EXPECTED: &str = "a URL whose user and password are UTF-8 behind their percent-encoding";
    let (username, password) = user.split_once(':').unwrap_or((user, ""));
    let decode = |text| percent_decode_str(text).decode_utf8().map_err(|_| EXPECTED);
    Ok(Credentials {
        username: decode(username)?.into_owned(),
        password: Secret::new(decode(password)?.into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_documented("http://proxy.test:8080", "http://proxy.test:8080")]
    #[case::a_slash_at_the_end("http://proxy.test:8080/", "http://proxy.test:8080")]
    #[case::no_port("http://proxy.test", "http://proxy.test:80")]
    #[case::no_scheme("proxy.test:3128", "http://proxy.test:3128")]
    #[case::over_tls("HTTPS://Proxy.test", "https://proxy.test:443")]
    #[case::socks("socks5://proxy.test", "socks5://proxy.test:1080")]
    #[case::socks_with_remote_names("socks5h://proxy.test:9", "socks5h://proxy.test:9")]
    #[case::ipv6("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128")]
    #[case::an_international_name("http://bücher.test:3128", "http://xn--bcher-kva.test:3128")]
    #[case::credentials_are_not_shown("http://me:hunter2@proxy.test:8080", "http://proxy.test:8080")]
    fn a_proxys_url_is_read(#[case] text: &str, #[case] expected: &str) {
        let proxy: Result<Proxy, _> = text.parse();
        assert_eq!(proxy.map(|proxy| proxy.to_string()), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case::plain("me:hunter2", "me", "hunter2")]
    #[case::percent_encoded("dom%5Cme:p%40ss%3A%2F%25", "dom\\me", "p@ss:/%")]
    #[case::an_at_and_a_colon_as_they_are("me:p@ss:word", "me", "p@ss:word")]
    #[case::a_plus_is_a_plus("me:a+b", "me", "a+b")]
    #[case::beyond_ascii("j%C3%BCrgen:%C3%A4", "jürgen", "ä")]
    #[case::no_password("me", "me", "")]
    fn credentials_are_decoded(#[case] user: &str, #[case] username: &str, #[case] password: &str) {
        let proxy: Proxy = format!("http://{user}@proxy.test:1").parse().expect("a proxy");
        let credentials = proxy.credentials.expect("credentials");
        assert_eq!((credentials.username.as_str(), credentials.password.expose()), (username, password));
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 1));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::only_a_scheme("http://")]
    #[case::another_scheme("ftp://proxy.test")]
    #[case::socks4("socks4://proxy.test:1080")]
    #[case::a_path("http://proxy.test:3128/proxy.pac")]
    #[case::a_port_that_is_none("http://proxy.test:99999")]
    #[case::an_empty_port("http://proxy.test:")]
    #[case::a_slash_in_the_password("http://me:a/b@")]
    #[case::bytes_that_are_no_text("http://me:%FF@proxy.test")]
    #[case::a_blank_in_the_host("http://proxy test:1")]
    fn what_is_no_proxy_is_refused(#[case] text: &str) {
        assert!(text.parse::<Proxy>().is_err());
    }
}
