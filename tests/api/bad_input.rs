//! What callers get wrong, or do wrong on purpose: a 4xx in the envelope that names the fault, quickly,
//! and nothing of it reaches an upstream or another caller.

use std::io::Write;
use std::time::{Duration, Instant};

use llm_proxy_test_support::FaultUpstream;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, Client, QUICKLY, Request, SOON, TestService, Variables, chat, get, post, streamed,
};

const COMPLETIONS: &str = "/v1/completions";
const EMBEDDINGS: &str = "/v1/embeddings";

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn set(change: impl FnOnce(Variables) -> Variables) -> Self {
        let upstream = FaultUpstream::start();
        let service = TestService::start(|vars| change(vars.before(&upstream)));
        Self { upstream, service }
    }

    fn usual() -> Self {
        Self::set(|vars| vars)
    }

    /// The answer to these bytes on a connection of their own; the rest of the rules with it.
    async fn refuses(&self, bytes: &[u8]) -> Answer {
        let mut client = self.service.connect().await;
        // It may have heard enough before it has heard all.
        let _refused_early = client.try_send(bytes).await;
        let answer = client.answer().await;
        // Megabytes take their time, in a build for tests.
        let limit = if bytes.len() > 1 << 20 { 5 * QUICKLY } else { QUICKLY };
        assert!(answer.took < limit, "{:?}", answer.took);
        assert!((400..500).contains(&answer.status), "{}", answer.raw);
        self.goes_on().await;
        answer
    }

    async fn goes_on(&self) {
        assert!(self.upstream.requests().is_empty(), "it reached the upstream");
        self.service.assert_serves().await;
    }
}

