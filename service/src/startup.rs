//! The only place that wires concrete parts together.

mod background;
pub mod doctor;
pub mod in_process;
pub mod local;
pub mod models;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::{Server, ServerHandle};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::middleware::{Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing_actix_web::TracingLogger;

use self::background::Background;
use self::models::Source;
use crate::adapters::MockTiming;
use crate::api::head_errors::Enveloping;
use crate::api::{self, About, Api, BodyLimits};
use crate::config;
use crate::config::resilience::ResilienceSettings;
use crate::config::settings::{LogLevel, Mode, Settings};
use crate::domain::endpoint::{BaseUrl, Endpoint, Provider};
use crate::middleware::internal_auth::{InternalAuth, internal_auth};
use crate::middleware::request_id::request_id;
use crate::middleware::span::RequestSpan;
use crate::outbound::client::Client;
use crate::outbound::probe;
use crate::ports::{AccessSink, LineSink, UsageSink};
use crate::resilience::backoff::Backoff;
use crate::resilience::breaker::BreakerSettings;
use crate::resilience::failover::{Failover, Policy};
use crate::resilience::retry_budget::RetryBudget;
use crate::services::catalog::Catalog;
use crate::services::completion::{Engine, Resilience};
use crate::services::doctor::Doctor;
use crate::services::idempotency::{self, Repeats};
use crate::services::lifecycle::Lifecycle;
use crate::services::notices::Notices;
use crate::services::observability::Observability;
use crate::services::overload::Turns;
use crate::services::readiness::Readiness;
use crate::services::routing::{DefaultModel, Front, Routing};
use crate::stores::log::RecordLog;
use crate::stores::metrics::Metrics;
use crate::telemetry::Log;

/// How long the rest of a body that nobody wants is read, so that the answer to it arrives.
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_millis(500);

/// How long finished answers may take to leave their sockets when the service stops.
const LAST_BYTES_S: u64 = 2;

/// A service that listens.
pub struct Service {
    server: Server,
    address: SocketAddr,
    lifecycle: Lifecycle,
    drain_timeout: Duration,
    background: Background,
}

/// The signals that stop the service. They have to be listened for before it says that it is there: one
/// that nobody listens for ends the process at once.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens for SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} }
    }
}

