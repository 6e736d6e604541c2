//! Which way a connection took, and what that means for the requests on it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::HeaderValue;

use crate::domain::proxy::{Credentials, Proxy};

/// The way of a connection.
#[derive(Debug)]
pub enum Way {
    /// To the target itself.
    Direct,
    /// Through that proxy, which passes bytes on.
    Tunnel {
        /// Its `host:port`.
        proxy: String,
    },
    /// To that proxy, which passes requests on.
    Forward {
        /// Its `host:port`.
        proxy: String,
        /// What it is shown with every request.
        authorization: Option<HeaderValue>,
    },
}

impl Way {
    /// Through `proxy` to a target that speaks TLS, or does not.
    pub fn through(proxy: &Proxy, is_https: bool) -> Self {
        let name = proxy.address();
        if is_https || !proxy.protocol.is_http() {
            return Self::Tunnel { proxy: name };
        }
        Self::Forward { proxy: name, authorization: proxy.credentials.as_ref().and_then(basic) }
    }

    /// The `host:port` of the proxy.
    pub fn proxy(&self) -> Option<&str> {
        match self {
            Self::Direct => None,
            Self::Tunnel { proxy } | Self::Forward { proxy, .. } => Some(proxy),
        }
    }
}

/// The credentials as a proxy wants them, marked so that nobody prints them.
/// Source: <https://www.rfc-editor.org/rfc/rfc7617#section-2>
pub fn basic(Credentials { username, password }: &Credentials) -> Option<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
