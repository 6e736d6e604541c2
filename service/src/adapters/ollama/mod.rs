//! Ollama, as a provider and as a client format.
//!
//! - Chat: <https://docs.ollama.com/api/chat>, generate: <https://docs.ollama.com/api/generate>
//! - Embeddings: <https://docs.ollama.com/api/embed>
//! - Errors: <https://docs.ollama.com/api/errors>, usage: <https://docs.ollama.com/api/usage>
//! - Thinking: <https://docs.ollama.com/capabilities/thinking>, tools:
//!   <https://docs.ollama.com/capabilities/tool-calling>
//! - Types of every body: <https://github.com/ollama/ollama/blob/main/api/types.go>
//!
//! Quirks of the provider: a stream is one JSON object a line, and only a line with `done: true` ends
//! it. An error in the middle is a line `{"error"}` under status 200. A tool call comes whole in one
//! line, its arguments as an object; several calls come in one line or in several, and older servers
//! number them all 0 and give no ids. A prompt that is cached as a whole comes without
//! `prompt_eval_count` from older servers; newer ones count the cached part in
//! `prompt_eval_cached_count`. A conversation that ends because of its calls has `done_reason: "stop"`.
//! There is no `tool_choice`; `none` is a request without tools. The server caches prompts by itself:
//! `cache_control` is left out and named. `strict` of a tool is passed on and not read.
//!
//! What the other direction decides (an Ollama client's request for another provider):
//! - `think: true` is `reasoning_effort: "medium"`, which is what Ollama makes of it for models with
//!   levels; `false` is `none`, and a level is itself.
//! - Options that OpenAI's format has (`num_predict`, `temperature`, `top_p`, `seed`, `stop`, the two
//!   penalties) are translated. The others (`top_k`, `min_p`, `num_ctx`…) would be refused by strict
//!   servers: they are left out and named, as are `keep_alive` and unknown members.
//! - What changes the prompt itself (`raw`, `template`, `suffix`, `context`) only an Ollama can do:
//!   refused, unless the request is relayed to one.
//! - Calls in a history without ids get `call_0`, `call_1`…; a tool's result answers the first call of
//!   its name in the last turn with calls that has no result yet, because results come in the calls'
//!   order.
//! - Python's client splits a stream with `str.splitlines`, which also splits at U+0085, U+2028 and
//!   U+2029: these are escaped in everything that is written. JSON escapes the others itself.
//! - Arguments that are no JSON object in the end, as those of a call that was cut, are put as text
//!   under the one member `_raw_arguments`: nothing is lost, and no tool takes them for its own.
//! - Go reads JSON keys in any case, and the last of several counts. A key that differs from one of
//!   ours only in its case is refused, so that `MODEL` cannot name another model than `model`.
//!
//! The bodies of the catalogue, built in [`catalog`]:
//! - `GET /api/tags`: `{"models": [{"name", "model", "modified_at", "size", "digest", "details"}]}`,
//!   <https://docs.ollama.com/api/tags>
//! - `POST /api/show` `{"model"}`: `{"details", "model_info", "capabilities", "template", …}`,
//!   <https://docs.ollama.com/api-reference/show-model-details>
//! - `GET /api/ps`: `{"models": [{"name", "expires_at", "size_vram", …}]}`,
//!   <https://docs.ollama.com/api/ps>
//! - `GET /api/version`: `{"version"}`, <https://docs.ollama.com/api-reference/get-version>

pub mod catalog;
pub mod embeddings;
pub mod errand;
pub mod error;
mod history;
pub mod inbound;
mod line;
mod media;
mod messages;
mod options;
mod parameters;
mod parts;
pub mod render;
pub mod request;
pub mod response;
pub mod stream;