impl Service {
    /// Listens for SIGHUP, wires everything and binds the address.
    ///
    /// # Errors
    /// The configuration is wrong, or the address cannot be bound: in one line.
    pub fn bind(settings: &Settings, log: &Log) -> Result<Self, String> {
        let source = Source::of(settings);
        let shared =
            Shared::new(settings, &source, Some(Arc::new(log.clone())), Some(Arc::new(log.clone())))?;
        let cannot =
            |error: io::Error| format!("cannot listen on {}:{}: {error}", settings.host, settings.port);
        let hangup = signal(SignalKind::hangup()).map_err(cannot)?;
        let (server, address) = listen(settings, shared.clone()).map_err(cannot)?;
        let background = Background::start(settings, &shared, source, Some(hangup));
        let lifecycle = shared.engine.lifecycle.clone();
        Ok(Self { server, address, lifecycle, drain_timeout: settings.limits.drain_timeout, background })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until one of `signals` comes, then drains and ends; a second one ends the drain window.
    ///
    /// # Errors
    /// The server cannot go on.
    pub async fn run(self, mut signals: StopSignals) -> io::Result<()> {
        let (sender, receiver) = mpsc::channel(2);
        let forward = async move {
            loop {
                signals.recv().await;
                if sender.send(()).await.is_err() {
                    return;
                }
            }
        };
        let forward = actix_web::rt::spawn(forward);
        let served = self.run_until(receiver).await;
        forward.abort();
        served
    }

    /// Serves until `stop` says so, then drains and ends; said again, it ends the drain window.
    ///
    /// # Errors
    /// The server cannot go on.
    pub async fn run_until(self, mut stop: mpsc::Receiver<()>) -> io::Result<()> {
        let handle = self.server.handle();
        let (lifecycle, window) = (self.lifecycle, self.drain_timeout);
        let stopped = async move {
            stop.recv().await;
            tracing::info!(in_flight = lifecycle.in_flight(), "stopping: no new requests are admitted");
            lifecycle.start_draining();
            tokio::select! { () = drained(&lifecycle, window) => {}, Some(()) = stop.recv() => {} }
            cut(&lifecycle, &handle).await;
        };
        let (served, ()) = tokio::join!(self.server, stopped);
        drop(self.background);
        served
    }
}

/// Workers behind the settings' address.
fn listen(settings: &Settings, shared: Shared) -> io::Result<(Server, SocketAddr)> {
    let listener = TcpListener::bind((settings.host.as_str(), settings.port))?;
    let address = listener.local_addr()?;
    let limits = settings.limits.clone();
    let server = Server::build()
        .workers(settings.workers)
        .max_concurrent_connections(limits.max_connections)
        .shutdown_timeout(LAST_BYTES_S)
        .disable_signals()
        .listen("http", listener, move || connections(shared.clone(), address, limits.header_timeout))?
        .run();
    Ok((server, address))
}

/// Waits until nothing is in flight, for the drain window at most.
async fn drained(lifecycle: &Lifecycle, window: Duration) {
    let empty = async {
        while lifecycle.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _elapsed = tokio::time::timeout(window, empty).await;
}

/// Ends what is still open with an error each, and then the server.
async fn cut(lifecycle: &Lifecycle, handle: &ServerHandle) {
    let left = lifecycle.in_flight();
    if left > 0 {
        tracing::warn!(in_flight = left, "the drain window is over: open answers end with an error");
        lifecycle.cut();
        drained(lifecycle, Duration::from_secs(LAST_BYTES_S)).await;
    }
    lifecycle.close();
    handle.stop(true).await;
    tracing::info!("stopped");
}

/// Who takes lines; nobody, where nobody reads them.
pub type Lines = Option<Arc<dyn LineSink>>;

/// What all workers share.
#[derive(Clone)]
pub struct Shared {
    engine: Arc<Engine>,
    repeats: Arc<Repeats>,
    catalog: Arc<Catalog>,
    readiness: Arc<Readiness>,
    doctor: Arc<Doctor>,
    observability: Data<Observability>,
    auth: Data<InternalAuth>,
    about: About,
    body_limits: BodyLimits,
    spans: bool,
}

impl Shared {
    /// Wires the parts as the settings ask for, with the models of `source`; the lines of `usage` and `access`
    /// records go where these say.
    ///
    /// # Errors
    /// The configuration is wrong, in one line.
    pub fn new(settings: &Settings, source: &Source, usage: Lines, access: Lines) -> Result<Self, String> {
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        let models = source.models()?;
        let metrics = Arc::new(Metrics::new(&settings.version));
        let records = |lines: Lines| {
            let lines = lines.filter(|_| settings.log_level >= LogLevel::Info)?;
            Some(Arc::new(RecordLog::new(settings.log_format, lines)))
        };
        let usage = records(usage).map(|records| records as Arc<dyn UsageSink>);
        let access = records(access).map(|records| records as Arc<dyn AccessSink>);
        let usage = std::iter::once(Arc::clone(&metrics) as _).chain(usage).collect();
        let access = std::iter::once(Arc::clone(&metrics) as _).chain(access).collect();
        let engine = Engine {
            routing: Routing::new(front(settings), default_model(settings), models, breaker(settings)),
            mock_timing: MockTiming { chunk_delay: settings.mock_delay },
            keepalive: settings.keepalive_interval,
            request_timeout: settings.deadlines.total,
            usage,
            observer: Arc::clone(&metrics) as _,
            notices: Notices::new().counted_by(Arc::clone(&metrics) as _),
            lifecycle: Lifecycle::default(),
            resilience: resilience(&settings.resilience),
        };
        let kept = idempotency::Limits {
            ttl: settings.resilience.idempotency_ttl,
            max_bytes: settings.resilience.idempotency_max_bytes,
        };
        Ok(Self {
            engine: Arc::new(engine),
            repeats: Arc::new(Repeats::new(kept, Arc::clone(&metrics) as _)),
            catalog: Arc::default(),
            readiness: Arc::default(),
            doctor: Arc::new(doctor::of_service(source.clone())),
            observability: Data::new(Observability::new(access, metrics)),
            auth: Data::new(InternalAuth::new(&settings.internal_api_key, settings.metrics_open)),
            about: About { version: settings.version.clone(), mode: settings.mode.to_string() },
            body_limits: BodyLimits {
                max_bytes: settings.limits.max_body_bytes,
                timeout: settings.limits.body_timeout,
            },
            spans: settings.log_level >= LogLevel::Debug,
        })
    }
}

fn resilience(settings: &ResilienceSettings) -> Resilience {
    let failover = match settings.failover {
        config::resilience::Failover::Eager => Failover::Eager,
        config::resilience::Failover::Patient => Failover::Patient,
    };
    let backoff = Backoff { base: settings.base, max: settings.max };
    Resilience {
        policy: Policy { failover, attempts: settings.attempts, backoff },
        budget: RetryBudget::new(settings.budget_ratio),
        turns: Turns::new(settings.max_requests, settings.max_requests_per_endpoint, settings.queue_timeout),
    }
}

/// Who stands in front of the configured models, as the mode asks for.
fn front(settings: &Settings) -> Front {
    let endpoint = |provider: Provider| {
        let url = settings.litellm_proxy_url.clone();
        let egress = Arc::clone(&settings.egress);
        Endpoint { egress, ..Endpoint::new(provider.name(), provider, url, settings.deadlines) }
    };
    match settings.mode {
        Mode::Native => Front::Nobody,
        Mode::Mock => Front::Mock(Arc::new(endpoint(Provider::Mock))),
        Mode::Litellm => {
            let key = settings.litellm_api_key.clone();
            Front::Litellm(Arc::new(Endpoint { key, ..endpoint(Provider::Litellm) }))
        }
    }
}

const fn breaker(settings: &Settings) -> BreakerSettings {
    let resilience = &settings.resilience;
    BreakerSettings { failures: resilience.breaker_failures, open: resilience.breaker_open }
}

fn default_model(settings: &Settings) -> DefaultModel {
    let model = settings.default_model.clone();
    if settings.default_model_is_set { DefaultModel::Set(model) } else { DefaultModel::Unset(model) }
}

/// What one worker does with a client's connection.
///
/// `actix_web::HttpServer` would do the same, but for the wrapper around the socket.
fn connections(
    shared: Shared,
    address: SocketAddr,
    header_timeout: Duration,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> {
    let lifecycle = shared.engine.lifecycle.clone();
    let client = Client::default();
    actix_web::rt::spawn(client.clone().reap());
    let app = map_config(app(shared, client), |()| AppConfig::default());
    let http = HttpService::build()
        .client_request_timeout(header_timeout)
        .client_disconnect_timeout(UNREAD_BODY_TIMEOUT)
        // Without it, a client that leaves during silence is not noticed.
        .h1_allow_half_closed(false)
        .local_addr(address)
        // Idle connections would keep a worker from stopping.
        .graceful_shutdown_signal(move || lifecycle.closing_signal().cancelled_owned())
        .h1(app);
    let accept = fn_service(|socket: TcpStream| async {
        // actix leaves Nagle's algorithm on: it glues the small writes of a stream together.
        socket.set_nodelay(true)?;
        let peer = socket.peer_addr().ok();
        Ok((Enveloping::new(socket), peer))
    });
    accept.and_then(http)
}

/// One worker's application, whose connections are those of `client`.
#[must_use]
pub fn app(
    shared: Shared,
    client: Client,
) -> App<
    impl ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let api = Api {
        engine: Arc::clone(&shared.engine),
        repeats: Arc::clone(&shared.repeats),
        catalog: Arc::clone(&shared.catalog),
        readiness: Arc::clone(&shared.readiness),
        doctor: Arc::clone(&shared.doctor),
        client,
        about: shared.about.clone(),
        body_limits: shared.body_limits,
    };
    App::new()
        .app_data(Data::new(api))
        .app_data(shared.observability.clone())
        .app_data(shared.auth.clone())
        .configure(api::routes)
        // A span for each request costs as much as relaying it: only where somebody reads it.
        .wrap(Condition::new(shared.spans, TracingLogger::<RequestSpan>::new()))
        .wrap(from_fn(internal_auth))
        .wrap(from_fn(request_id))
}

/// Asks the service that runs with the same settings on this machine whether it is alive.
///
/// # Errors
/// Why it is not, in one line.
pub async fn healthcheck(settings: &Settings) -> Result<(), String> {
    probe::answers(&local_url(settings)?, "/health/live", Duration::from_secs(2)).await
}

/// Where a service with these settings is reached from its own machine.
///
/// # Errors
/// `HOST` cannot be part of a URL.
pub fn local_url(settings: &Settings) -> Result<BaseUrl, String> {
    let host = match settings.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{}", settings.port).parse().map_err(str::to_owned)
}