/// Refused by what is in the body.
#[rstest]
#[case::nothing(CHAT, "", "invalid_json", None)]
#[case::white_space(CHAT, " \n", "invalid_json", None)]
#[case::no_json(CHAT, "hello", "invalid_json", None)]
#[case::half_a_json(CHAT, r#"{"messages":[{"role":"user","#, "invalid_json", None)]
#[case::a_form(CHAT, "model=m&messages=x", "invalid_json", None)]
#[case::more_behind_it(CHAT, r#"{"messages":[{"role":"user","content":"x"}]} {"a":1}"#, "invalid_json", None)]
#[case::a_comma_too_many(CHAT, r#"{"messages":[{"role":"user","content":"x"}],}"#, "invalid_json", None)]
#[case::single_quotes(CHAT, "{'messages':[]}", "invalid_json", None)]
#[case::a_comment(CHAT, "{/* x */\"messages\":[]}", "invalid_json", None)]
#[case::not_a_number(
    CHAT,
    r#"{"temperature":NaN,"messages":[{"role":"user","content":"x"}]}"#,
    "invalid_json",
    None
)]
#[case::a_line_end_in_a_string(
    CHAT,
    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\nb\"}]}",
    "invalid_json",
    None
)]
#[case::a_byte_order_mark(
    CHAT,
    "\u{feff}{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
    "invalid_json",
    None
)]
#[case::a_list(CHAT, r#"[{"messages":[]}]"#, "not_an_object", None)]
#[case::a_text(CHAT, r#""messages""#, "not_an_object", None)]
#[case::a_number(CHAT, "5", "not_an_object", None)]
#[case::null(CHAT, "null", "not_an_object", None)]
#[case::no_messages(CHAT, r#"{"model":"m"}"#, "missing_required_parameter", Some("messages"))]
#[case::nothing_in_it(CHAT, "{}", "missing_required_parameter", Some("messages"))]
#[case::empty_messages(CHAT, r#"{"messages":[]}"#, "empty", Some("messages"))]
#[case::messages_a_text(CHAT, r#"{"messages":"hello"}"#, "wrong_type", Some("messages"))]
#[case::messages_an_object(CHAT, r#"{"messages":{"role":"user"}}"#, "wrong_type", Some("messages"))]
#[case::messages_a_number(CHAT, r#"{"messages":7}"#, "wrong_type", Some("messages"))]
#[case::messages_true(CHAT, r#"{"messages":true}"#, "wrong_type", Some("messages"))]
#[case::messages_null(CHAT, r#"{"messages":null}"#, "wrong_type", Some("messages"))]
#[case::a_message_a_text(CHAT, r#"{"messages":["hello"]}"#, "wrong_type", Some("messages[0]"))]
#[case::a_message_null(
    CHAT,
    r#"{"messages":[{"role":"user","content":"x"},null]}"#,
    "wrong_type",
    Some("messages[1]")
)]
#[case::no_role(
    CHAT,
    r#"{"messages":[{"content":"x"}]}"#,
    "missing_required_parameter",
    Some("messages[0].role")
)]
#[case::an_unknown_role(
    CHAT,
    r#"{"messages":[{"role":"wizard","content":"x"}]}"#,
    "invalid_value",
    Some("messages[0].role")
)]
#[case::a_role_a_number(
    CHAT,
    r#"{"messages":[{"role":1,"content":"x"}]}"#,
    "wrong_type",
    Some("messages[0].role")
)]
#[case::content_a_number(
    CHAT,
    r#"{"messages":[{"role":"user","content":5}]}"#,
    "wrong_type",
    Some("messages[0].content")
)]
#[case::content_an_object(
    CHAT,
    r#"{"messages":[{"role":"user","content":{}}]}"#,
    "wrong_type",
    Some("messages[0].content")
)]
#[case::model_a_number(
    CHAT,
    r#"{"model":5,"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("model")
)]
#[case::model_a_list(
    CHAT,
    r#"{"model":["a"],"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("model")
)]
#[case::stream_a_text(
    CHAT,
    r#"{"stream":"yes","messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("stream")
)]
#[case::stream_a_number(
    CHAT,
    r#"{"stream":1,"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("stream")
)]
#[case::temperature_a_text(
    CHAT,
    r#"{"temperature":"hot","messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("temperature")
)]
#[case::top_p_a_text(
    CHAT,
    r#"{"top_p":"1","messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("top_p")
)]
#[case::n_a_text(CHAT, r#"{"n":"2","messages":[{"role":"user","content":"x"}]}"#, "wrong_type", Some("n"))]
#[case::max_tokens_a_list(
    CHAT,
    r#"{"max_tokens":[5],"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("max_tokens")
)]
#[case::tools_an_object(
    CHAT,
    r#"{"tools":{},"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("tools")
)]
#[case::options_a_text(
    CHAT,
    r#"{"stream_options":"x","messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("stream_options")
)]
#[case::usage_a_text(
    CHAT,
    r#"{"stream_options":{"include_usage":"x"},"messages":[{"role":"user","content":"x"}]}"#,
    "wrong_type",
    Some("stream_options.include_usage")
)]
#[case::two_models(
    CHAT,
    r#"{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}"#,
    "duplicate_key",
    Some("model")
)]
#[case::two_models_one_escaped(
    CHAT,
    r#"{"model":"a","mod\u0065l":"b","messages":[{"role":"user","content":"x"}]}"#,
    "duplicate_key",
    Some("model")
)]
#[case::two_messages(
    CHAT,
    r#"{"messages":[{"role":"user","content":"x"}],"messages":[{"role":"user","content":"y"}]}"#,
    "duplicate_key",
    Some("messages")
)]
#[case::two_streams(
    CHAT,
    r#"{"stream":false,"stream":true,"messages":[{"role":"user","content":"x"}]}"#,
    "duplicate_key",
    Some("stream")
)]
#[case::two_of_an_unknown(
    CHAT,
    r#"{"x":1,"x":2,"messages":[{"role":"user","content":"x"}]}"#,
    "duplicate_key",
    Some("x")
)]
#[case::two_roles(
    CHAT,
    r#"{"messages":[{"role":"user","role":"system","content":"x"}]}"#,
    "duplicate_key",
    Some("role")
)]
#[case::two_contents(
    CHAT,
    r#"{"messages":[{"role":"user","content":"x","content":"y"}]}"#,
    "duplicate_key",
    Some("content")
)]
#[case::a_lone_surrogate(
    CHAT,
    r#"{"model":"\ud800","messages":[{"role":"user","content":"x"}]}"#,
    "invalid_json",
    None
)]
#[case::no_prompt(COMPLETIONS, r#"{"model":"m"}"#, "missing_required_parameter", Some("prompt"))]
#[case::prompt_a_number(COMPLETIONS, r#"{"prompt":5}"#, "wrong_type", Some("prompt"))]
#[case::prompt_null(COMPLETIONS, r#"{"prompt":null}"#, "wrong_type", Some("prompt"))]
#[case::no_input(EMBEDDINGS, r#"{"model":"m"}"#, "missing_required_parameter", Some("input"))]
#[case::an_empty_input(EMBEDDINGS, r#"{"input":[]}"#, "empty", Some("input"))]
#[case::input_an_object(EMBEDDINGS, r#"{"input":{}}"#, "wrong_type", Some("input"))]
#[actix_web::test]
async fn a_body_that_cannot_be_served_is_400(
    #[case] path: &str,
    #[case] body: &str,
    #[case] code: &str,
    #[case] param: Option<&str>,
) {
    let scene = Scene::usual();
    let error = scene.refuses(&post(path, body).bytes()).await.assert_refused(400);
    assert_eq!((error.code.as_str(), error.param.as_deref()), (code, param), "{}", error.message);
    assert_eq!(error.kind, "invalid_request_error");
    let named = param.is_none_or(|param| error.message.contains(param));
    assert!(named, "{}", error.message);
    // Not even a usage record: nothing was asked of anybody.
    assert!(scene.service.lines.records("usage").is_empty());
}

