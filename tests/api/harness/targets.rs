//! An upstream that is reached with and without TLS, and services that reach it some way or other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use llm_proxy_test_support::{Authority, Certified, FaultUpstream, Files, TlsFront};

use super::{ConfigFile, TestService};

/// How a target is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Our key for the target.
pub const TARGET_KEY: &str = "sk-target-key-2342";

/// An upstream, TLS before it, and who vouches for that.
pub struct Targets {
    pub upstream: FaultUpstream,
    pub front: TlsFront,
    pub authority: Authority,
    pub files: Files,
}

impl Targets {
    pub fn start() -> Self {
        Self::with(|authority| authority.certify(&["127.0.0.1", "localhost"]))
    }

    /// At `::1`.
    pub fn on_ipv6() -> Self {
        Self::at(Ipv6Addr::LOCALHOST.into(), |authority| authority.certify(&["::1"]))
    }

    /// With a certificate that is made like this.
    pub fn with(certify: impl FnOnce(&Authority) -> Certified) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), certify)
    }

    fn at(address: IpAddr, certify: impl FnOnce(&Authority) -> Certified) -> Self {
        let upstream = FaultUpstream::start_at(address).expect("an upstream");
        let (authority, files) = (Authority::new("Target CA"), Files::new());
        let front = TlsFront::before(upstream.address(), &certify(&authority));
        files.write("ca.pem", &authority.pem());
        Self { upstream, front, authority, files }
    }

    pub fn port(&self, scheme: Scheme) -> u16 {
        match scheme {
            Scheme::Http => self.upstream.port(),
            Scheme::Https => self.front.port(),
        }
    }

    pub fn url(&self, scheme: Scheme) -> String {
        match scheme {
            Scheme::Http => self.upstream.url(),
            Scheme::Https => self.front.url(),
        }
    }

    /// The path of the authority's certificate.
    pub fn ca(&self) -> String {
        self.files.directory().join("ca.pem").display().to_string()
    }

    /// A service with the model `m`, whose target is reached as `said`, and trusted.
    pub fn service(&self, scheme: Scheme, said: &str) -> TestService {
        let said = format!("ca_file: \"{}\", {said}", self.ca());
        service_at(&self.url(scheme), &said)
    }
}

/// An entry of the model `m` at this URL, with this under `llm_proxy`.
pub fn entry(url: &str, said: &str) -> String {
    format!(
        "- model_name: m\n  litellm_params: {{model: openai/up, api_base: \"{url}/v1\", api_key: {TARGET_KEY}}}\n  \
         llm_proxy: {{{said}}}\n"
    )
}

/// A service with that entry alone, asked once for each request.
pub fn service_at(url: &str, said: &str) -> TestService {
    service_of(&entry(url, said))
}

/// A service with these entries, which asks each of them once.
pub fn service_of(entries: &str) -> TestService {
    let text = format!("model_list:\n{entries}router_settings: {{num_retries: 0}}\n");
    TestService::start(|vars| vars.native(ConfigFile::yaml(text)).set("CONNECT_TIMEOUT_S", 8))
}
