//! The real service, on a thread and an actix system of its own.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llm_proxy::config::settings::{PREFIX, Settings};
use llm_proxy::startup::Service;
use llm_proxy_test_support::FaultUpstream;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Answer, Client, ConfigFile, KEY, LITELLM_KEY, Lines, Page, Plain, Request, fill, get, wait_for};

/// The environment of a service under test.
#[derive(Clone)]
pub struct Variables {
    all: BTreeMap<String, String>,
    /// Kept for as long as it is named.
    config: Option<Arc<ConfigFile>>,
}

impl Default for Variables {
    /// One worker on a free port, JSON lines, a mock without pauses, nobody behind LiteLLM's URL, and one
    /// attempt an endpoint, however often it has failed.
    fn default() -> Self {
        Self { all: BTreeMap::new(), config: None }
            .set("HOST", "127.0.0.1")
            .set("PORT", 0)
            .set("WORKERS", 1)
            .set("INTERNAL_API_KEY", KEY)
            .set("LITELLM_API_KEY", LITELLM_KEY)
            .set("LITELLM_PROXY_URL", "http://127.0.0.1:1")
            .set("LOG_FORMAT", "json")
            .set("MOCK_DELAY_MS", 0)
            .set("RETRY_ATTEMPTS", 1)
            .set("BREAKER_FAILURES", 10_000)
    }
}

impl Variables {
    /// A setting, by its name without the prefix.
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        self.variable(&format!("{PREFIX}{name}"), value)
    }

    /// Any variable.
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.all.insert(name.to_owned(), value.to_string());
        self
    }

    /// Before this upstream.
    pub fn before(self, upstream: &FaultUpstream) -> Self {
        self.set("LITELLM_PROXY_URL", upstream.url())
    }

    /// Before the mock.
    pub fn mock(self) -> Self {
        self.set("LLM_MODE", "mock")
    }

    /// With the models of this file, and LiteLLM before them.
    pub fn config(self, file: ConfigFile) -> Self {
        let vars = self.set("CONFIG", file.path().display());
        Self { config: Some(Arc::new(file)), ..vars }
    }

    /// With the models of this file alone.
    pub fn native(self, file: ConfigFile) -> Self {
        self.set("LLM_MODE", "native").config(file)
    }

    pub const fn all(&self) -> &BTreeMap<String, String> {
        &self.all
    }

    pub fn config_file(&self) -> Option<Arc<ConfigFile>> {
        self.config.clone()
    }

    pub fn settings(self) -> Settings {
        Settings::from_variables(self.all).unwrap()
    }
}

/// A service that runs until this is dropped.
pub struct TestService {
    pub port: u16,
    pub lines: Lines,
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<io::Result<()>>>,
    _config: Option<Arc<ConfigFile>>,
}

/// How a service ended.
#[derive(Debug)]
pub struct Ended {
    pub result: io::Result<()>,
    /// From the first word to stop to the end.
    pub took: Duration,
}

impl TestService {
    /// Starts a service; `change` has the last word on its settings.
    pub fn start(change: impl FnOnce(Variables) -> Variables) -> Self {
        let variables = change(Variables::default());
        let config = variables.config_file();
        let settings = variables.settings();
        let lines = Lines::start();
        let log = lines.log.clone();
        let (stop, stopped) = mpsc::channel(2);
        let (started, starting) = std::sync::mpsc::channel();
        let run = async move {
            let service = Service::bind(&settings, &log).map_err(io::Error::other)?;
            started.send(service.address().port()).unwrap();
            service.run_until(stopped).await
        };
        let thread = std::thread::spawn(move || actix_web::rt::System::new().block_on(run));
        let port = starting.recv().unwrap();
        let thread = Some(thread);
        Self { port, lines, stop, thread, _config: config }
    }

    /// Starts a service before `upstream`.
    pub fn before(upstream: &FaultUpstream) -> Self {
        Self::start(|vars| vars.before(upstream))
    }

    /// Starts a service with the mock behind it.
    pub fn mock() -> Self {
        Self::start(Variables::mock)
    }

    /// Starts a service in native mode; `yaml` is its configuration, as [`fill`] takes it.
    pub fn native(upstream: &FaultUpstream, yaml: &str) -> Self {
        Self::start(|vars| vars.native(ConfigFile::yaml(fill(yaml, upstream))))
    }

    /// The same with a `config.ini`.
    pub fn native_ini(upstream: &FaultUpstream, ini: &str) -> Self {
        Self::start(|vars| vars.native(ConfigFile::ini(fill(ini, upstream))))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A client with a connection of its own.
    pub async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    /// A client that sees what any HTTP library shows.
    pub fn plain(&self) -> Plain {
        Plain::new(self)
    }

    /// The answer to a request on a connection of its own.
    pub async fn ask(&self, request: &Request) -> Answer {
        self.connect().await.ask(request).await
    }

    /// Fails unless the service answers others as before.
    pub async fn assert_serves(&self) {
        let answer = self.ask(&get("/health/live")).await;
        assert_eq!(answer.status, 200);
    }

    /// What is counted so far.
    pub async fn metrics(&self) -> Page {
        Page::read(&self.ask(&get("/metrics")).await.text())
    }

    /// The usage record of a request, once it is there; there must not be two.
    pub async fn usage(&self, id: &str) -> Value {
        self.record("usage", id).await
    }

    /// The access line of a request, once it is there; there must not be two.
    pub async fn access(&self, id: &str) -> Value {
        self.record("access", id).await
    }

    async fn record(&self, target: &str, id: &str) -> Value {
        wait_for(&format!("the {target} record of {id}"), || {
            let records = self.lines.records(target).into_iter();
            let mut records: Vec<_> = records.filter(|r| r["request_id"] == id).collect();
            assert!(records.len() < 2, "{records:?}");
            records.pop()
        })
        .await
    }

    /// Asks it to stop; said again, it ends the drain window.
    pub fn stop(&self) -> Instant {
        self.stop.try_send(()).unwrap();
        Instant::now()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, since: Instant) -> Ended {
        let thread = self.thread.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || thread.join().unwrap()).await;
        Ended { result: ended.unwrap(), took: since.elapsed() }
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        // Not waited for: what is open is cut, which takes its time, and no test needs the end.
        let _ended_already = self.stop.try_send(());
        let _ended_already = self.stop.try_send(());
    }
}
