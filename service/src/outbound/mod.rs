//! Bytes on the network: calls of upstreams, with their deadlines.
//!
//! Knows sockets, TLS, pools and timers. Refuses to know what the bytes mean, and who asked.

pub mod answer;
pub mod client;
mod connection;
mod connector;
pub mod deadline;
pub mod decode;
mod gate;
mod pool;
pub mod probe;
pub mod script;
mod tls;