#[rstest]
#[case::in_a_text(b"{\"messages\":[{\"role\":\"user\",\"content\":\"a\xffb\"}]}")]
#[case::in_a_key(b"{\"a\xff\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")]
#[case::cut_in_a_character(b"{\"messages\":[{\"role\":\"user\",\"content\":\"\xe6\x97\"}]}")]
#[case::an_encoded_surrogate(b"{\"messages\":[{\"role\":\"user\",\"content\":\"\xed\xa0\x80\"}]}")]
#[case::utf16(b"\xff\xfe{\x00}\x00")]
#[actix_web::test]
async fn a_body_that_is_no_utf8_is_400(#[case] body: &[u8]) {
    let answer = Scene::usual().refuses(&post(CHAT, body.to_vec()).bytes()).await;
    assert_eq!(answer.assert_refused(400).code, "invalid_utf8");
}

#[rstest]
#[case::lists("[", "]")]
#[case::objects("{\"a\":", "}")]
#[actix_web::test]
async fn a_body_nested_ten_thousand_deep_is_400(
    #[case] open: &str,
    #[case] close: &str,
    #[values("x", "tools", "messages", "stream_options")] member: &str,
    #[values(true, false)] closed: bool,
) {
    let close = if closed { close.repeat(10_000) } else { String::new() };
    let nested = format!("{}1{close}", open.repeat(10_000));
    let body = format!("{{\"{member}\":{nested},\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}");
    let answer = Scene::usual().refuses(&post(CHAT, body.as_str()).bytes()).await;
    assert_eq!(answer.assert_refused(400).code, "nested_too_deeply");
}

/// Brackets in a text are a text.
#[actix_web::test]
async fn a_text_of_ten_thousand_brackets_is_no_nesting() {
    let text = "[{\\\"".repeat(10_000);
    let body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}");
    let scene = Scene::usual();
    assert_eq!(scene.service.ask(&post(CHAT, body.as_str())).await.status, 200);
}

/// The limits of a parser, tried in the time of a request.
#[rstest]
#[case::a_hundred_thousand_members({ let members: Vec<_> = (0..100_000).map(|n| format!("\"k{n}\":1")).collect(); format!("{{{}}}", members.join(",")) })]
#[case::a_hundred_thousand_messages(format!("{{\"messages\":[{}5]}}", "{\"role\":\"user\",\"content\":\"\"},".repeat(100_000)))]
#[case::a_number_of_a_million_digits(format!("{{\"temperature\":{}}}", "9".repeat(1_000_000)))]
#[case::a_key_of_a_mebibyte(format!("{{\"{}\":1}}", "k".repeat(1 << 20)))]
#[actix_web::test]
async fn a_body_that_is_hard_to_read_is_refused_quickly(#[case] body: String) {
    let answer = Scene::usual().refuses(&post(CHAT, body.as_str()).bytes()).await;
    answer.assert_refused(400);
    assert!(answer.body.len() < 3000, "{}", answer.body.len());
}

