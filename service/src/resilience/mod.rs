//! When to try again, and when to leave an endpoint alone.
//!
//! Knows errors and the time, which is handed in with every question. Refuses to know providers, endpoints'
//! names, sockets, tasks and clocks.

pub mod backoff;
pub mod breaker;
pub mod failover;
pub mod health;
pub mod proxy;
pub mod retry_budget;
mod window;
