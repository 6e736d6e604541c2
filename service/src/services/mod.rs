//! What the service does, from an admitted request to a recorded answer.
//!
//! Knows the order of things: admit, route, attempt, relay, record. Refuses to know HTTP servers,
//! sockets' details, vendors' formats and who keeps the records.

mod attempts;
pub mod catalog;
pub mod completion;
mod continuation;
pub mod doctor;
mod drain;
mod goes_on;
pub mod health;
pub mod idempotency;
mod in_use;
mod inspect;
pub mod lifecycle;
pub mod notices;
pub mod observability;
pub mod overload;
mod passage;
pub mod probing;
pub mod readiness;
pub mod relay;
mod request;
pub mod routing;
mod tap;
pub mod tasks;
pub mod translate;
mod usage;
mod whole;
