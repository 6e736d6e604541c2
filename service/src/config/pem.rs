//! Certificates and keys in files, checked before anything runs.

use std::fs;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::egress::Problem;
use crate::domain::egress::{Identity, Pem};
use crate::domain::secret::Secret;

/// The authorities in the file at `path`.
pub fn authorities(path: Option<&str>) -> Result<Option<Pem>, Problem> {
    const KEY: &str = "ca_file";
    let Some(path) = path else { return Ok(None) };
    let (chain, certificates) = certificates(KEY, path)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| {
            let message = format!("names {path}, with a certificate that is none of an authority: {error}");
            Problem { key: KEY, message }
        })?;
    }
    Ok(Some(chain))
}

/// The certificate that we show, and its key.
pub fn identity(cert: Option<&str>, key: Option<&str>) -> Result<Option<Identity>, Problem> {
    const KEY: &str = "client_key";
    let wrong = |key: &'static str, message: String| Problem { key, message };
    let (cert, path) = match (cert, key) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        (Some(_), None) => return Err(wrong("client_cert", format!("needs `{KEY}` beside it"))),
        (None, Some(_)) => return Err(wrong(KEY, "needs `client_cert` beside it".to_owned())),
    };
    let (chain, certificates) = certificates("client_cert", cert)?;
    let text = text(KEY, path)?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        wrong(KEY, format!("names {path}, which holds no private key in PEM form without a passphrase"))
    })?;
    CertifiedKey::from_der(certificates, key, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            wrong(KEY, format!("names {path}, whose key is not that of the certificate in {cert}"))
        }
        other => wrong(KEY, format!("names {path}, whose key cannot be used: {other}")),
    })?;
    Ok(Some(Identity { chain, key: Secret::new(text) }))
}

fn certificates(key: &'static str, path: &str) -> Result<(Pem, Vec<CertificateDer<'static>>), Problem> {
    let text = text(key, path)?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or_else(|| {
        let message = format!("names {path}, which holds no certificate in PEM form");
        Problem { key, message }
    })?;
    Ok((Pem { path: path.to_owned(), text }, certificates))
}

fn text(key: &'static str, path: &str) -> Result<String, Problem> {
    fs::read_to_string(path)
        .map_err(|error| Problem { key, message: format!("names {path}, which cannot be read: {error}") })
}
