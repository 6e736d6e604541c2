use std::sync::Arc;

use super::*;
use crate::ports::LineSink;
use parking_lot::Mutex;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::LocalSet;

/// What was recorded, a JSON object a line.
#[derive(Default)]
struct Lines(Mutex<Vec<Value>>);

impl LineSink for Lines {
    fn write_line(&self, line: &[u8]) {
        self.0.lock().push(serde_json::from_slice(line).expect("a JSON line"));
    }
}

impl Lines {
    fn usage(&self) -> Option<Value> {
        self.0.lock().iter().find(|line| line["target"] == "usage").cloned()
    }
}

fn settings() -> Settings {
    let mock = [("LLM_MODE", "mock"), ("MOCK_DELAY_MS", "0"), ("RETRY_ATTEMPTS", "1")];
    let variables = mock.into_iter().chain([("LOG_FORMAT", "json")]);
    let variables = variables.map(|(name, value)| (format!("LLM_PROXY__{name}"), value.to_owned()));
    Settings::from_variables(variables).expect("settings")
}

/// Runs `test` where nothing but a thread's tokio and a `LocalSet` is there.
fn in_process<T>(test: impl AsyncFnOnce(InProcess, Arc<Lines>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().enable_io().build();
    let lines = Arc::new(Lines::default());
    LocalSet::new().block_on(&runtime.expect("a runtime"), async {
        let settings = settings();
        let sink = Arc::clone(&lines) as Arc<dyn LineSink>;
        let service = InProcess::start(&settings, Source::of(&settings), Some(sink)).await;
        test(service.expect("a service"), lines).await
    })
}

fn get(path: &str) -> http::Request<Bytes> {
    http::Request::get(path).body(Bytes::new()).expect("a request")
}

fn chat(body: &Value) -> http::Request<Bytes> {
    let request = http::Request::post("/v1/chat/completions").header("x-request-id", "r-1");
    request.body(body.to_string().into()).expect("a request")
}

fn saying_hello(stream: bool) -> Value {
    json!({"model": "mock", "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
}

async fn json_of(mut body: Body) -> Value {
    let mut all = Vec::new();
    while let Some(chunk) = body.chunk().await {
        all.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&all).expect("JSON")
}

#[test]
fn a_whole_answer_comes_with_its_headers() {
    in_process(async |service, _| {
        let answer = service.call(chat(&saying_hello(false))).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-request-id"], "r-1");
        assert_eq!(answer.headers()["x-llm-proxy-endpoint"], "mock");
        let body = json_of(answer.into_body()).await;
        assert_eq!(body["choices"][0]["message"]["content"], "You said: hello");
    });
}

#[test]
fn a_stream_comes_chunk_by_chunk_and_ends() {
    let chunks = in_process(async |service, _| {
        let mut body = service.call(chat(&saying_hello(true))).await.into_body();
        let mut chunks = Vec::new();
        while let Some(chunk) = body.chunk().await {
            chunks.push(String::from_utf8(chunk.to_vec()).expect("UTF-8"));
        }
        assert_eq!(body.chunk().await, None);
        chunks
    });
    assert!(chunks.len() > 2, "{chunks:?}");
    assert!(chunks[0].starts_with("data: {"), "{chunks:?}");
    assert!(chunks.concat().ends_with("data: [DONE]\n\n"), "{chunks:?}");
}

#[rstest]
#[case::of_a_body(chat(&json!({"model": 1})), 400, "model")]
#[case::of_an_upstream(chat(&json!({"model": "mock-error-429", "messages": [{"role": "user", "content": "a"}]})), 429, "")]
#[case::of_a_path(get("/nowhere"), 404, "")]
fn an_error_is_the_services_own(
    #[case] request: http::Request<Bytes>,
    #[case] status: u16,
    #[case] param: &str,
) {
    in_process(async |service, _| {
        let answer = service.call(request).await;
        assert_eq!(answer.status(), status);
        let error = json_of(answer.into_body()).await["error"].clone();
        assert_eq!(error["param"].as_str().unwrap_or_default(), param, "{error}");
        assert_ne!(error["message"].as_str().unwrap_or_default(), "");
    });
}

#[rstest]
#[case::health("/health")]
#[case::endpoints("/v1/llm/health")]
#[case::models("/v1/models")]
fn a_route_is_open_whatever_key_it_asks_for(#[case] path: &str) {
    in_process(async |service, _| {
        let answer = service.call(get(path)).await;
        assert_eq!(answer.status(), 200);
        assert!(json_of(answer.into_body()).await.is_object());
    });
}

#[test]
fn a_stream_that_is_dropped_is_recorded_as_cancelled() {
    in_process(async |service, lines| {
        let mut body = service.call(chat(&saying_hello(true))).await.into_body();
        assert!(body.chunk().await.is_some());
        assert_eq!(lines.usage(), None);
        drop(body);
        let usage = lines.usage().expect("a record");
        assert_eq!((&usage["end"], &usage["request_id"]), (&"cancelled".into(), &"r-1".into()));
    });
}

#[test]
fn a_call_that_is_dropped_before_its_head_is_recorded_as_cancelled() {
    in_process(async |service, lines| {
        let stalled = json!({"model": "mock-stall", "messages": [{"role": "user", "content": "a"}]});
        let mut call = Box::pin(service.call(chat(&stalled)));
        let mut turns = 0;
        poll_fn(|cx| {
            turns += 1;
            assert!(call.as_mut().poll(cx).is_pending());
            cx.waker().wake_by_ref();
            if turns > 3 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(call);
        assert_eq!(lines.usage().expect("a record")["end"], "cancelled");
    });
}

#[test]
fn its_tasks_end_with_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let settings = settings();
        let service = InProcess::start(&settings, Source::of(&settings), None).await;
        drop(service.expect("a service"));
    });
    // What is left of a set is awaited: a task without an end would keep this for ever.
    let all_over = async { tokio::time::timeout(std::time::Duration::from_secs(10), local).await };
    assert!(runtime.block_on(all_over).is_ok());
}

#[test]
fn signals_stay_the_processs_own() {
    let caught = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask").trim();
        u64::from_str_radix(mask, 16).expect("a number")
    };
    let before = caught();
    in_process(async |service, _| {
        assert_eq!(service.call(get("/health")).await.status(), 200);
        // The watch of the configuration has begun as well.
        tokio::task::yield_now().await;
        assert_eq!(caught(), before);
    });
}

#[test]
fn models_of_a_document_are_served_and_its_mistakes_stop_the_start() {
    in_process(async |_, _| {
        let settings = Settings::from_variables([("LLM_PROXY__LLM_MODE".to_owned(), "native".to_owned())]);
        let settings = settings.expect("settings");
        let start = async |document: &str| {
            InProcess::start(&settings, Source::of_document(&settings, document), None).await
        };
        let one = r#"{"model_list": [{"model_name": "a", "litellm_params": {"model": "ollama/b"}}]}"#;
        let service = start(one).await.expect("a service");
        let models = json_of(service.call(get("/v1/models")).await.into_body()).await;
        assert_eq!(models["data"][0]["id"], "a");
        let line = start(r#"{"model_list": 1}"#).await.err().expect("refused");
        assert!(line.starts_with("model_list: "), "{line}");
    });
}
