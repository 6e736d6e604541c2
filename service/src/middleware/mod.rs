//! What every HTTP request passes before it reaches its route.
//!
//! Knows headers and status codes. Refuses to know bodies, models and upstreams.

pub mod internal_auth;
pub mod request_id;
pub mod span;
