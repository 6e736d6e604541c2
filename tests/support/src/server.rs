//! The server's handle: a listener on a thread and a runtime of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::oneshot;

use crate::behaviour::Behaviour;
use crate::connection::{Shared, serve};
use crate::record::{Closure, Connections, RecordedRequest, State};
use crate::registry::DEFAULT;

/// An upstream that answers like an OpenAI-compatible server, and fails on purpose.
///
/// It listens from `start` until it is dropped; dropping closes all connections and joins the
/// thread. What waits comes in two kinds, which both work everywhere: `async` (from any tokio
/// runtime, actix's included, paused time or not), and `…_blocking` for tests without a runtime.
#[derive(Debug)]
pub struct FaultUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultUpstream {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If there is none: a test has nothing to test then.
    #[expect(clippy::expect_used, reason = "a test without its upstream cannot go on")]
    pub fn start() -> Self {
        Self::start_on(0).expect("listen on 127.0.0.1")
    }

    /// Listens on this port of 127.0.0.1, so that an upstream may come back where it was.
    ///
    /// # Errors
    /// If the port is taken, or a thread or a runtime cannot be had.
    pub fn start_on(port: u16) -> io::Result<Self> {
        Self::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Listens on a free port of this address.
    ///
    /// # Errors
    /// If the machine has no such address, or a thread or a runtime cannot be had.
    pub fn start_at(address: IpAddr) -> io::Result<Self> {
        Self::listen(SocketAddr::from((address, 0)))
    }

    fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let accepting = accept(listener, Arc::clone(&shared), stopped);
        let thread = std::thread::Builder::new()
            .name(format!("fault-upstream-{}", address.port()))
            .spawn(move || runtime.block_on(accepting))?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, or with the address that it was started at.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

/// What it does. Changes count from the next request on.
impl FaultUpstream {
    /// The behaviour for a model (the `model` of the JSON body), or for a path if it starts with
    /// a slash. The model's comes before the path's, and that before the default.
    pub fn on(&self, model_or_path: &str, behaviour: Behaviour) {
        self.sequence(model_or_path, [behaviour]);
    }

    /// One behaviour a request; the last one stays. An empty sequence removes what was there.
    pub fn sequence(&self, model_or_path: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.registry.set(model_or_path, behaviours.into_iter().collect());
    }

    /// For every request that has no other, but a `GET`: those obey only their own path, so that
    /// readiness and model probes neither fail nor use up a sequence.
    pub fn default_behaviour(&self, behaviour: Behaviour) {
        self.on(DEFAULT, behaviour);
    }

    /// The default as a sequence.
    pub fn default_sequence(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.sequence(DEFAULT, behaviours);
    }

    /// Forgets all behaviours: a well-behaved OpenAI server again.
    pub fn behave(&self) {
        self.shared.registry.clear();
    }
}

/// What happened.
impl FaultUpstream {
    /// The requests since the last take, the newest 10,000 of them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.record.lock().requests.iter().cloned().collect()
    }

    /// The same, and forgets them.
    pub fn take_requests(&self) -> Vec<RecordedRequest> {
        self.shared.record.lock().take_requests()
    }

    /// Connections accepted and open, and the bytes written on them so far.
    pub fn connections(&self) -> Connections {
        self.shared.record.lock().connections()
    }

    /// The connections that ended, in that order, the newest 100,000 of them.
    pub fn closures(&self) -> Vec<Closure> {
        self.shared.record.lock().closures.iter().copied().collect()
    }

    /// What peers sent that is not HTTP/1.1 as it should be; each was answered with 400.
    pub fn protocol_errors(&self) -> Vec<String> {
        self.shared.record.lock().protocol_errors.clone()
    }

    /// Waits until `count` requests came since the last take, and returns all that are kept; none
    /// if the time is over.
    pub async fn wait_for_requests(&self, count: usize, timeout: Duration) -> Option<Vec<RecordedRequest>> {
        self.wait(timeout, move |state| received(state, count)).await
    }

    /// [`wait_for_requests`](Self::wait_for_requests) without a runtime.
    pub fn wait_for_requests_blocking(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Option<Vec<RecordedRequest>> {
        self.shared.record.wait(timeout, |state| received(state, count))
    }

    /// Waits for a peer that leaves in the middle of an answer. Each is returned once, in their
    /// order; none if the time is over.
    pub async fn wait_for_closure(&self, timeout: Duration) -> Option<Closure> {
        self.wait(timeout, State::next_closure).await
    }

    /// [`wait_for_closure`](Self::wait_for_closure) without a runtime.
    pub fn wait_for_closure_blocking(&self, timeout: Duration) -> Option<Closure> {
        self.shared.record.wait(timeout, State::next_closure)
    }

    /// Waits until the connections are as wanted: none open, one blocked, so many bytes written.
    /// False if the time is over.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Connections) -> bool + Send + 'static,
    ) -> bool {
        let look = move |state: &mut State| wanted(&state.connections()).then_some(());
        self.wait(timeout, look).await.is_some()
    }

    /// [`wait_until`](Self::wait_until) without a runtime.
    pub fn wait_until_blocking(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Connections) -> bool,
    ) -> bool {
        let look = |state: &mut State| wanted(&state.connections()).then_some(());
        self.shared.record.wait(timeout, look).is_some()
    }

    /// On a thread for blocking work, because tokio's paused clock stands still while one is busy:
    /// a timeout on that clock would be over at once.
    async fn wait<T: Send + 'static>(
        &self,
        timeout: Duration,
        look: impl FnMut(&mut State) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let shared = Arc::clone(&self.shared);
        let waiting = tokio::task::spawn_blocking(move || shared.record.wait(timeout, look));
        waiting.await.ok().flatten()
    }
}

impl Drop for FaultUpstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there was printed already; a second one here would abort the test.
            drop(thread.join());
        }
    }
}

fn received(state: &mut State, count: usize) -> Option<Vec<RecordedRequest>> {
    (state.received >= count).then(|| state.requests.iter().cloned().collect())
}

/// With room for a thousand clients that connect at once.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Accepts until the handle is dropped.
async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        match accepted {
            Ok((stream, _)) => {
                drop(stream.set_nodelay(true));
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
            // Out of descriptors, most likely: others are about to be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
