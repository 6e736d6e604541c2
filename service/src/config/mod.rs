//! What the operator decided: the environment today, LiteLLM's file and `config.ini` next to it.
//!
//! Knows variables, defaults and what is a sensible value. Refuses to know sockets, requests and
//! vendors' formats; nothing outside this room reads the environment.

pub mod environment;
mod read;
pub mod settings;
