//! Version 1: OpenAI's routes, and our own beside them.

pub mod chat;
pub mod doctor;
pub mod embeddings;
pub mod events;
pub mod health;
pub mod llm_health;
pub mod models;
pub mod tasks;
