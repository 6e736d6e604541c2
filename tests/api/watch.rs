//! `llm-proxy watch` where its output is no terminal: a line a notice, and word of its connection.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;

use crate::harness::{KEY, TestService, wait_for};

const EVENTS: &str = "/v1/llm/events";

/// The program while it watches.
struct Watch {
    child: Child,
    out: Lines,
    err: Lines,
}

type Lines = Arc<Mutex<Vec<String>>>;

impl Watch {
    fn start(url: &str, key: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-proxy"));
        command.env_clear().current_dir(std::env::temp_dir());
        command.args(["watch", "--url", url, "--key", key]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = keep(child.stdout.take().unwrap());
        let err = keep(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    fn at(service: &TestService) -> Self {
        Self::start(&service.url(""), KEY)
    }

    /// Waits until this was said of the connection.
    async fn says(&self, words: &str) {
        wait_for(words, || said(&self.err).iter().any(|line| line.contains(words)).then_some(())).await;
    }

    /// So many lines of notices, once they are there.
    async fn notices(&self, count: usize) -> Vec<String> {
        wait_for("notices", || Some(said(&self.out)).filter(|lines| lines.len() >= count)).await
    }

    async fn exit_code(&mut self) -> Option<i32> {
        wait_for("the end", || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn said(lines: &Lines) -> Vec<String> {
    lines.lock().unwrap().clone()
}

fn keep(pipe: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let keep = move || BufReader::new(pipe).lines().for_each(|line| kept.lock().unwrap().push(line.unwrap()));
    std::thread::spawn(keep);
    lines
}

/// A service that tells this, and ends the stream.
fn telling(events: &str) -> Behaviour {
    Behaviour::raw(events).content_type("text/event-stream")
}

#[actix_web::test]
async fn a_wrong_key_ends_it_with_one_line() {
    let service = TestService::mock();
    let mut watch = Watch::start(&service.url(""), "wrong");
    assert_eq!(watch.exit_code().await, Some(1));
    watch.says("refuses the key").await;
    assert_eq!((said(&watch.out).len(), said(&watch.err).len()), (0, 1));
}

#[rstest]
#[case::without_the_route(Behaviour::status(404), "answers 404")]
#[case::with_something_else(Behaviour::json(1), "is no stream of events")]
#[actix_web::test]
async fn a_server_that_is_no_llm_proxy_ends_it(#[case] behaviour: Behaviour, #[case] expected: &str) {
    let upstream = FaultUpstream::start();
    upstream.on(EVENTS, behaviour);
    let mut watch = Watch::start(&upstream.url(), KEY);
    assert_eq!(watch.exit_code().await, Some(1));
    watch.says(expected).await;
}

#[actix_web::test]
async fn a_url_that_is_none_ends_it() {
    let mut watch = Watch::start("localhost:8002", KEY);
    assert_eq!(watch.exit_code().await, Some(1));
    watch.says("--url").await;
}

#[actix_web::test]
async fn it_says_that_it_listens_and_when_the_service_goes_away() {
    let mut service = TestService::mock();
    let watch = Watch::at(&service);
    watch.says("listening to http://127.0.0.1:").await;
    let stopped_at = service.stop();
    service.ended(stopped_at).await.result.unwrap();
    watch.says("is away").await;
}

#[actix_web::test]
async fn a_service_that_is_not_there_yet_is_waited_for() {
    let url = refused_url().unwrap();
    let watch = Watch::start(&url, KEY);
    watch.says("is away").await;
    let port = url.rsplit_once(':').unwrap().1.trim_end_matches('/').to_owned();
    let _service = TestService::start(|vars| vars.mock().set("PORT", port));
    watch.says("listening").await;
}

#[actix_web::test]
async fn a_notice_is_a_line_without_escape_codes() {
    let upstream = FaultUpstream::start();
    let failover =
        r#"{"from":"a","to":"b","reason":"connect_timeout","request_id":"r","model":"m","at":"T"}"#;
    upstream.on(EVENTS, telling(&format!("retry: 1\n\nid: 5\nevent: failover\ndata: {failover}\n\n")));
    let watch = Watch::start(&upstream.url(), KEY);
    assert_eq!(watch.notices(1).await, ["T failover  m a → b (connect_timeout) request=r"]);
}

#[actix_web::test]
async fn it_comes_back_with_the_id_that_it_heard_last() {
    let upstream = FaultUpstream::start();
    let told =
        |id: u32| telling(&format!("id: {id}\nevent: outage\ndata: {{}}\n\nevent: gap\ndata: {{}}\n\n"));
    upstream.sequence(EVENTS, [told(5), Behaviour::status(503), told(8), Behaviour::stall_before_head()]);
    let watch = Watch::start(&upstream.url(), KEY);
    assert_eq!(watch.notices(4).await.len(), 4);
    let ids = wait_for("four calls", || {
        let requests = upstream.requests();
        let ids: Vec<_> = requests.iter().map(|r| r.header("last-event-id").map(str::to_owned)).collect();
        (ids.len() >= 4).then_some(ids)
    });
    assert_eq!(ids.await, [None, Some("5".to_owned()), Some("5".to_owned()), Some("8".to_owned())]);
    let away = said(&watch.err).iter().filter(|line| line.contains("is away")).count();
    assert_eq!(away, 2, "each absence is told of once: {:?}", said(&watch.err));
}
