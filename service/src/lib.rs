//! `llm-proxy`: one engine that reaches any LLM, and the HTTP service around it.
//!
//! The rooms are described in `ARCHITECTURE.md`; a test checks who may use whom.

pub mod adapters;
pub mod api;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod middleware;
pub mod outbound;
pub mod ports;
pub mod resilience;
pub mod services;
pub mod startup;
pub mod stores;
pub mod telemetry;
pub mod watch;
pub mod wire;
