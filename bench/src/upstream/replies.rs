//! Every byte that the upstream ever sends, built once.

use std::fmt::Write as _;

use super::answers::{Answers, Format, json_reply};

/// The prebuilt answers.
#[derive(Debug)]
pub struct Replies {
    /// The list of models.
    pub models: Vec<u8>,
    /// What LiteLLM's liveness and readiness say.
    pub healthy: Vec<u8>,
    /// 401, for a call without the upstream's key.
    pub unauthorized: Vec<u8>,
    /// 404.
    pub not_found: Vec<u8>,
    /// 411, for bodies without a length; the connection is closed.
    pub length_required: Vec<u8>,
    openai: Answers,
    anthropic: Answers,
}

impl Replies {
    /// Builds them all.
    #[must_use]
    pub fn new() -> Self {
        Self {
            models: json_reply("200 OK", &models()),
            healthy: json_reply("200 OK", r#"{"status":"healthy","db":"Not connected"}"#),
            unauthorized: json_reply("401 Unauthorized", &error("wrong upstream key")),
            not_found: json_reply("404 Not Found", &error("no such route")),
            length_required: json_reply("411 Length Required", &error("Content-Length needed")),
            openai: Answers::new(Format::OpenAi),
            anthropic: Answers::new(Format::Anthropic),
        }
    }

    /// The answers of a format.
    #[must_use]
    pub fn of(&self, format: Format) -> &Answers {
        match format {
            Format::OpenAi => &self.openai,
            Format::Anthropic => &self.anthropic,
        }
    }
}

impl Default for Replies {
    fn default() -> Self {
        Self::new()
    }
}

fn models() -> String {
    let mut list = String::from(r#"{"object":"list","data":["#);
    for (index, id) in ["bench", "bench-stream-100-20", "bench-stream-40-200"].iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(
            list,
            r#"{comma}{{"id":"{id}","object":"model","created":1700000000,"owned_by":"bench"}}"#
        );
    }
    list + "]}"
}

fn error(message: &str) -> String {
    format!(r#"{{"error":{{"message":"{message}","type":"bench_error","param":null,"code":null}}}}"#)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_list_of_models_is_json() {
        assert!(serde_json::from_str::<Value>(&models()).is_ok());
    }
}
