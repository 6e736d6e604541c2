//! The moving parts of the benchmark that must be cheaper than what they measure.
//!
//! Everything here is one thread around one epoll: an upstream that answers like OpenAI and like
//! Anthropic, and two clients, one for streams and one that sends at a fixed rate. It knows nothing
//! of the proxies between them; `bench/run.py` starts those, pins them and reads their CPU time.

pub mod client;
pub mod poller;
pub mod stats;
pub mod upstream;
