//! A stream of plain text that breaks off is continued by the next endpoint of its route, if the caller
//! wants that and the endpoint's vendor says how; else it ends honestly.

use llm_proxy_test_support::{Behaviour, FaultUpstream};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{
    Answer, CHAT, ConfigFile, Event, OpenAiError, Request, TestService, fill, post, streamed, text_of,
    wait_for,
};

const TWO: &str = "
model_list:
- {model_name: m, litellm_params: {model: openai/first, api_base: UPSTREAM/v1, api_key: k, order: 1}}
- {model_name: m, litellm_params: {model: hosted_vllm/second, api_base: UPSTREAM/v1, api_key: k, order: 2}}
litellm_settings: {num_retries: 0}
";

/// The role, four pieces, the finish, the usage, `[DONE]`.
fn hello() -> Behaviour {
    Behaviour::chat_stream(["You ", "all ", "are ", "here"])
}

struct Scene {
    upstream: FaultUpstream,
    service: TestService,
}

impl Scene {
    fn new(yaml: &str, first: Behaviour) -> Self {
        let upstream = FaultUpstream::start();
        upstream.on("first", first);
        upstream.on("second", Behaviour::chat_stream(["there, ", "too"]));
        let service = TestService::start(|vars| vars.native(ConfigFile::yaml(fill(yaml, &upstream))));
        Self { upstream, service }
    }

    async fn ask(&self, request: Request) -> Answer {
        self.service.ask(&request).await
    }

    /// The records of a request, in the order in which they were written.
    async fn records(&self, answer: &Answer, count: usize) -> Vec<Value> {
        wait_for("the records", || {
            let records = self.service.lines.records("usage").into_iter();
            let records: Vec<Value> = records.filter(|record| record["request_id"] == answer.id()).collect();
            (records.len() == count).then_some(records)
        })
        .await
    }
}

fn continued(body: Value) -> Request {
    post(CHAT, body).header("x-llm-proxy-continue", "true")
}

/// The text of a whole stream.
fn whole(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = answer.events();
    assert!(events.last().is_some_and(Event::is_done), "{}", answer.text());
    text_of(&events)
}

/// The error that a stream ended with.
fn broken(answer: &Answer) -> OpenAiError {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = answer.events();
    assert!(!events.iter().any(Event::is_done), "{}", answer.text());
    OpenAiError::read(&events.last().expect("an event").json())
}

#[rstest]
#[case::cut(hello().truncate_after_events(3))]
#[case::reset(hello().gap_ms(5).reset_after_events(3))]
#[case::ended_without_done(hello().clean_end_after_events(3))]
#[case::an_error_event(hello().error_event_after_events(3))]
#[actix_web::test]
async fn the_next_endpoint_goes_on_from_the_text_so_far(#[case] first: Behaviour) {
    let scene = Scene::new(TWO, first);
    let answer = scene.ask(continued(streamed("m"))).await;
    assert_eq!(whole(&answer), "You all there, too");
    let chunks: Vec<Value> =
        answer.events().iter().filter(|event| !event.is_done()).map(Event::json).collect();
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]), "{}", answer.text());
    let roles = chunks.iter().filter(|chunk| chunk["choices"][0]["delta"]["role"].is_string()).count();
    assert_eq!(roles, 1, "{}", answer.text());
    let asked = scene.upstream.requests().pop().expect("a request").json();
    assert_eq!(
        asked["messages"].as_array().unwrap().last(),
        Some(&json!({"role": "assistant", "content": "You all"}))
    );
    assert_eq!((&asked["continue_final_message"], &asked["model"]), (&json!(true), &json!("second")));
}

#[rstest]
#[actix_web::test]
async fn both_parts_have_their_own_record(#[values(2, 3, 4, 5)] events: usize) {
    let scene = Scene::new(TWO, hello().truncate_after_events(events));
    let answer = scene.ask(continued(streamed("m"))).await;
    let said = ["You ", "all ", "are ", "here"][..events - 1].concat();
    assert_eq!(whole(&answer), format!("{said}there, too"));
    let records = scene.records(&answer, 2).await;
    let told: Vec<_> = records.iter().map(|r| (&r["endpoint"], &r["end"], &r["provenance"])).collect();
    assert_eq!(
        told,
        [
            (&json!("openai/first"), &json!("truncated"), &json!("counted")),
            (&json!("hosted_vllm/second"), &json!("complete"), &json!("reported")),
        ]
    );
    assert_eq!(records[0]["completion_tokens"], events - 1);
}

