//! What a transport is made of, and what calls go to once it is started.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use llm_proxy::config::settings::Settings;
use llm_proxy::domain::call::{Call, HttpCall};
use llm_proxy::domain::endpoint::{BaseUrl, Deadlines, Endpoint, Provider};
use llm_proxy::error::{Error, Kind};
use llm_proxy::outbound::client::Client;
use llm_proxy::outbound::deadline::Deadline;
use llm_proxy::startup::in_process::InProcess;
use llm_proxy::startup::models::Source;
use tokio::task::{JoinHandle, spawn_local};

use super::answering::Request;
use super::reply::Reply;
use crate::embedded::embedded;
use crate::log::UsageLines;

/// Callers have timeouts of their own: the service is waited for as long as they say.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a transport is made of.
pub enum Plan {
    /// Calls to the running service.
    Service(Arc<Service>),
    /// The engine in this process.
    Embedded(Box<(Settings, Source)>),
}

/// The running service, as it is reached.
pub struct Service {
    endpoint: Endpoint,
    key: HeaderValue,
}

impl Plan {
    /// Calls to the service at `base_url`; the environment says the way there and how long a connection may take.
    ///
    /// # Errors
    /// What cannot be used, in one line that names the argument or the variable.
    pub fn of_service(base_url: &str, internal_auth: &str) -> Result<Self, String> {
        let url: Result<BaseUrl, _> = base_url.parse();
        let url = url.map_err(|expected| format!("base_url is {base_url:?}: expected {expected}"))?;
        let settings = Settings::of_client(environment()).map_err(|error| error.to_string())?;
        let limits =
            Deadlines { first_byte: NO_LIMIT, idle: NO_LIMIT, total: NO_LIMIT, ..settings.deadlines };
        let name = format!("the service at {url}");
        let endpoint =
            Endpoint { egress: settings.egress, ..Endpoint::new(&name, Provider::Litellm, url, limits) };
        let key = HeaderValue::from_str(&format!("Bearer {internal_auth}"));
        let mut key = key.map_err(|_| "internal_auth holds what no header can: expected printable ASCII")?;
        key.set_sensitive(true);
        Ok(Self::Service(Arc::new(Service { endpoint, key })))
    }

    /// The engine in this process, with the file at `config` or the `document`, or what the settings name.
    ///
    /// # Errors
    /// What is wrong with a setting or the file, in one line.
    pub fn embedded(
        config: Option<String>,
        document: Option<Vec<u8>>,
        settings: HashMap<String, String>,
    ) -> Result<Self, String> {
        let (settings, source) = embedded(config, document, settings)?;
        // Read here, so that a mistake is told where it was made; the start tells the warnings.
        source.check()?;
        Ok(Self::Embedded(Box::new((settings, source))))
    }

    /// Starts it, in the engine's thread.
    ///
    /// # Errors
    /// What is wrong with the configuration by now.
    pub async fn start(&self) -> Result<Backend, String> {
        match self {
            Self::Service(service) => {
                let client = Client::default();
                let reaper = spawn_local(client.clone().reap());
                Ok(Backend::Service { service: Arc::clone(service), client, reaper })
            }
            Self::Embedded(embedded) => {
                let (settings, source) = &**embedded;
                let lines = Arc::new(UsageLines);
                let routes = InProcess::start(settings, source.clone(), Some(lines)).await?;
                Ok(Backend::Embedded(Box::new(routes)))
            }
        }
    }
}

/// The process's environment, as Python changes it.
fn environment() -> impl Iterator<Item = (String, String)> {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

/// Headers as Python gives them.
///
/// # Errors
/// One of them is none, in a line that names it.
pub fn headers(given: HashMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let read = |(name, value): (String, String)| {
        let header = HeaderName::from_bytes(name.as_bytes());
        let header = header.map_err(|_| format!("{name:?} is no header's name"))?;
        let value = HeaderValue::from_str(&value);
        Ok((header, value.map_err(|_| format!("the header {name:?} holds what no header can"))?))
    };
    given.into_iter().map(read).collect()
}

/// What calls go to.
pub enum Backend {
    /// The running service.
    Service {
        /// How it is reached.
        service: Arc<Service>,
        /// The connections to it.
        client: Client,
        /// Closes idle ones.
        reaper: JoinHandle<()>,
    },
    /// The routes in this process.
    Embedded(Box<InProcess>),
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Self::Service { reaper, .. } = self {
            reaper.abort();
        }
    }
}

impl Backend {
    /// Sends `request` and waits for the head of its answer.
    ///
    /// # Errors
    /// There is none: why, and whether it may be sent again.
    pub async fn send(&self, request: &Request) -> Result<Reply, Error> {
        match self {
            Self::Embedded(routes) => Ok(Reply::in_process(routes.call(in_memory(request)?).await)),
            Self::Service { service, client, .. } => service.send(client, request).await,
        }
    }
}

impl Service {
    async fn send(&self, client: &Client, request: &Request) -> Result<Reply, Error> {
        let uri = self.endpoint.url.join(&request.path).map_err(|error| not_http(&error))?;
        let key = (AUTHORIZATION, self.key.clone());
        let key = Some(key).filter(|_| request.headers.iter().all(|(name, _)| name != AUTHORIZATION));
        let headers = key.into_iter().chain(own_headers(request)).collect();
        let (method, body) = (request.method.clone(), request.body.clone());
        let call = Call::Http(HttpCall { method, uri, headers, body });
        let limits = &self.endpoint.deadlines;
        let deadline = Deadline::after(Instant::now(), limits.total);
        client.call(&self.endpoint, call, limits, deadline).await.map(Reply::of_service)
    }
}

fn in_memory(request: &Request) -> Result<http::Request<Bytes>, Error> {
    let mut built = http::Request::builder().method(request.method.clone()).uri(&request.path);
    for (name, value) in own_headers(request) {
        built = built.header(name, value);
    }
    built.body(request.body.clone()).map_err(|error| not_http(&error))
}

fn own_headers(request: &Request) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let json = Some(json).filter(|_| !request.body.is_empty());
    json.into_iter().chain(request.headers.iter().cloned())
}

fn not_http(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::InvalidRequest, format!("this is no HTTP request: {error}"))
}
