//! What the operator decided: the environment, LiteLLM's file, `config.ini`.
//!
//! Knows variables, files, defaults and what is a sensible value. Refuses to know sockets, requests and
//! vendors' formats; nothing outside this room reads the environment.

mod access;
mod address;
mod choices;
mod client;
mod document;
pub mod egress;
mod embedded;
pub mod endpoints;
pub mod environment;
mod explain;
mod finding;
mod ini;
mod keys;
mod limits;
mod litellm_yaml;
mod names;
mod pem;
mod read;
mod references;
pub mod resilience;
mod server;
pub mod settings;
mod timeouts;
mod tree;
mod whose;
