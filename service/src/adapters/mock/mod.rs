//! The mock: a deterministic upstream inside this process, for development and for tests.
//!
//! Any model name is served. The answer, its ids and its token counts depend on the request alone:
//! text echoes the last user message, one word a token and a chunk. Tools are called when
//! `tool_choice` demands it, with arguments made from their schema. A `mock_response` in the request is
//! said instead, as LiteLLM does. A last message of the assistant's that begins the reply is gone on
//! with. Names in [`MODELS`] misbehave as real upstreams do, and through the same code, so that consumers
//! can test their own error handling.
//! The form is OpenAI's: <https://platform.openai.com/docs/api-reference/chat>

mod embeddings;
pub mod error;
mod faults;
mod reply;
pub mod request;
mod stream;

/// What `/v1/models` lists in mock mode, with what each name does.
pub const MODELS: [(&str, &str); 17] = [
    ("mock", "echoes; so does every name that is not in this list"),
    ("mock-slow", "waits 2 s for its head and ten times the usual pause between chunks"),
    ("mock-stall", "stops for ever: before the head, or after the first half of a stream"),
    ("mock-truncate", "loses the connection in the middle of its answer"),
    ("mock-no-done", "ends its stream cleanly but without [DONE]"),
    ("mock-malformed", "breaks its own JSON in the middle"),
    ("mock-error-in-stream", "reports an error inside its answer, under status 200"),
    ("mock-empty", "answers with an empty text"),
    ("mock-length", "stops at the length limit"),
    ("mock-content-filter", "stops for the content filter"),
    ("mock-no-usage", "does not report usage"),
    ("mock-error-400", "refuses the request; likewise for every status from 400 to 599"),
    ("mock-error-context-length", "refuses the request as too long for the model (400)"),
    ("mock-error-quota", "has no quota left (429 insufficient_quota)"),
    ("mock-error-429", "limits the rate, with retry-after: 1"),
    ("mock-error-500", "fails"),
    ("mock-error-503", "is overloaded"),
];