fn typed(content_type: &str) -> Request {
    post(CHAT, chat("m")).without("content-type").header("content-type", content_type)
}

#[rstest]
#[case::text("text/plain")]
#[case::a_form("application/x-www-form-urlencoded")]
#[case::multipart("multipart/form-data; boundary=x")]
#[case::xml("application/xml")]
#[case::nearly("application/jsonp")]
#[case::nonsense("json")]
#[actix_web::test]
async fn another_content_type_is_415(#[case] content_type: &str) {
    let answer = Scene::usual().refuses(&typed(content_type).bytes()).await;
    let error = answer.assert_refused(415);
    assert_eq!(
        (error.code.as_str(), error.param.as_deref()),
        ("unsupported_media_type", Some("content-type"))
    );
}

#[rstest]
#[case::json("application/json")]
#[case::with_a_charset("application/json; charset=utf-8")]
#[case::in_capitals("Application/JSON")]
#[case::a_dialect("application/vnd.api+json")]
#[actix_web::test]
async fn json_by_any_name_is_taken(#[case] content_type: &str) {
    let scene = Scene::usual();
    assert_eq!(scene.service.ask(&typed(content_type)).await.status, 200);
    let unnamed = post(CHAT, chat("m")).without("content-type");
    assert_eq!(scene.service.ask(&unnamed).await.status, 200);
}

#[rstest]
#[case::gzip("gzip")]
#[case::brotli("br")]
#[case::twice("gzip, gzip")]
#[actix_web::test]
async fn a_compressed_body_is_415(#[case] coding: &str) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(chat("m").to_string().as_bytes()).unwrap();
    let request = post(CHAT, encoder.finish().unwrap()).header("content-encoding", coding);
    let error = Scene::usual().refuses(&request.bytes()).await.assert_refused(415);
    assert_eq!(error.code, "unsupported_content_encoding");
}

/// 17 MiB that become 17 GiB; never inflated.
#[actix_web::test]
async fn a_bomb_is_415() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    (0..10).for_each(|_| encoder.write_all(&zeros).unwrap());
    let bomb = encoder.finish().unwrap();
    let request = post(CHAT, bomb.repeat(20)).header("content-encoding", "gzip");
    Scene::usual().refuses(&request.bytes()).await.assert_refused(415);
}

const SEVENTEEN_MIB: usize = 17 << 20;

#[rstest]
#[case::with_its_length(false)]
#[case::in_chunks(true)]
#[actix_web::test]
async fn a_body_of_17_mib_is_413(#[case] chunked: bool) {
    let body =
        format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}", "x".repeat(SEVENTEEN_MIB));
    let request = post(CHAT, body.as_str());
    let request = if chunked { request.chunked() } else { request };
    let answer = Scene::usual().refuses(&request.bytes()).await;
    assert_eq!(answer.assert_refused(413).code, "payload_too_large");
}

/// It is known from the head: nothing of the body need be sent.
#[actix_web::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_is_sent() {
    let scene = Scene::usual();
    let head = post(CHAT, "").head_with(&format!("content-length: {SEVENTEEN_MIB}\r\n"));
    scene.refuses(&head).await.assert_refused(413);
    let head = post(CHAT, "").head_with("content-length: 18446744073709551615\r\n");
    scene.refuses(&head).await.assert_refused(413);
}

#[actix_web::test]
async fn a_body_that_grows_too_large_is_refused_before_it_ends() {
    let scene = Scene::set(|vars| vars.set("MAX_BODY_BYTES", 4096));
    let mut client = scene.service.connect().await;
    client.send(post(CHAT, "").head_with("transfer-encoding: chunked\r\n")).await;
    client.send([b"1001\r\n".to_vec(), vec![b' '; 4097], b"\r\n".to_vec()].concat()).await;
    client.answer().await.assert_refused(413);
    scene.goes_on().await;
}

