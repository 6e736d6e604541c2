//! Every answer carries an id: the caller's own if it is harmless, and never a piece of an attack.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;

use crate::harness::{CHAT, Request, TestService, Variables, chat, get, post, streamed};

const ID: &str = "0190a7c2-1f2e-7c3a-9d5b-0123456789ab";

fn upstream() -> FaultUpstream {
    let upstream = FaultUpstream::start();
    upstream.on("refused", Behaviour::status(404));
    upstream.on("broken", Behaviour::reset_before_head());
    upstream
}

#[rstest]
#[case::health(get("/health"), 200)]
#[case::models(get("/v1/models"), 200)]
#[case::a_chat(post(CHAT, chat("m")), 200)]
#[case::a_stream(post(CHAT, streamed("m")), 200)]
#[case::no_key(get("/v1/models").without_key(), 401)]
#[case::two_keys(get("/v1/models").header("authorization", "Bearer x"), 400)]
#[case::an_unknown_path(get("/nowhere"), 404)]
#[case::a_wrong_method(get(CHAT), 405)]
#[case::no_json(post(CHAT, "oops"), 400)]
#[case::another_type(post(CHAT, "{}").without("content-type").header("content-type", "text/plain"), 415)]
#[case::too_large(post(CHAT, vec![b' '; 5000]), 413)]
#[case::refused_upstream(post(CHAT, chat("refused")), 404)]
#[case::broken_upstream(post(CHAT, chat("broken")), 502)]
#[actix_web::test]
async fn every_answer_carries_the_callers_id(#[case] request: Request, #[case] status: u16) {
    let upstream = upstream();
    let service = TestService::start(|vars| vars.before(&upstream).set("MAX_BODY_BYTES", 4096));
    let answer = service.ask(&request.clone().id(ID)).await;
    assert_eq!((answer.status, answer.id()), (status, ID));
    let line = service.access(ID).await;
    assert_eq!(line["status"], status);
    let own = service.ask(&request).await;
    assert_eq!(own.status, status);
    assert!(own.id().len() >= 16 && own.id() != ID, "{}", own.id());
}

#[actix_web::test]
async fn two_answers_have_two_ids() {
    let service = TestService::mock();
    let (one, two) = (service.ask(&get("/health")).await, service.ask(&get("/health")).await);
    assert_ne!(one.id(), two.id());
}

#[actix_web::test]
async fn the_id_goes_upstream_and_into_the_record() {
    let upstream = FaultUpstream::start();
    let service = TestService::before(&upstream);
    let answer = service.ask(&post(CHAT, chat("m")).id(ID)).await;
    assert_eq!(answer.status, 200);
    let requests = upstream.requests();
    assert_eq!(requests[0].headers("x-request-id").collect::<Vec<_>>(), [ID]);
    assert_eq!(service.usage(ID).await["request_id"], ID);
}

#[rstest]
#[case::one_letter("x")]
#[case::a_trace("1-67891233-abcdef012345678912345678")]
#[case::as_long_as_may_be(&"a".repeat(128))]
#[actix_web::test]
async fn a_sane_id_is_kept(#[case] id: &str) {
    let service = TestService::start(Variables::mock);
    assert_eq!(service.ask(&get("/health").id(id)).await.id(), id);
}

#[rstest]
#[case::empty(b"")]
#[case::too_long(&[b'a'; 129])]
#[case::far_too_long(&[b'a'; 50_000])]
#[case::a_space(b"a b")]
#[case::a_tab(b"a\tb")]
#[case::json(b"{\"id\":1}")]
#[case::html(b"<script>alert(1)</script>")]
#[case::not_ascii("idé".as_bytes())]
#[case::no_text(b"a\xffb")]
#[case::an_encoded_line_end(b"evil%0d%0aset-cookie:evil=1")]
#[case::a_label(b"evil\",status=\"200")]
#[actix_web::test]
async fn an_insane_id_is_replaced(#[case] id: &[u8]) {
    let service = TestService::mock();
    let answer = service.ask(&get("/health").header("x-request-id", id)).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.id().as_bytes(), id);
    assert!(!answer.raw.contains("evil") && !answer.raw.contains("script"));
    assert!(service.access(answer.id()).await.is_object());
    service.assert_serves().await;
}

#[actix_web::test]
async fn of_two_ids_none_is_taken() {
    let service = TestService::mock();
    let answer = service.ask(&get("/health").id("one").id("two")).await;
    assert!(!["one", "two"].contains(&answer.id()));
}

#[rstest]
#[case::line_feed(b"evil\nset-cookie: evil=1")]
#[case::carriage_return(b"evil\rset-cookie: evil=1")]
#[case::a_whole_line_end(b"evil\r\nset-cookie: evil=1")]
#[case::a_folded_line(b"evil\r\n set-cookie: evil=1")]
#[case::a_zero(b"evil\0set-cookie: evil=1")]
#[case::a_second_head(b"evil\r\n\r\nHTTP/1.1 200 OK\r\nset-cookie: evil=1")]
#[actix_web::test]
async fn an_injected_header_never_comes_back(#[case] id: &[u8]) {
    let service = TestService::mock();
    let mut client = service.connect().await;
    let request = get("/health").header("x-request-id", id);
    client.send(request.bytes()).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("set-cookie"), None);
    assert!(!answer.raw.contains("evil=1"), "{}", answer.raw);
    assert!((200..500).contains(&answer.status));
    service.assert_serves().await;
}
