//! `llm-proxy watch`: a line a notice where its output is no terminal, and a view where it is one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use llm_proxy_test_support::{Behaviour, FaultUpstream, refused_url};
use rstest::rstest;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{InputModes, LocalModes, OutputModes, Winsize, tcgetattr, tcsetwinsize};

use crate::harness::{CHAT, ConfigFile, KEY, TestService, chat, fill, post, wait_for};

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

/// A terminal: the end that shows, and the end for the program.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size).unwrap();
    (ours.into(), theirs)
}

/// What a terminal does with keys and lines.
fn modes(terminal: &File) -> (InputModes, OutputModes, LocalModes) {
    let modes = tcgetattr(terminal).unwrap();
    (modes.input_modes, modes.output_modes, modes.local_modes)
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
async fn what_happens_in_a_real_service_is_told() {
    let upstream = FaultUpstream::start();
    upstream.default_behaviour(Behaviour::status(500));
    let yaml = "model_list:
- {model_name: m, litellm_params: {model: openai/alone, api_base: UPSTREAM/v1, api_key: k}}";
    let file = ConfigFile::yaml(fill(yaml, &upstream));
    let service =
        TestService::start(|vars| vars.native(file).set("RETRY_ATTEMPTS", 2).set("RETRY_BASE_MS", 1));
    let watch = Watch::at(&service);
    watch.says("listening").await;
    service.ask(&post(CHAT, chat("m")).id("the-request")).await;
    let notices = watch.notices(2).await;
    assert!(notices[0].contains(" retry     m openai/alone, attempt 2 of 2 in "), "{notices:?}");
    assert!(notices[1].contains(" outage    m nobody is left to ask"), "{notices:?}");
    assert!(notices.iter().all(|line| line.ends_with("request=the-request") && !line.contains('\u{1b}')));
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

#[rstest]
#[case::q(Some("q"))]
#[case::ctrl_c(Some("\x03"))]
#[case::sigterm(None)]
#[actix_web::test]
async fn a_terminal_is_left_as_it_was_found(#[case] key: Option<&str>) {
    let service = TestService::mock();
    let (mut ours, theirs) = terminal();
    let before = modes(&theirs);
    let shown = keep_bytes(ours.try_clone().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-proxy"));
    command.env_clear().args(["watch", "--url", &service.url(""), "--key", KEY]);
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let shows = |what: &'static str| {
        let shown = Arc::clone(&shown);
        wait_for(what, move || text(&shown).contains(what).then_some(()))
    };
    shows("listening").await;
    assert_ne!(modes(&theirs), before);
    match key {
        Some(key) => ours.write_all(key.as_bytes()).unwrap(),
        None => {
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        }
    }
    let ended = wait_for("the end", || child.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
    assert_eq!(modes(&theirs), before);
    shows("\u{1b}[?1049l").await;
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned()
}

fn keep_bytes(mut from: File) -> Arc<Mutex<Vec<u8>>> {
    let bytes = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&bytes);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            kept.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    });
    bytes
}