#[rstest]
#[case::with_its_length(false)]
#[case::in_chunks(true)]
#[actix_web::test]
async fn a_body_of_just_the_limit_is_taken(#[case] chunked: bool) {
    let scene = Scene::set(|vars| vars.set("MAX_BODY_BYTES", 4096));
    let mut body = chat("m").to_string().into_bytes();
    body.resize(4096, b' ');
    for (more, status) in [(0, 200), (1, 413)] {
        body.resize(4096 + more, b' ');
        let request = post(CHAT, body.clone());
        let request = if chunked { request.chunked() } else { request };
        assert_eq!(scene.service.ask(&request).await.status, status);
    }
}

#[rstest]
#[case::whole(chat("m"))]
#[case::streamed(streamed("m"))]
#[actix_web::test]
async fn http_1_0_is_served_without_chunks(#[case] body: Value) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    let answer = client.ask(&post(CHAT, &body).version("HTTP/1.0")).await;
    assert_eq!((answer.status, answer.complete), (200, true));
    assert_eq!(answer.header("transfer-encoding"), None);
    assert!(client.is_closed_within(SOON).await);
    if body["stream"] == true {
        assert!(answer.events().last().unwrap().is_done());
    } else {
        assert!(answer.json()["choices"].is_array());
    }
}

/// Bytes that are no request, or two requests at once to two readers.
#[rstest]
#[case::two_framings(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::two_framings_the_other_way(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    400
)]
#[case::two_lengths(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    400
)]
#[case::a_length_with_a_sign(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\nhello",
    400
)]
#[case::a_negative_length(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\nhello",
    400
)]
#[case::a_length_in_words(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: five\r\n\r\nhello",
    400
)]
#[case::a_length_beyond_numbers(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\nhello",
    400
)]
#[case::two_codings(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::another_coding(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nx",
    400
)]
#[case::chunked_but_not_last(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    400
)]
#[case::chunked_by_another_name(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::chunks_in_http_1_0(
    "POST /v1/chat/completions HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::no_length_in_http_1_0("POST /v1/chat/completions HTTP/1.0\r\nhost: x\r\n\r\n{}", 400)]
#[case::no_host("GET /health HTTP/1.1\r\n\r\n", 400)]
#[case::a_space_before_the_colon("GET /health HTTP/1.1\r\nhost : x\r\n\r\n", 400)]
#[case::no_colon("GET /health HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n", 400)]
#[case::a_name_with_a_space("GET /health HTTP/1.1\r\nhost: x\r\nbad name: x\r\n\r\n", 400)]
#[case::an_empty_name("GET /health HTTP/1.1\r\nhost: x\r\n: x\r\n\r\n", 400)]
#[case::a_folded_header("GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c\r\n\r\n", 400)]
#[case::a_zero_in_a_header("GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n", 400)]
#[case::a_carriage_return_in_a_header("GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n", 400)]
#[case::another_version("GET /health HTTP/9.9\r\nhost: x\r\n\r\n", 400)]
#[case::http_2("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400)]
#[case::no_version("GET /health\r\nhost: x\r\n\r\n", 400)]
#[case::no_path("GET  HTTP/1.1\r\nhost: x\r\n\r\n", 400)]
#[case::a_space_in_the_path("GET /he alth HTTP/1.1\r\nhost: x\r\n\r\n", 400)]
#[case::no_method("/health HTTP/1.1\r\nhost: x\r\n\r\n", 400)]
#[case::nonsense("hello\r\n\r\n", 400)]
#[case::tls("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03\r\n\r\n", 400)]
#[case::zeros("\0\0\0\0\0\0\0\0\r\n\r\n", 400)]
#[actix_web::test]
async fn what_is_no_http_is_refused_in_the_envelope(#[case] bytes: &str, #[case] status: u16) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    client.send(bytes).await;
    let answer = client.answer().await;
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
    assert_eq!(answer.error().kind, "invalid_request_error");
    assert_eq!((answer.status, answer.complete), (status, true), "{}", answer.raw);
    // Where a request ends is not known: nothing behind it may be taken for one.
    assert!(client.is_closed_within(QUICKLY).await);
    scene.goes_on().await;
}

