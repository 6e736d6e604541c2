//! Calls on a caller's behalf: hyper's HTTP/1.1 over a pool of our own, one client a worker.
//!
//! `hyper-util`'s pooled client costs 1.12–1.15 times nginx for a bare relay, hyper's connection under
//! this pool 0.95–1.04; see `ARCHITECTURE.md`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;

use super::answer::{Answer, Network};
use super::connection::{Connection, NoAnswer, RequestBody};
use super::connector::{Connector, Patience};
use super::deadline::Deadline;
use super::pool::Pool;
use super::refusal::refusal_of_forward;
use super::script::Player;
use super::tls;
use super::way::Way;
use crate::domain::call::{Call, HttpCall, Script};
use crate::domain::endpoint::{Deadlines, Endpoint};
use crate::error::{Error, Kind, Result, TUNNEL_DROPPED};

/// Calls upstreams. Cheap to clone; clones share their idle connections.
#[derive(Clone, Default)]
pub struct Client {
    connector: Connector,
    pool: Arc<Pool>,
}

impl Client {
    /// Makes one call of `endpoint` and waits for the head of its answer, until `deadline` at the latest.
    ///
    /// # Errors
    /// Whatever keeps the head from arriving within `limits`. A status of the upstream's is no error
    /// here.
    pub async fn call(
        &self,
        endpoint: &Endpoint,
        call: Call,
        limits: &Deadlines,
        deadline: Deadline,
    ) -> Result<Answer> {
        match call {
            Call::Http(call) => self.http(endpoint, &call, limits, deadline).await,
            Call::Script(script) => script_answer(endpoint, script, limits.first_byte, deadline).await,
        }
    }

    async fn http(
        &self,
        endpoint: &Endpoint,
        call: &HttpCall,
        limits: &Deadlines,
        deadline: Deadline,
    ) -> Result<Answer> {
        let mut pooled = self.pool.take(endpoint);
        let mut calls = 0;
        loop {
            calls += 1;
            let connection = match pooled.take() {
                Some(connection) => connection,
                None => Box::pin(self.connect(endpoint, limits.connect, deadline)).await?,
            };
            let request = request(endpoint, call, &connection.way);
            let sent = connection.send(request);
            let limit = limits.first_byte;
            match deadline.within(limit, sent, || no_first_byte(endpoint, limit)).await? {
                Ok((response, connection)) => {
                    let (head, incoming) = response.into_parts();
                    if let Way::Forward { proxy, .. } = &connection.way
                        && let Some(refused) =
                            refusal_of_forward(proxy, &endpoint.url, head.status, &head.headers)
                    {
                        return Err(refused);
                    }
                    let (pool, url) = (Arc::clone(&self.pool), endpoint.url.clone());
                    let network = Network { connection, incoming, pool, url };
                    let mut answer = Answer::from_network(head.status.as_u16(), head.headers, network)?;
                    answer.calls = calls;
                    return Ok(answer);
                }
                // The peer had closed this idle connection: the next turn opens a fresh one.
                Err(NoAnswer { stale: true, .. }) => {}
                Err(NoAnswer { error, proxy, .. }) => {
                    return Err(no_head(endpoint, &error, proxy.as_deref()));
                }
            }
        }
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<Box<Connection>> {
        let patience = Patience { limit, deadline, since: Instant::now() };
        let (socket, way) = self.connector.connect(endpoint, patience).await?;
        let connection = Connection::handshake(socket, way, Arc::clone(&endpoint.egress)).await;
        connection.map_err(|error| no_head(endpoint, &error, None))
    }

    /// Closes idle connections that are of no use any more, every now and then, for ever.
    pub async fn reap(self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            self.pool.reap();
        }
    }
}

async fn script_answer(
    endpoint: &Endpoint,
    script: Script,
    limit: Duration,
    deadline: Deadline,
) -> Result<Answer> {
    let started = deadline.within(limit, Player::start(script), || no_first_byte(endpoint, limit));
    let (status, headers, player) = started.await?;
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    Ok(Answer::from_script(status, headers.collect(), player))
}

fn request(endpoint: &Endpoint, call: &HttpCall, way: &Way) -> Request<RequestBody> {
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.uri.clone();
    if let Way::Forward { authorization, .. } = way {
        for_the_proxy(&mut request, endpoint, authorization.as_ref());
    }
    let headers = request.headers_mut();
    headers.reserve(call.headers.len() + 2);
    if let Ok(host) = HeaderValue::from_str(endpoint.url.authority.as_str()) {
        headers.insert(http::header::HOST, host);
    }
    for (name, value) in &call.headers {
        headers.append(name.clone(), value.clone());
    }
    request
}

/// Puts the URL into absolute form, and adds what only the proxy reads and takes out.
/// Source: <https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form>
fn for_the_proxy(
    request: &mut Request<RequestBody>,
    endpoint: &Endpoint,
    authorization: Option<&HeaderValue>,
) {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(endpoint.url.scheme.clone());
    parts.authority = Some(endpoint.url.authority.clone());
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    if let Some(authorization) = authorization {
        request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, authorization.clone());
    }
}

fn no_first_byte(endpoint: &Endpoint, limit: Duration) -> Error {
    let message = format!("{} did not begin to answer within {} s", endpoint.name, limit.as_secs_f64());
    Error::new(Kind::UpstreamTimeout, message).with_code("first_byte_timeout")
}

fn no_head(endpoint: &Endpoint, error: &hyper::Error, proxy: Option<&str>) -> Error {
    if error.is_parse() {
        let message = format!("{} did not answer in HTTP: {error}", endpoint.name);
        return Error::new(Kind::MalformedAnswer, message);
    }
    // TLS 1.3 tells only behind its handshake that a client's certificate is missing.
    if let Some(alert) = tls::alert(error) {
        let message = format!("{} ended TLS: {alert}", endpoint.name);
        return Error::new(Kind::TlsFailure, message);
    }
    if let Some(proxy) = proxy {
        let name = &endpoint.name;
        let message = format!("the connection through the proxy {proxy} ended before {name} answered");
        return Error::new(Kind::UpstreamDisconnected, message).with_code(TUNNEL_DROPPED);
    }
    let message = format!("{} closed the connection without an answer", endpoint.name);
    Error::new(Kind::UpstreamDisconnected, message)
}
