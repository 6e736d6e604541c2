//! What a peer showed in its handshake, for whoever looks for a fault.

use std::time::Duration;

use rustls::ProtocolVersion;
use tokio_rustls::client::TlsStream;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::verify::issuer;

/// The version that is spoken, and the peer's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `TLS 1.3`.
    pub version: &'static str,
    /// Who issued the certificate, as it says itself.
    pub issuer: String,
    /// Until when it is good, since the Unix epoch.
    pub ends: Duration,
}

/// What the peer showed; `None` where its certificate cannot be read.
#[must_use]
pub fn shown<T>(stream: &TlsStream<T>) -> Option<Shown> {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates()?.first()?;
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let ends = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS",
    };
    Some(Shown { version, issuer: issuer(certificate), ends: Duration::from_secs(ends) })
}
