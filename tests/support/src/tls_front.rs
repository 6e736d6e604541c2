//! TLS in front of an upstream that speaks none.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS12;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, Certified};

/// A listener on the upstream's own address that passes on what is inside of TLS, until it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl TlsFront {
    /// In front of a port of 127.0.0.1, with that certificate.
    ///
    /// # Panics
    /// If it cannot be started: a test has nothing to test then.
    pub fn start(port: u16, certified: &Certified) -> Self {
        Self::before((Ipv4Addr::LOCALHOST, port).into(), certified)
    }

    /// In front of that address.
    ///
    /// # Panics
    /// As [`TlsFront::start`].
    pub fn before(upstream: SocketAddr, certified: &Certified) -> Self {
        Self::with(upstream, server(certified, None, rustls::DEFAULT_VERSIONS))
    }

    /// As [`TlsFront::start`], and it speaks TLS 1.2 alone.
    ///
    /// # Panics
    /// As [`TlsFront::start`].
    pub fn of_tls_1_2(port: u16, certified: &Certified) -> Self {
        Self::with((Ipv4Addr::LOCALHOST, port).into(), server(certified, None, &[&TLS12]))
    }

    /// The same, for clients with a certificate of that authority only.
    ///
    /// # Panics
    /// As [`TlsFront::start`].
    pub fn for_known_clients(port: u16, certified: &Certified, authority: &Authority) -> Self {
        let upstream = (Ipv4Addr::LOCALHOST, port).into();
        Self::with(upstream, server(certified, Some(authority), rustls::DEFAULT_VERSIONS))
    }

    #[expect(clippy::expect_used, reason = "a test without its upstream cannot go on")]
    fn with(upstream: SocketAddr, config: ServerConfig) -> Self {
        let listener = StdListener::bind((upstream.ip(), 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener");
        let handshakes = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let accepting =
            accept(listener, upstream, TlsAcceptor::from(Arc::new(config)), Arc::clone(&handshakes));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! { _ended = accepting => {} _dropped = stopped => {} }
            });
        });
        Self { address, handshakes, _stop: stop }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `https://127.0.0.1:PORT`, or with the upstream's address.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Handshakes that succeeded so far.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}

#[expect(clippy::expect_used, reason = "a test without its upstream cannot go on")]
fn server(
    certified: &Certified,
    clients: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).expect("versions");
    let chain = certificates(&certified.certificate);
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).expect("a key");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(&authority.pem()));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    builder.with_single_cert(chain, key).expect("a certificate with its key")
}

#[expect(clippy::expect_used, reason = "a test without its certificate cannot go on")]
fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("PEM")
}

async fn accept(
    listener: StdListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    handshakes: Arc<AtomicUsize>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (tcp, _) = listener.accept().await?;
        let (acceptor, handshakes) = (acceptor.clone(), Arc::clone(&handshakes));
        tokio::spawn(async move {
            tcp.set_nodelay(true)?;
            let mut tls = acceptor.accept(tcp).await?;
            handshakes.fetch_add(1, Ordering::SeqCst);
            let mut upstream = TcpStream::connect(address).await?;
            upstream.set_nodelay(true)?;
            copy_bidirectional(&mut tls, &mut upstream).await
        });
    }
}
