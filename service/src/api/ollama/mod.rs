//! Ollama's own routes, so that its clients work unchanged with any model of any provider.
//! Source: <https://docs.ollama.com/api>
//!
//! What manages models (`/api/pull`, `/api/create`, `/api/delete`…) is not served: the models are those
//! of the configuration.

pub mod answers;
pub mod catalog;
