//! What is said: the body's events, before compression and framing.

use serde_json::Value;

use super::{gzip, sse};
use crate::behaviour::{Behaviour, Body, Reply, SseEvent};
use crate::openai::{self, Asked};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";

/// A body in events; one that is no stream is one event.
pub(super) struct Content {
    pub status: u16,
    pub content_type: &'static str,
    pub is_stream: bool,
    pub events: Vec<Vec<u8>>,
    /// An event to be repeated after the others until the peer leaves.
    pub forever: Option<Vec<u8>>,
    /// Compressed already.
    pub is_gzip: bool,
}

pub(super) fn content(behaviour: &Behaviour, asked: &Asked, models: &[String]) -> Content {
    let status = behaviour.head.status;
    let content = match &behaviour.body {
        Body::Auto if status >= 400 => json(openai::status_error(status)),
        Body::Auto => usual(behaviour, asked, models),
        Body::Empty => Content { events: Vec::new(), ..whole(JSON, Vec::new()) },
        Body::Json(value) => json(value.to_string()),
        Body::Raw(text) => whole("text/plain; charset=utf-8", text.clone().into()),
        Body::Error(error) => json(openai::error_data(error, status)),
        Body::Chat(reply) => chat(behaviour, reply, asked),
        Body::ChatCompletion(reply) => json(openai::chat_completion(reply, asked)),
        Body::ChatStream(reply) => stream(behaviour, &openai::chat_stream(reply, asked)),
        Body::Sse(sse) => named_events(behaviour, &sse.events),
        Body::Ndjson(ndjson) => lines(&ndjson.lines),
        Body::GzipBomb(bomb) => Content { is_gzip: true, ..whole(JSON, gzip::bomb(bomb.mib)) },
        Body::Endless(endless) => {
            let chunk = openai::chunk_of_text(&"x".repeat(endless.text_bytes), asked.model());
            let forever = sse::event(&behaviour.sse, None, &chunk);
            Content { forever: Some(forever), ..events(Vec::new()) }
        }
    };
    Content { status: if status == 200 { content.status } else { status }, ..content }
}

/// What a well-behaved server says to this path.
fn usual(behaviour: &Behaviour, asked: &Asked, models: &[String]) -> Content {
    let path = asked.path;
    match asked.method {
        "GET" | "HEAD" if path.ends_with("/models") => json(openai::models(models).to_string()),
        "GET" | "HEAD" if path == "/health/liveliness" || path == "/health/liveness" => {
            json("\"I'm alive!\"".to_owned())
        }
        "GET" | "HEAD" if path == "/health/readiness" => {
            json(r#"{"status":"healthy","db":"Not connected"}"#.to_owned())
        }
        "POST" if path.ends_with("/chat/completions") => chat(behaviour, &Reply::default(), asked),
        "POST" if path.ends_with("/completions") && asked.stream() => {
            stream(behaviour, &openai::text_stream(asked))
        }
        "POST" if path.ends_with("/completions") => json(openai::text_completion(asked)),
        "POST" if path.ends_with("/embeddings") => json(openai::embeddings(asked)),
        _ => Content { status: 404, ..json(openai::status_error(404)) },
    }
}

fn chat(behaviour: &Behaviour, reply: &Reply, asked: &Asked) -> Content {
    if asked.stream() {
        stream(behaviour, &openai::chat_stream(reply, asked))
    } else {
        json(openai::chat_completion(reply, asked))
    }
}

fn stream(behaviour: &Behaviour, data: &[String]) -> Content {
    let data = data.iter().map(|data| sse::event(&behaviour.sse, None, data));
    events(sse::finish(&behaviour.sse, data.collect()))
}

fn named_events(behaviour: &Behaviour, all: &[SseEvent]) -> Content {
    let text = |data: &Value| data.as_str().map_or_else(|| data.to_string(), str::to_owned);
    let written = all.iter().map(|event| match event {
        SseEvent::Named { event, data } => sse::event(&behaviour.sse, Some(event), &text(data)),
        SseEvent::Data(data) => sse::event(&behaviour.sse, None, &text(data)),
    });
    events(sse::finish(&behaviour.sse, written.collect()))
}

fn lines(lines: &[Value]) -> Content {
    let lines = lines.iter().map(|line| format!("{line}\n").into_bytes());
    let content = events(lines.collect());
    Content { content_type: "application/x-ndjson", ..content }
}

fn json(text: String) -> Content {
    whole(JSON, text.into_bytes())
}

fn whole(content_type: &'static str, body: Vec<u8>) -> Content {
    Content { status: 200, content_type, is_stream: false, events: vec![body], forever: None, is_gzip: false }
}

fn events(events: Vec<Vec<u8>>) -> Content {
    Content { is_stream: true, events, ..whole(EVENTS, Vec::new()) }
}
