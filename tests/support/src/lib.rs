//! Test upstreams that misbehave on purpose.
//!
//! [`FaultUpstream`] is an HTTP/1.1 server that answers like an OpenAI-compatible provider (or
//! LiteLLM) and fails where a [`Behaviour`] says so: it resets, truncates, stalls, sends garbage.
//! It speaks HTTP by hand because a proper server refuses to break the protocol, it runs on a
//! thread and a runtime of its own so that any test may use it, and it records what it was asked
//! and when its peer left.
//!
//! ```
//! use llm_proxy_test_support::{Behaviour, FaultUpstream};
//!
//! let upstream = FaultUpstream::start();
//! upstream.on("gpt-a", Behaviour::chat("Hello").truncate_after_events(2));
//! upstream.sequence("gpt-b", [Behaviour::status(429).retry_after("7"), Behaviour::default()]);
//! assert!(upstream.url().starts_with("http://127.0.0.1:"));
//! ```
//!
//! A life of a request: `server` accepts, `connection` reads it (`request`) and asks `registry`
//! for the behaviour, `plan` turns behaviour and request into steps (what OpenAI would say comes
//! from `openai`), and `connection` takes the steps while it watches for the peer to leave;
//! `record` keeps what happened. What may stand before it: [`TlsFront`] with a certificate of an
//! [`Authority`], the real proxies of `egress`, and a [`BufferingProxy`]. From other languages: the binary
//! `fault-upstream` and `control`.

mod authority;
mod behaviour;
mod buffering;
mod connection;
mod control;
mod dead_end;
mod egress;
mod files;
mod openai;
mod plan;
mod record;
mod registry;
mod request;
mod server;
mod tls_front;

pub use authority::{Authority, Certified};
pub use behaviour::*;
pub use buffering::BufferingProxy;
pub use dead_end::{Blackhole, refused_url};
pub use egress::{
    EgressProxy, PROXY_PASSWORD, PROXY_PASSWORD_ENCODED, PROXY_USER, Squid, start_socks, start_socks_at,
};
pub use files::Files;
pub use record::{Closure, Connections, OpenConnection, RecordedRequest};
pub use server::FaultUpstream;
pub use tls_front::TlsFront;
