//! One folder of fixtures, and what the adapters make of it.

use std::cell::OnceCell;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use llm_proxy::adapters::{
    self, Ask, ClientFormat, Expect, Flow, MockTiming, Prepared, Refusal, Render, RenderContext, Timing,
};
use llm_proxy::domain::call::Call;
use llm_proxy::domain::delta::{ChatAnswer, Delta};
use llm_proxy::domain::endpoint::{Deadlines, Endpoint, Provider};
use llm_proxy::domain::envelope::{Envelope, Operation};
use llm_proxy::domain::secret::Secret;
use llm_proxy::error::{Error, Kind, Result};
use llm_proxy::services::translate::Reader;
use serde_json::{Value, json};

const REQUEST_ID: &str = "req-1";

/// A scenario's folder.
pub struct Scenario {
    folder: PathBuf,
    endpoint: Endpoint,
    model: String,
    /// Read once: a stream is read thousands of times.
    expect: OnceCell<Expect>,
}

impl Scenario {
    /// The scenario that `file` belongs to.
    pub fn of(file: &Path) -> Self {
        let folder = file.parent().unwrap().to_owned();
        let provider = folder.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let provider = Provider::ALL.into_iter().find(|known| known.name() == provider).expect("a provider");
        let unusual = read_json(&folder.join("endpoint.json")).unwrap_or_default();
        let text = |name: &str| unusual[name].as_str().map(str::to_owned);
        let url = text("url").unwrap_or_else(|| "https://vendor.test".to_owned());
        let second = Duration::from_secs(1);
        let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
        let mut endpoint = Endpoint::new(provider.name(), provider, url.parse().unwrap(), deadlines);
        endpoint.key = Some(Secret::new("sk-secret-key"));
        endpoint.api_version = text("api_version");
        endpoint.params.drop_unsupported = unusual["drop_params"] == true;
        let model = text("model").unwrap_or_else(|| "upstream-model".to_owned());
        Self { folder, endpoint, model, expect: OnceCell::new() }
    }

    /// The call as a text: the URL, the headers, the body; or the error.
    pub fn call(&self, streamed: bool) -> String {
        let prepared = match self.prepared(streamed) {
            Ok(prepared) => prepared,
            Err(error) => return described(&error),
        };
        let Call::Http(call) = &prepared.call else { panic!("a call over the network") };
        let body: Value = serde_json::from_slice(&call.body).expect("a JSON body");
        let mut text = format!("{} {}\n", call.method, call.uri);
        for (name, value) in &call.headers {
            let value = if value.is_sensitive() { "***" } else { value.to_str().unwrap() };
            writeln!(text, "{name}: {value}").unwrap();
        }
        writeln!(text, "\n{}", serde_json::to_string_pretty(&body).unwrap()).unwrap();
        if prepared.expect.json_tool.is_some() {
            writeln!(text, "\nexpects {:?}", prepared.expect.json_tool).unwrap();
        }
        if !prepared.dropped.is_empty() {
            writeln!(text, "\ndropped {:?}", prepared.dropped).unwrap();
        }
        text
    }

    /// The lines of the call that a stream changes; none where the request is refused either way.
    pub fn call_changes_for_a_stream(&self) -> Option<String> {
        let (whole, streamed) = (self.call(false), self.call(true));
        let changed: Vec<&str> =
            streamed.lines().filter(|line| whole.lines().all(|other| other != *line)).collect();
        (!changed.is_empty()).then(|| changed.join("\n"))
    }

    fn prepared(&self, streamed: bool) -> Result<Prepared> {
        let mut request = read_json(&self.folder.join("request.json")).unwrap_or_else(plain_request);
        let operation = if request.get("input").is_some() { Operation::Embeddings } else { Operation::Chat };
        if streamed {
            request["stream"] = json!(true);
        }
        let body = Bytes::from(request.to_string());
        let envelope = Envelope::parse(operation, &body).expect("an envelope");
        let ask = Ask {
            operation,
            body: &body,
            envelope: &envelope,
            original: None,
            model: &self.model,
            request_id: REQUEST_ID,
            headers: &[],
        };
        adapters::prepare(&self.endpoint, &ask, MockTiming { chunk_delay: Duration::ZERO })
    }

    fn expect(&self) -> &Expect {
        self.expect.get_or_init(|| {
            self.prepared(false)
                .map_or_else(|error| panic!("no request: {error}"), |prepared| prepared.expect)
        })
    }

    fn is_embeddings(&self) -> bool {
        read_json(&self.folder.join("request.json")).is_some_and(|request| request.get("input").is_some())
    }