#[rstest]
#[case::a_broken_head("GET /health HTTP/1.1\r\nno colon\r\n\r\n")]
#[case::two_framings(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
)]
#[actix_web::test]
async fn what_is_no_http_gets_an_id_as_well(#[case] bytes: &str) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    client.send(bytes).await;
    assert!(!client.answer().await.id().is_empty());
}

/// Line feeds alone may end lines (RFC 9112, 2.2), or be refused; they must not mean two things.
#[rstest]
#[case::a_get("GET /health/live HTTP/1.1\nhost: x\n\n")]
#[case::mixed("GET /health/live HTTP/1.1\r\nhost: x\n\r\n")]
#[case::a_hidden_header(
    "GET /health/live HTTP/1.1\r\nhost: x\r\nx-a: b\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
)]
#[actix_web::test]
async fn bare_line_feeds_end_lines_or_are_refused(#[case] bytes: &str) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    client.send(bytes).await;
    let answer = client.answer().await;
    assert!(answer.took < QUICKLY);
    if answer.status == 200 {
        let next = get("/health/live").id("the-next-one");
        let answer = client.ask(&next).await;
        assert_eq!((answer.status, answer.id()), (200, "the-next-one"));
    } else {
        answer.assert_refused(400);
    }
    scene.goes_on().await;
}

#[rstest]
#[case::no_size("zz\r\n{}\r\n0\r\n\r\n")]
#[case::a_negative_size("-2\r\n{}\r\n0\r\n\r\n")]
#[case::a_size_beyond_numbers("fffffffffffffffff\r\n{}\r\n0\r\n\r\n")]
#[case::more_than_its_size("1\r\n{}\r\n0\r\n\r\n")]
#[case::a_hex_prefix("0x2\r\n{}\r\n0\r\n\r\n")]
#[actix_web::test]
async fn broken_chunks_are_400(#[case] chunks: &str) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    let head = post(CHAT, "").head_with("transfer-encoding: chunked\r\n");
    client.send([&head, chunks.as_bytes()].concat()).await;
    let answer = client.answer().await;
    answer.assert_refused(400);
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
    assert!(client.is_closed_within(QUICKLY).await);
    scene.goes_on().await;
}

/// The classic: a request inside what one of two readers takes for a body.
#[actix_web::test]
async fn a_smuggled_request_is_not_served() {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    let smuggled = String::from_utf8(get("/v1/models").id("smuggled").bytes()).unwrap();
    let framing = format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", smuggled.len() + 5);
    let head = post(CHAT, "").head_with(&framing);
    client.send([&head, b"0\r\n\r\n".as_slice(), smuggled.as_bytes()].concat()).await;
    assert_eq!(client.answer().await.status, 400);
    assert!(client.is_closed_within(QUICKLY).await);
    scene.goes_on().await;
    let lines = scene.service.lines.text();
    assert!(!lines.contains("smuggled"), "{lines}");
}

#[rstest]
#[case::one_of_200_kib(get("/health").header("x-big", vec![b'x'; 200 << 10]))]
#[case::many_of_1_kib((0..200).fold(get("/health"), |r, n| r.header(&format!("x-{n}"), vec![b'x'; 1 << 10])))]
#[case::a_path_of_200_kib(get(&format!("/health?{}", "x".repeat(200 << 10))))]
#[actix_web::test]
async fn a_head_that_is_too_large_is_431(#[case] request: Request) {
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    let _refused_early = client.try_send(request.bytes()).await;
    let answer = client.answer().await;
    assert!([400, 414, 431].contains(&answer.status), "{}", answer.raw);
    assert_eq!(answer.error().kind, "invalid_request_error");
    scene.goes_on().await;
}

#[actix_web::test]
async fn a_head_of_too_many_headers_is_refused() {
    let request = (0..200).fold(get("/health"), |r, n| r.header(&format!("x-{n}"), "x"));
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    client.send(request.bytes()).await;
    let answer = client.answer().await;
    assert!([400, 431].contains(&answer.status), "{}", answer.raw);
    assert_eq!(answer.error().kind, "invalid_request_error");
    scene.goes_on().await;
}

