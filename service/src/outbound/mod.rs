//! Bytes on the network: calls of upstreams, with their deadlines.
//!
//! Knows sockets, TLS, pools and timers. Refuses to know what the bytes mean, and who asked.

pub mod answer;
pub mod client;
mod connection;
pub mod connector;
pub mod deadline;
pub mod decode;
mod ending;
mod failure;
mod gate;
pub mod http_tunnel;
mod pool;
pub mod probe;
mod refusal;
pub mod script;
pub mod socket;
pub mod socks;
pub mod tls;
pub mod way;