    /// What the answer that is not streamed says.
    pub fn deltas(&self) -> Result<Vec<Delta>> {
        let body = fs::read(self.folder.join("response.json")).unwrap();
        adapters::answer(&self.endpoint, self.expect(), &body)
    }

    /// The answer as an OpenAI client gets it.
    pub fn rendered_answer(&self) -> String {
        let rendered = if self.is_embeddings() {
            let body = fs::read(self.folder.join("response.json")).unwrap();
            let read = adapters::embeddings(&self.endpoint, &body);
            read.map(|vectors| renderer().embeddings(&vectors, Default::default(), Timing::default()))
        } else {
            self.deltas().map(|deltas| renderer().whole(&ChatAnswer::of(deltas), Timing::default()))
        };
        match rendered {
            Ok(body) => {
                let body: Value = serde_json::from_slice(&body).expect("JSON");
                serde_json::to_string_pretty(&body).unwrap()
            }
            Err(error) => described(&error),
        }
    }

    /// The stream as an OpenAI client gets it, each chunk by what it says.
    pub fn rendered_stream(&self) -> String {
        let (mut deltas, end) = self.read(&[&self.stream()]);
        let (mut renderer, mut out) = (renderer(), Vec::new());
        renderer.deltas(&mut deltas, &mut out);
        match end {
            Ok(()) => renderer.complete(Timing::default(), &mut out),
            Err(error) => out.extend(adapters::error_event(ClientFormat::Openai, &error)),
        }
        String::from_utf8(out).expect("UTF-8").replace("\n\n", "\n")
    }

    /// What the stream says when its bytes come in these parts, and how it ends.
    pub fn read(&self, parts: &[&[u8]]) -> (Vec<Delta>, Result<()>) {
        let mut reader = Reader::new(&self.endpoint, self.expect());
        let mut deltas = Vec::new();
        for part in parts {
            match reader.push(Bytes::copy_from_slice(part), &mut deltas) {
                Ok(Flow::More) => {}
                Ok(Flow::Complete) => return (deltas, Ok(())),
                Err(error) => return (deltas, Err(error)),
            }
        }
        let end = match reader.end(&mut deltas) {
            Ok(Flow::Complete) => Ok(()),
            Ok(Flow::More) => Err(Error::new(Kind::Truncated, "the stream ended before it was complete")),
            Err(error) => Err(error),
        };
        (deltas, end)
    }

    /// What the refusal means.
    pub fn refusal(&self) -> String {
        let refusal = read_json(&self.folder.join("refusal.json")).unwrap();
        let headers = refusal["headers"].as_object().cloned().unwrap_or_default();
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, value.as_str().unwrap().parse().unwrap())
            })
            .collect();
        let body = match &refusal["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let status = refusal["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap();
        let refusal = Refusal { status, headers: &headers, body: body.as_bytes() };
        described(&adapters::refusal(&self.endpoint, &refusal))
    }

    fn stream_path(&self) -> PathBuf {
        ["stream.sse", "stream.ndjson"]
            .map(|name| self.folder.join(name))
            .into_iter()
            .find(|path| path.exists())
            .expect("a stream")
    }

    pub fn has_stream(&self) -> bool {
        ["stream.sse", "stream.ndjson"].iter().any(|name| self.folder.join(name).exists())
    }

    pub fn is_sse(&self) -> bool {
        self.stream_path().extension().is_some_and(|extension| extension == "sse")
    }

    /// The stream's bytes.
    pub fn stream(&self) -> Vec<u8> {
        fs::read(self.stream_path()).unwrap()
    }

    /// Compares with the golden in the scenario's folder.
    pub fn assert_golden(&self, name: &str, text: &str) {
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(&self.folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

fn renderer() -> Box<dyn Render> {
    let context = RenderContext {
        request_id: REQUEST_ID.to_owned(),
        model: "public-model".to_owned(),
        received: Duration::from_secs(1_700_000_000),
        include_usage: true,
        prompt_bytes: 40,
    };
    adapters::renderer(ClientFormat::Openai, context)
}

/// What a scenario without a request of its own asks.
fn plain_request() -> Value {
    json!({"model": "public-model", "messages": [{"role": "user", "content": "Hello"}]})
}

fn read_json(path: &Path) -> Option<Value> {
    let text = fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Everything that an error says, and what follows from it.
fn described(error: &Error) -> String {
    format!(
        "kind: {:?}\nblame: {:?}\nretry: {:?}\nstatus: {}\nretry after: {:?}\n{}",
        error.kind(),
        error.kind().blame(),
        error.kind().retry_safety(),
        error.status(),
        error.retry_after(),
        serde_json::to_string_pretty(&error).unwrap(),
    )
}