/// The server's clock for heads goes in steps of half a second.
const HEADER_TIMEOUT: Duration = Duration::from_millis(1200);
const STEP: Duration = Duration::from_millis(600);

const BODY_TIMEOUT: Duration = Duration::from_millis(400);

/// A connection on which nothing more is expected is closed within this time.
const CLOSING: Duration = Duration::from_secs(3);

fn hurried() -> Scene {
    Scene::set(|vars| {
        let vars = vars.set("HEADER_TIMEOUT_S", HEADER_TIMEOUT.as_secs_f64());
        vars.set("BODY_TIMEOUT_S", BODY_TIMEOUT.as_secs_f64())
    })
}

/// Fails unless the answer is 408 in the envelope, after the limit and not much later.
fn assert_too_slow(answer: &Answer, since: Instant, limit: Duration) {
    let took = since.elapsed();
    assert_eq!(answer.status, 408, "{}", answer.raw);
    let earliest = if limit == HEADER_TIMEOUT { limit - STEP } else { limit };
    assert!(took + Duration::from_millis(10) >= earliest && took < limit + 2 * QUICKLY, "{took:?}");
    let error = answer.error();
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("request_timeout", "invalid_request_error"));
}

#[rstest]
#[case::a_part_of_its_first_line("GET /hea")]
#[case::all_but_its_end("GET /health HTTP/1.1\r\nhost: x\r\n")]
#[actix_web::test]
async fn a_slow_head_is_408(#[case] part: &str) {
    let scene = hurried();
    let started = Instant::now();
    let mut client = scene.service.connect().await;
    client.send(part).await;
    assert_too_slow(&client.answer().await, started, HEADER_TIMEOUT);
    assert!(client.is_closed_within(CLOSING).await);
    scene.goes_on().await;
}

