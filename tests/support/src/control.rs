//! Routes for tests in other languages, on the same port; they are neither recorded nor counted.
//!
//! | route | |
//! |---|---|
//! | `PUT /__control/behaviours/{key}` | a behaviour, or an array for a sequence; the key is a model, a path with its leading slash, or `*` |
//! | `DELETE /__control/behaviours[/{key}]` | back to the default |
//! | `GET /__control/requests`, `DELETE` | what was asked; forget it |
//! | `GET /__control/connections` | connections and closures |

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::connection::Shared;
use crate::record::{Closure, OpenConnection, RecordedRequest};

pub(crate) const PREFIX: &str = "/__control/";

#[derive(Deserialize)]
#[serde(untagged)]
enum Sequence {
    Many(Vec<Value>),
    One(Value),
}

/// The whole response to a control request.
pub(crate) fn answer(shared: &Shared, request: &RecordedRequest) -> Vec<u8> {
    let route = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let (route, key) = route.split_once('/').unwrap_or((route, ""));
    let answer = match (request.method.as_str(), route) {
        ("PUT", "behaviours") if !key.is_empty() => set(shared, &decode(key), &request.body),
        ("DELETE", "behaviours") => Ok(unset(shared, &decode(key))),
        ("GET", "requests") => Ok(requests(shared)),
        ("DELETE", "requests") => Ok(json!({"forgotten": shared.record.lock().take_requests().len()})),
        ("GET", "connections") => Ok(connections(shared)),
        _ => Err(("404 Not Found", "no such control route".to_owned())),
    };
    let (status, body) = match answer {
        Ok(body) => ("200 OK", body),
        Err((status, message)) => (status, json!({"error": message})),
    };
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn set(shared: &Shared, key: &str, body: &[u8]) -> Result<Value, (&'static str, String)> {
    let refused = |error: serde_json::Error| ("400 Bad Request", error.to_string());
    let sequence: Vec<Behaviour> = match serde_json::from_slice(body).map_err(refused)? {
        Sequence::Many(many) => serde_json::from_value(many.into()).map_err(refused)?,
        Sequence::One(one) => vec![serde_json::from_value(one).map_err(refused)?],
    };
    let length = sequence.len();
    shared.registry.set(key, sequence);
    Ok(json!({"behaviours": length}))
}

fn unset(shared: &Shared, key: &str) -> Value {
    if key.is_empty() {
        shared.registry.clear();
    } else {
        shared.registry.set(key, Vec::new());
    }
    json!({"behaviours": 0})
}

fn requests(shared: &Shared) -> Value {
    let state = shared.record.lock();
    state.requests.iter().map(request_json).collect()
}

fn request_json(request: &RecordedRequest) -> Value {
    json!({
        "connection_id": request.connection_id,
        "number_on_connection": request.number_on_connection,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "body": String::from_utf8_lossy(&request.body),
        "body_complete": request.body_complete,
        "received_ms_ago": millis_since(request.received_at),
    })
}

fn connections(shared: &Shared) -> Value {
    let state = shared.record.lock();
    let connections = state.connections();
    json!({
        "accepted": connections.accepted,
        "bytes_written": connections.bytes_written,
        "open": connections.open.iter().map(open_json).collect::<Vec<_>>(),
        "closures": state.closures.iter().map(closure_json).collect::<Vec<_>>(),
        "protocol_errors": state.protocol_errors,
    })
}

fn open_json(connection: &OpenConnection) -> Value {
    json!({
        "connection_id": connection.connection_id,
        "requests": connection.requests,
        "bytes_written": connection.bytes_written,
        "blocked_ms": connection.blocked_since.map(millis_since),
    })
}

fn closure_json(closure: &Closure) -> Value {
    json!({
        "connection_id": closure.connection_id,
        "by_peer": closure.by_peer,
        "while_answering": closure.while_answering,
        "bytes_written": closure.bytes_written,
        "ms_ago": millis_since(closure.at),
    })
}

fn millis_since(past: Instant) -> u64 {
    u64::try_from(past.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// `%2F` and the like; what is no escape stays.
fn decode(key: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = key.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(hex_byte);
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok()
}