#[actix_web::test]
async fn the_seam_is_marked_by_a_notice() {
    let scene = Scene::new(TWO, hello().truncate_after_events(3));
    let answer = scene.ask(continued(streamed("m")).header("x-llm-proxy-notices", "comment")).await;
    let text = answer.text();
    let notice = text.find(r#": notice {"type":"continued","from":"openai/first","to":"hosted_vllm/second""#);
    let (before, behind) = (text.find("all ").unwrap(), text.find("there, ").unwrap());
    assert!(notice.is_some_and(|at| before < at && at < behind), "{text}");
}

#[actix_web::test]
async fn without_the_callers_wish_the_stream_ends_honestly() {
    let scene = Scene::new(TWO, hello().truncate_after_events(3));
    let answer = scene.ask(post(CHAT, streamed("m"))).await;
    assert_eq!(broken(&answer).code, "stream_truncated");
    assert_eq!(scene.upstream.requests().len(), 1);
}

#[actix_web::test]
async fn an_operator_may_wish_it_for_an_endpoint_and_the_caller_may_not() {
    let yaml = TWO.replace("order: 1}", "order: 1}, llm_proxy: {continue_streams: true}");
    let scene = Scene::new(&yaml, hello().truncate_after_events(3));
    assert_eq!(whole(&scene.ask(post(CHAT, streamed("m"))).await), "You all there, too");
    let unwanted = post(CHAT, streamed("m")).header("x-llm-proxy-continue", "false");
    assert_eq!(broken(&scene.ask(unwanted).await).code, "stream_truncated");
}

#[actix_web::test]
async fn an_endpoint_whose_vendor_documents_no_way_is_not_asked() {
    let scene = Scene::new(&TWO.replace("hosted_vllm/", "openai/"), hello().truncate_after_events(3));
    let answer = scene.ask(continued(streamed("m"))).await;
    assert_eq!(broken(&answer).code, "stream_truncated");
    assert_eq!(scene.upstream.requests().len(), 1);
}

#[rstest]
#[case::json_mode(json!({"response_format": {"type": "json_object"}}))]
#[case::logprobs(json!({"logprobs": true}))]
#[case::several_choices(json!({"n": 2}))]
#[actix_web::test]
async fn what_is_no_plain_text_is_not_continued(#[case] members: Value) {
    let scene = Scene::new(TWO, hello().truncate_after_events(3));
    let mut body = streamed("m");
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let answer = scene.ask(continued(body)).await;
    assert_eq!(broken(&answer).code, "stream_truncated");
    assert_eq!(scene.upstream.requests().len(), 1);
}

#[actix_web::test]
async fn a_tool_call_that_breaks_off_is_not_continued() {
    let scene =
        Scene::new(TWO, Behaviour::tool_call("look", "{\"where\": \"here\"}").truncate_after_events(3));
    let answer = scene.ask(continued(streamed("m"))).await;
    assert_eq!(broken(&answer).code, "stream_truncated");
    assert_eq!(scene.upstream.requests().len(), 1);
}

#[actix_web::test]
async fn where_the_next_endpoint_fails_as_well_the_first_failure_is_told() {
    let scene = Scene::new(TWO, hello().truncate_after_events(3));
    scene.upstream.on("second", Behaviour::status(503));
    let answer = scene.ask(continued(streamed("m"))).await;
    assert_eq!(broken(&answer).code, "stream_truncated");
    let records = scene.records(&answer, 2).await;
    assert_eq!((&records[0]["end"], &records[1]["end"]), (&json!("truncated"), &json!("failed")));
}

#[actix_web::test]
async fn another_value_than_true_or_false_is_refused() {
    let scene = Scene::new(TWO, hello());
    let answer = scene.ask(post(CHAT, streamed("m")).header("x-llm-proxy-continue", "perhaps")).await;
    assert_eq!(answer.assert_refused(400).param.as_deref(), Some("x-llm-proxy-continue"));
}
