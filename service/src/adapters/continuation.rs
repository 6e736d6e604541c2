//! Going on with an answer that another endpoint has begun.
//!
//! The text so far becomes the assistant's last message, and the vendor goes on from there. Who documents
//! that, and how it is asked for, is the table in [`way`]; an operator's `continues` wins over it. The
//! result is a body in OpenAI's form, which goes through [`super::prepare`] as any other. A body in
//! another format ([`super::Ask::original`]) does not hold the text so far, so it must not go with it.
//!
//! White space at the end of the text is not sent: Anthropic refuses it, templates of open models cut it
//! off, and a model's next token mostly brings its own. What then comes twice, [`Seam`] takes away.

mod seam;
mod way;

use bytes::Bytes;
use serde_json::{Map, Value, json};

pub use seam::Seam;
use way::{Means, Way};

use super::anthropic;
use super::params::{applied, unsupported};
use crate::domain::chat::{ChatRequest, ResponseFormat, Role, ToolChoice};
use crate::domain::endpoint::{Endpoint, Provider};
use crate::domain::envelope::members;
use crate::error::{Error, Result};
use crate::wire::splice::{Edit, splice};

/// A request to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continued {
    /// The request's body in OpenAI's form.
    pub body: Bytes,
    /// The beginning as it was sent: without white space at its end. Nothing where nothing was said yet;
    /// the request is then asked as it was.
    pub sent: String,
    /// Whether the answer repeats it.
    pub echo: Echo,
}

/// What the answer to a [`Continued`] starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// What is new.
    Nothing,
    /// The beginning, as the vendor documents it, or perhaps, where nobody says.
    Beginning,
}

/// Whether `endpoint` can be asked to go on with an answer: its vendor documents how, or the operator says
/// that it can.
#[must_use]
pub fn can_continue(endpoint: &Endpoint) -> bool {
    Way::of(endpoint).is_some()
}

/// Whether an answer to this chat request, in OpenAI's form, is plain text that another endpoint may go
/// on with.
#[must_use]
pub fn may_be_continued(body: &[u8]) -> bool {
    ChatRequest::parse(body).is_ok_and(|request| obstacle(&request).is_none())
}

/// The chat request `body` with `text` as the beginning of its answer, so that `endpoint` goes on with it.
/// Everything else in the body stays as it was.
///
/// # Errors
/// [`crate::error::Kind::InvalidRequest`] with code `unsupported_parameter`: the vendor documents no way to
/// do it, or not for such a request. The error names the member that is in the way.
pub fn continued(endpoint: &Endpoint, body: &Bytes, text: &str) -> Result<Continued> {
    const NO_WAY: &str = "no way is documented to go on with an answer that was begun elsewhere";
    const NOT_SO: &str = "an answer to such a request cannot be gone on with";
    let way = Way::of(endpoint).ok_or_else(|| unsupported(endpoint, "messages", NO_WAY))?;
    // What the operator adds and drops counts as well.
    let asked = if endpoint.params.change_requests() { applied(endpoint, body)?.0 } else { body.clone() };
    let request = ChatRequest::parse(&asked)?;
    if let Some(member) = obstacle(&request).or_else(|| vendors_obstacle(endpoint, &request)) {
        return Err(unsupported(endpoint, member, NOT_SO));
    }
    let sent = text.trim_end();
    let body = if sent.is_empty() { body.clone() } else { begun(body, sent, way.means)? };
    Ok(Continued { body, sent: sent.to_owned(), echo: way.echo })
}

/// Members by which servers hold the text to a form of their own, which would start anew in the middle,
/// or by which the answer is no plain text. Sources:
/// <https://docs.vllm.ai/en/latest/features/structured_outputs.html>,
/// <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>,
/// <https://docs.ollama.com/capabilities/structured-outputs>,
/// <https://platform.openai.com/docs/api-reference/chat/create>
const IN_THE_WAY: [&str; 11] = [
    "audio",
    "echo",
    "format",
    "grammar",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "json_schema",
    "prediction",
    "structured_outputs",
];

/// The member that makes the answer something else than one plain text.
fn obstacle(request: &ChatRequest) -> Option<&'static str> {
    // A beginning of the caller's own would be a part of this one, or not: that is up to the vendor.
    let is_begun = request.messages.last().is_none_or(|last| last.role == Role::Assistant);
    let has_form = !matches!(request.response_format, None | Some(ResponseFormat::Text));
    let has_logprobs = request.logprobs == Some(true) || request.top_logprobs.is_some_and(|n| n > 0);
    let is_forced = request.tool_choice.as_ref().is_some_and(ToolChoice::is_forced);
    let rest = &request.rest;
    let is_text = |modality: &Value| modality == "text";
    let speaks = rest.get("modalities").and_then(Value::as_array).is_some_and(|all| !all.iter().all(is_text));
    let standing = [
        ("messages", is_begun),
        ("response_format", has_form),
        ("logprobs", has_logprobs),
        ("n", request.n.is_some_and(|n| n > 1)),
        ("tool_choice", is_forced),
        ("function_call", rest.get("function_call").is_some_and(Value::is_object)),
        ("modalities", speaks),
        ("output_config", rest.get("output_config").is_some_and(|config| config.get("format").is_some())),
    ];
    let standing = standing.into_iter().find_map(|(name, is_there)| is_there.then_some(name));
    standing.or_else(|| IN_THE_WAY.into_iter().find(|name| is_set(rest, name)))
}

fn is_set(rest: &Map<String, Value>, name: &str) -> bool {
    rest.get(name).is_some_and(|value| *value != Value::Bool(false))
}

fn vendors_obstacle(endpoint: &Endpoint, request: &ChatRequest) -> Option<&'static str> {
    match endpoint.provider {
        Provider::Anthropic => anthropic::prefill::obstacle(request),
        _ => None,
    }
}

/// The body with the beginning as its last message.
fn begun(body: &Bytes, sent: &str, means: Means) -> Result<Bytes> {
    let members = members(body)?;
    let place =
        |name: &str| members.iter().find(|member| member.name == name).map(|member| member.at.clone());
    let messages = place("messages").ok_or_else(|| Error::invalid("messages", "`messages` is missing"))?;
    let mut message = json!({"role": "assistant", "content": sent});
    if let Means::Marked(mark) = means {
        message[mark] = true.into();
    }
    let end = messages.end - 1;
    let mut edits = vec![Edit { range: end..end, with: format!(",{message}") }];
    if means == Means::LeftOpen {
        let first = body.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
        edits.extend(way::LEFT_OPEN.map(|(name, value)| match place(name) {
            Some(range) => Edit { range, with: value.to_string() },
            None => Edit { range: first..first, with: format!("\"{name}\":{value},") },
        }));
    }
    Ok(splice(body, edits))
}

#[cfg(test)]
#[path = "continuation_tests.rs"]
mod tests;
