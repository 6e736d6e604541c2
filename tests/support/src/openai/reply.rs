//! What a [`Reply`] comes to for a request, whatever the form it is sent in.

use serde::Serialize;

use super::Asked;
use crate::behaviour::{Reply, Text, ToolCall};

/// A request may ask for any number; more than OpenAI allows is not worth the memory.
const MAX_CHOICES: u64 = 128;

#[derive(Serialize, Clone, Copy)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// The text as it is streamed.
pub(super) fn pieces(reply: &Reply, asked: &Asked) -> Vec<String> {
    match &reply.text {
        Some(Text::Whole(text)) => words(text),
        Some(Text::Pieces(pieces)) => pieces.clone(),
        Some(Text::Generated { count, size }) => (0..*count).map(|n| piece(n, *size)).collect(),
        None if !reply.tool_calls.is_empty() => Vec::new(),
        None => words(&format!("echo: {}", asked.last_text())),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Its number and dots, so that a lost or doubled piece shows.
fn piece(number: usize, size: usize) -> String {
    let mut piece = format!("{number} ");
    piece.extend(std::iter::repeat_n('.', size.saturating_sub(piece.len())));
    piece.truncate(size);
    piece
}

/// The arguments in about equal parts.
pub(super) fn fragments(call: &ToolCall) -> Vec<&str> {
    let size = call.arguments.len().div_ceil(call.fragments.max(1)).max(1);
    let mut fragments = Vec::new();
    let mut rest = call.arguments.as_str();
    while !rest.is_empty() {
        let (fragment, after) = rest.split_at(rest.ceil_char_boundary(size));
        fragments.push(fragment);
        rest = after;
    }
    fragments
}

/// A token for each delta that says something.
pub(super) fn usage(reply: &Reply, asked: &Asked) -> Usage {
    let calls = reply.tool_calls.iter().map(|call| 1 + fragments(call).len());
    let deltas = pieces(reply, asked).len() + calls.sum::<usize>();
    let said = deltas as u64 * choices(reply, asked);
    let prompt_tokens = reply.prompt_tokens.unwrap_or_else(|| asked.prompt_words());
    let completion_tokens = reply.completion_tokens.unwrap_or(said);
    let total_tokens = prompt_tokens + completion_tokens;
    Usage { prompt_tokens, completion_tokens, total_tokens }
}

pub(super) fn choices(reply: &Reply, asked: &Asked) -> u64 {
    let choices = reply.choices.or_else(|| asked.json["n"].as_u64());
    choices.unwrap_or(1).min(MAX_CHOICES)
}

pub(super) fn model<'a>(reply: &'a Reply, asked: &'a Asked) -> &'a str {
    reply.model.as_deref().unwrap_or_else(|| asked.model())
}

pub(super) fn finish_reason(reply: &Reply) -> &str {
    let calls = !reply.tool_calls.is_empty();
    let usual = if calls { "tool_calls" } else { "stop" };
    reply.finish_reason.as_deref().unwrap_or(usual)
}
