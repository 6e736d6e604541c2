//! The JSON form of behaviours.

use llm_proxy_test_support::{
    Action, ApiError, Behaviour, Body, Framing, Garbage, LineEnd, Point, Reply, Text,
};
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
#[case::default(Behaviour::default())]
#[case::chat(Behaviour::chat("Hello").gzip().write_size(3).delay_ms(5))]
#[case::stream(Behaviour::chat_stream(["Hel", "lo"]).truncate_after_events(3))]
#[case::generated(Behaviour::long_stream(100, 20).line_end(LineEnd::Crlf).without_done())]
#[case::tools(Behaviour::tool_call("f", "{}").framing(Framing::ContentLengthOffBy(-3)))]
#[case::status(Behaviour::status(429).retry_after("7").error_code("x").informational(103))]
#[case::events(Behaviour::sse([json!({"a": 1}), json!("b")]).after_events(1, Action::PauseMs(4)))]
#[case::bomb(Behaviour::gzip_bomb(3).reading_only(4).send_buffer_bytes(9))]
#[case::endless(Behaviour::endless().connection_close())]
#[case::garbage(Behaviour::not_http().after_events(2, Action::Garbage(Garbage::Binary)))]
#[case::error_event(Behaviour::default().error_event_after_events(2).then_close())]
#[case::cut_head(Behaviour::raw("x").fault(Point::HeadBytes(3), Action::HugeEvent(7)))]
fn a_behaviour_survives_json(#[case] behaviour: Behaviour) {
    let text = serde_json::to_string(&behaviour).unwrap();
    assert_eq!(serde_json::from_str::<Behaviour>(&text).unwrap(), behaviour);
}

#[rstest]
#[case(json!({}), Behaviour::default())]
#[case(json!({"body": {"chat": {"text": "Hi"}}}), Behaviour::chat("Hi"))]
#[case(json!({"body": {"chat_stream": {"text": {"count": 2, "size": 3}}}}), Behaviour::long_stream(2, 3))]
#[case(json!({"head": {"status": 429, "headers": [["retry-after", "7"]]}}), Behaviour::status(429).retry_after("7"))]
#[case(json!({"faults": [{"at": "before_head", "do": "reset"}]}), Behaviour::reset_before_head())]
#[case(json!({"faults": [{"at": {"events": 3}, "do": "close"}]}), Behaviour::default().truncate_after_events(3))]
#[case(json!({"faults": [{"at": "end", "do": {"pause_ms": 4}}]}), Behaviour::default().fault(Point::End, Action::PauseMs(4)))]
#[case(json!({"faults": [{"at": {"events": 1}, "do": {"error_event": {}}}]}), Behaviour::default().after_events(1, Action::ErrorEvent(ApiError::default())))]
#[case(json!({"body": {"error": {"code": "x"}}}), Behaviour::default().error_code("x"))]
#[case(json!({"body": {"sse": {"events": ["a", {"event": "e", "data": 1}]}}, "sse": {"done": false}}), named_event())]
fn the_documented_form_is_read(#[case] json: Value, #[case] behaviour: Behaviour) {
    assert_eq!(serde_json::from_value::<Behaviour>(json).unwrap(), behaviour);
}

fn named_event() -> Behaviour {
    use llm_proxy_test_support::{Sse, SseEvent};
    let named = SseEvent::Named { event: "e".into(), data: json!(1) };
    let events = vec![SseEvent::Data(json!("a")), named];
    Behaviour::from_body(Body::Sse(Sse { events })).without_done()
}

#[rstest]
#[case::field(json!({"hed": {}}))]
#[case::inner_field(json!({"head": {"state": 200}}))]
#[case::fault(json!({"faults": [{"at": "before_head", "do": "explode"}]}))]
#[case::reply(json!({"body": {"chat": {"txt": "x"}}}))]
#[case::text(json!({"body": {"chat": {"text": {"count": 1, "size": 2, "x": 3}}}}))]
fn what_is_not_known_is_refused(#[case] json: Value) {
    assert!(serde_json::from_value::<Behaviour>(json).is_err());
}

#[test]
fn the_example_in_the_documentation_is_right() {
    let source = include_str!("../src/behaviour/mod.rs");
    let example = source.split("//! ```").nth(1).unwrap().strip_prefix("json").unwrap();
    let json: String = example.lines().map(|line| line.trim_start_matches("//!")).collect();
    let behaviour: Behaviour = serde_json::from_str(&json).unwrap();
    let text = Some(Text::Pieces(vec!["Hel".into(), "lo".into()]));
    assert_eq!(behaviour.body, Body::ChatStream(Reply { text, ..Reply::default() }));
}
