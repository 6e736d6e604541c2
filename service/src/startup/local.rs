//! The service on loopback, for the other parts of this process: one thread, no signals, a key of its own.
//!
//! It accepts connections by itself: `actix-server` would take two threads more, and may take seconds to stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_service::{Service, ServiceFactory};
use actix_web::rt::net::TcpStream;
use rustls::crypto::ring;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use super::background::Background;
use super::models::Source;
use super::{Lines, Shared, connections, drained};
use crate::config::settings::Settings;
use crate::domain::secret::Secret;
use crate::services::lifecycle::Lifecycle;

/// How long open answers may go on when it stops, and how long what they are told then may take to leave.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
const LAST_BYTES_TIMEOUT: Duration = Duration::from_millis(200);

/// Before the next try where no connection can be accepted: as a rule the process has no descriptor left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A service that runs until this is dropped.
pub struct Local {
    address: SocketAddr,
    key: Secret,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    /// A forked child has this value, and no such thread.
    process: u32,
}

impl Local {
    /// Starts one on a free port, with a key that nobody else knows. Takes models from `source`; usage records
    /// go to `lines`.
    ///
    /// # Errors
    /// The configuration is wrong, or the system gives no thread or no port: in one line.
    pub fn start(settings: &Settings, source: Source, lines: Lines) -> Result<Self, String> {
        let key = new_key()?;
        let settings = Settings { internal_api_key: key.clone(), ..settings.clone() };
        let (started, starting) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("llm-proxy-local".to_owned());
        let thread =
            thread.spawn(move || run(settings, source, lines, &started, stopped)).map_err(no_thread)?;
        let address = starting.recv().unwrap_or_else(|_| Err("the local service has ended".to_owned()))?;
        let running = Some(Running { stop, thread, process: std::process::id() });
        Ok(Self { address, key, running })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it asks its callers for.
    #[must_use]
    pub const fn key(&self) -> &Secret {
        &self.key
    }

    /// Stops it, within a second: answers that are not at their end then end with an error. A second time it does
    /// nothing.
    pub fn stop(&mut self) {
        let Some(Running { stop, thread, process }) = self.running.take() else { return };
        if process == std::process::id() {
            let _ended_already = stop.send(());
            let _panicked = thread.join();
        } else {
            // Waking a thread that is not there may wait for a lock that it held.
            std::mem::forget((stop, thread));
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}

fn no_thread(error: io::Error) -> String {
    format!("no thread for the local service: {error}")
}

fn new_key() -> Result<Secret, String> {
    let mut bytes = [0; 16];
    let random = ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
    Ok(Secret::new(format!("{:032x}", u128::from_ne_bytes(bytes))))
}

/// The thread: from the start, of which it tells, to the end.
fn run(
    settings: Settings,
    source: Source,
    lines: Lines,
    started: &mpsc::Sender<Result<SocketAddr, String>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(no_thread(error)))),
    };
    LocalSet::new().block_on(&runtime, async {
        match listen(settings, source, lines).await {
            Ok(listening) => {
                let _nobody_waits = started.send(Ok(listening.address));
                listening.serve_until(stopped).await;
            }
            Err(line) => drop(started.send(Err(line))),
        }
    });
    // A name that is being resolved would hold it up.
    runtime.shutdown_background();
}

struct Listening<S> {
    listener: TcpListener,
    address: SocketAddr,
    http: S,
    lifecycle: Lifecycle,
    _background: Background,
}

async fn listen(
    settings: Settings,
    source: Source,
    lines: Lines,
) -> Result<Listening<impl Service<TcpStream, Response = (), Error = DispatchError>>, String> {
    let shared = Shared::new(&settings, &source, lines, None)?;
    let cannot = |error: io::Error| format!("cannot listen on loopback: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let background = Background::start(&settings, &shared, source, None);
    let lifecycle = shared.engine.lifecycle.clone();
    let http = connections(shared, address, settings.limits.header_timeout).new_service(()).await;
    let http = http.map_err(|()| "the routes cannot be built".to_owned())?;
    Ok(Listening { listener, address, http, lifecycle, _background: background })
}

impl<S> Listening<S>
where
    S: Service<TcpStream, Response = (), Error = DispatchError>,
    S::Future: 'static,
{
    async fn serve_until(self, mut stopped: oneshot::Receiver<()>) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                Some(_closed) = open.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => drop(open.spawn_local(self.http.call(socket))),
                    Err(_) => sleep(ACCEPT_AGAIN_AFTER).await,
                }
            }
        }
        // A forked child that has inherited the descriptor would keep the port open.
        let _not_open = SockRef::from(&self.listener).shutdown(std::net::Shutdown::Both);
        self.end(open).await;
    }

    /// Lets open answers go on for a moment, ends those that are left, and waits for their last bytes.
    async fn end(&self, mut open: JoinSet<Result<(), DispatchError>>) {
        self.lifecycle.start_draining();
        drained(&self.lifecycle, DRAIN_TIMEOUT).await;
        self.lifecycle.cut();
        drained(&self.lifecycle, LAST_BYTES_TIMEOUT).await;
        self.lifecycle.close();
        let all_closed = async { while open.join_next().await.is_some() {} };
        let _reads_nothing = timeout(LAST_BYTES_TIMEOUT, all_closed).await;
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
