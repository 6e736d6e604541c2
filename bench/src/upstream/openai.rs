//! Chat completions as OpenAI writes them.
//! Source: <https://platform.openai.com/docs/api-reference/chat>

use super::answers::{filled_up, framed, numbered_text};
use super::plan::StreamPlan;

const IDENTITY: &str =
    r#""id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench""#;

/// A whole answer.
pub(super) fn completion() -> String {
    filled_up(|text| {
        format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":100,"completion_tokens":200,"total_tokens":300}}}}"#
        )
    })
}

/// A chunk of a stream.
pub(super) fn content_event() -> String {
    let text = numbered_text();
    event(&format!(r#""choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]"#))
}

/// Appends the finishing chunk, usage if asked for, `[DONE]`.
pub(super) fn push_end(out: &mut Vec<u8>, plan: &StreamPlan) {
    out.extend(framed(&event(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#)));
    if plan.usage {
        let (prompt, completion) = (11, plan.chunks);
        let total = prompt + completion;
        out.extend(framed(&event(&format!(
            r#""choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total}}}"#
        ))));
    }
    out.extend(framed("data: [DONE]\n\n"));
}

fn event(members: &str) -> String {
    format!("data: {{{IDENTITY},{members}}}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_as_large_as_promised() {
        assert_eq!(content_event().len(), 200);
    }
}
