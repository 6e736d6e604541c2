//! The old text completions, whole and streamed:
//! <https://platform.openai.com/docs/api-reference/completions>.

use serde::Serialize;

use super::reply::{Usage, pieces, usage};
use super::{Asked, CREATED};
use crate::behaviour::Reply;

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    index: u64,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

/// The echo in one piece.
pub(crate) fn text_completion(asked: &Asked) -> String {
    let reply = Reply::default();
    let text = pieces(&reply, asked).concat();
    completion(asked, vec![choice(&text, Some("stop"))], Some(Some(usage(&reply, asked))))
}

/// The echo word by word; without `[DONE]`.
pub(crate) fn text_stream(asked: &Asked) -> Vec<String> {
    let reply = Reply::default();
    let null = asked.include_usage().then_some(None);
    let words = pieces(&reply, asked);
    let words = words.iter().map(|word| completion(asked, vec![choice(word, None)], null));
    let mut events: Vec<_> = words.collect();
    events.push(completion(asked, vec![choice("", Some("stop"))], null));
    if asked.include_usage() {
        events.push(completion(asked, Vec::new(), Some(Some(usage(&reply, asked)))));
    }
    events
}

fn choice<'a>(text: &'a str, finish_reason: Option<&'a str>) -> Choice<'a> {
    Choice { text, index: 0, logprobs: None, finish_reason }
}

fn completion(asked: &Asked, choices: Vec<Choice>, usage: Option<Option<Usage>>) -> String {
    let completion = Completion {
        id: "cmpl-fault",
        object: "text_completion",
        created: CREATED,
        model: asked.model(),
        choices,
        usage,
    };
    serde_json::to_string(&completion).unwrap_or_default()
}
