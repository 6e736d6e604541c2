//! The HTTP surface, seen from its clients: a real service on a real socket, between a client that
//! sees every byte and an upstream that fails on purpose. One file a concern, one case a rule.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod auth;
mod bad_input;
mod before_the_head;
mod behind_litellm;
mod broken_streams;
mod client_gone;
mod continuation;
mod doctor;
mod doctor_service;
mod doctor_several;
mod egress;
mod egress_exceptions;
mod egress_health;
mod egress_names;
mod egress_streams;
mod egress_tls;
mod endpoint_health;
mod events;
mod failover;
mod harness;
mod idempotency;
mod limits;
mod metrics;
mod mock;
mod models;
mod native;
mod ollama_clients;
mod relay;
mod reload;
mod request_ids;
mod resilience;
mod routes;
mod shutdown;
mod streams;
mod tasks;
mod timeouts;
mod translated;
mod usage_records;
mod watch;
mod whole_answers;