/// Every byte is a sign of life, and no reason to wait for ever.
#[actix_web::test]
async fn a_head_that_trickles_is_408() {
    let scene = hurried();
    let started = Instant::now();
    let mut client = scene.service.connect().await;
    let head = "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned() + &"1".repeat(100);
    for byte in head.bytes() {
        if client.try_send([byte]).await.is_err() || started.elapsed() > 2 * HEADER_TIMEOUT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_too_slow(&client.answer().await, started, HEADER_TIMEOUT);
    scene.goes_on().await;
}

/// It costs a descriptor, and nobody has said anything: it is closed without a word, or with 408.
#[actix_web::test]
async fn a_connection_that_says_nothing_is_closed() {
    let scene = hurried();
    let mut client = scene.service.connect().await;
    assert!(client.is_closed_within(CLOSING).await);
}

#[rstest]
#[case::of_known_length(false)]
#[case::in_chunks(true)]
#[actix_web::test]
async fn a_slow_body_is_408(#[case] chunked: bool) {
    let scene = hurried();
    let request = post(CHAT, chat("m"));
    let bytes = if chunked { request.chunked() } else { request }.bytes();
    let started = Instant::now();
    let mut client = scene.service.connect().await;
    client.send(&bytes[..bytes.len() - 10]).await;
    let answer = client.answer().await;
    assert_too_slow(&answer, started, BODY_TIMEOUT);
    answer.assert_refused(408);
    assert!(client.is_closed_within(CLOSING).await);
    scene.goes_on().await;
}

/// Whoever is turned away in the middle of a body must not hold the connection with the rest of it.
#[rstest]
#[case::for_its_key(post(CHAT, chat("m")).without_key(), 401)]
#[case::for_its_type(post(CHAT, chat("m")).header("content-encoding", "br"), 415)]
#[case::for_its_path(post("/nowhere", chat("m")), 404)]
#[actix_web::test]
async fn a_body_that_nobody_wants_is_not_listened_to_for_ever(
    #[case] request: Request,
    #[case] status: u16,
    #[values(false, true)] chunked: bool,
) {
    let scene = hurried();
    let bytes = if chunked { request.chunked() } else { request }.bytes();
    let mut client = scene.service.connect().await;
    client.send(&bytes[..bytes.len() - 10]).await;
    client.answer().await.assert_refused(status);
    assert!(client.is_closed_within(CLOSING).await);
}

#[actix_web::test]
async fn a_body_that_trickles_is_408() {
    let scene = hurried();
    let bytes = post(CHAT, chat("m")).bytes();
    let started = Instant::now();
    let mut client = scene.service.connect().await;
    let (head, body) = bytes.split_at(bytes.len() - 60);
    client.send(head).await;
    for byte in body {
        if client.try_send([*byte]).await.is_err() || started.elapsed() > 2 * BODY_TIMEOUT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_too_slow(&client.answer().await, started, BODY_TIMEOUT);
    scene.goes_on().await;
}

/// A client that takes its time within the limits is served.
#[actix_web::test]
async fn a_request_in_small_pieces_is_served() {
    let scene = Scene::usual();
    let mut client: Client = scene.service.connect().await;
    for piece in post(CHAT, chat("m")).bytes().chunks(16) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.status, 200);
}

#[actix_web::test]
async fn an_idle_connection_between_two_requests_is_not_a_slow_head() {
    let scene = hurried();
    let mut client = scene.service.connect().await;
    assert_eq!(client.ask(&get("/health")).await.status, 200);
    assert!(client.is_silent_for(HEADER_TIMEOUT + STEP).await);
    assert_eq!(client.ask(&get("/health")).await.status, 200);
}

#[actix_web::test]
async fn a_body_that_ends_early_is_refused_or_dropped() {
    let scene = Scene::usual();
    let bytes = post(CHAT, chat("m")).bytes();
    let mut client = scene.service.connect().await;
    client.send(&bytes[..bytes.len() - 10]).await;
    client.half_close().await;
    if let Some(answer) = client.try_answer().await {
        answer.assert_refused(400);
    }
    scene.goes_on().await;
}

/// The server reads what follows such a head as another protocol, to the connection's end.
#[rstest]
#[case::in_small_letters("websocket")]
#[case::in_capitals("WebSocket")]
#[actix_web::test]
async fn a_wish_for_a_websocket_is_refused(#[case] protocol: &str) {
    let request = post(CHAT, chat("m")).header("upgrade", protocol).header("connection", "upgrade");
    Scene::usual().refuses(&request.bytes()).await.assert_refused(400);
}

/// Java's client wishes for HTTP/2 in its first request, and is content with HTTP/1.1.
#[actix_web::test]
async fn a_wish_for_http_2_is_passed_over() {
    let request = post(CHAT, chat("m")).header("connection", "Upgrade, HTTP2-Settings");
    let request =
        request.header("upgrade", "h2c").header("http2-settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA");
    let scene = Scene::usual();
    let mut client = scene.service.connect().await;
    let answer = client.ask(&request).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(scene.service.ask(&post(CHAT, chat("m"))).await.status, 200);
}

#[actix_web::test]
async fn an_expectation_that_cannot_be_met_does_not_hang() {
    let scene = Scene::usual();
    let request = post(CHAT, chat("m")).header("expect", "the-impossible");
    let answer = scene.service.ask(&request).await;
    assert!([200, 400, 417].contains(&answer.status), "{}", answer.raw);
}

#[rstest]
#[case::an_empty_name(json!({"model": "", "messages": [{"role": "user", "content": "x"}]}))]
#[case::a_very_long_name(json!({"model": "m".repeat(100_000), "messages": [{"role": "user", "content": "x"}]}))]
#[case::line_ends(json!({"model": "a\r\nset-cookie: x=1", "messages": [{"role": "user", "content": "x"}]}))]
#[case::a_label(json!({"model": "a\",end=\"complete", "messages": [{"role": "user", "content": "x"}]}))]
#[actix_web::test]
async fn a_strange_model_name_breaks_neither_log_nor_metrics(#[case] body: Value) {
    let scene = Scene::usual();
    let answer = scene.service.ask(&post(CHAT, body)).await;
    assert!([200, 400].contains(&answer.status));
    assert_eq!(answer.header("set-cookie"), None);
    // Both are read whole; what cannot be read panics there.
    assert_eq!(scene.service.access(answer.id()).await["path"], CHAT);
    assert!(!scene.service.metrics().await.samples.is_empty());
}
