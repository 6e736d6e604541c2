use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use super::super::client::Event;
use super::*;

const SIZE: (usize, usize) = (200, 20);

fn event(name: &str, data: serde_json::Value) -> Heard {
    Heard::Event(Event { id: None, name: name.to_owned(), data: data.to_string() })
}

fn retry(request_id: &str) -> Heard {
    let data = json!({"endpoint": "a", "attempt": 2, "of": 3, "wait_ms": 2000, "reason": "upstream_timeout",
        "request_id": request_id, "model": "m", "at": "2026-07-01T12:00:00.250Z"});
    event("retry", data)
}

fn view() -> View {
    View::new("http://127.0.0.1:8002".to_owned())
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| line.iter().map(|span| &*span.text).collect::<String>().trim_end().to_owned())
        .collect()
}

/// The tone of the span that begins with `text`.
fn tone_of(lines: &[Line], text: &str) -> Tone {
    let span = lines.iter().flatten().find(|span| span.text.starts_with(text));
    span.unwrap_or_else(|| panic!("{text} is not in {:#?}", texts(lines))).tone
}

#[rstest]
#[case::at_once(0, "░░░░░░░░░░░░░░░░░░░░  in 2.0 s")]
#[case::after_a_quarter(500, "█████░░░░░░░░░░░░░░░  in 1.5 s")]
#[case::shortly_before_the_end(1990, "████████████████████  in 10 ms")]
#[case::after_it(2000, "after 2.0 s")]
fn the_bar_of_a_retry_fills_while_its_wait_passes(#[case] waited_ms: u64, #[case] expected: &str) {
    let (mut view, now) = (view(), Instant::now());
    view.hear(retry("r"), now);
    let lines = view.lines(now + Duration::from_millis(waited_ms), SIZE);
    let expected = format!("12:00:00  retry      m  a, attempt 2 of 3  {expected}  upstream_timeout");
    assert_eq!(texts(&lines)[3], expected);
    assert_eq!(tone_of(&lines, "retry"), Tone::Yellow);
}

#[test]
fn a_wait_is_over_when_there_is_news_of_its_request() {
    let (mut view, now) = (view(), Instant::now());
    view.hear(retry("of another"), now);
    view.hear(retry("r"), now);
    view.hear(event("recovered", json!({"request_id": "r", "endpoint": "a", "attempts": 2})), now);
    let bars: Vec<_> = texts(&view.lines(now, SIZE)).iter().map(|line| line.contains('░')).collect();
    assert_eq!(bars[3..6], [false, false, true], "the newest stands first");
}

#[rstest]
#[case::a_failover("failover", Tone::Turquoise)]
#[case::a_seam("continued", Tone::Turquoise)]
#[case::a_recovery("recovered", Tone::Green)]
#[case::an_outage("outage", Tone::Red)]
#[case::what_a_newer_service_tells("hedged", Tone::Plain)]
fn a_notice_has_its_colour(#[case] name: &str, #[case] tone: Tone) {
    let (mut view, now) = (view(), Instant::now());
    view.hear(event(name, json!({})), now);
    assert_eq!(tone_of(&view.lines(now, SIZE), name), tone);
}

#[test]
fn endpoints_are_a_table() {
    let mut view = view();
    let health = json!({
        "azure-eu": {"state": "healthy", "success_rate": 0.9985, "requests": 1204, "in_flight": 3,
            "consecutive_failures": 0, "latency_ms": {"p50": 420.4, "p95": 1210}, "new": [1]},
        "mistral": {"state": "open", "success_rate": 0, "requests": 12, "in_flight": 0, "consecutive_failures": 12,
            "latency_ms": {"p50": null, "p95": null}, "probes_at": "2026-07-01T12:02:00Z"},
        "http://proxy:3128": {"proxy": "proxy:3128", "state": "failing", "endpoints": ["mistral"],
            "consecutive_failures": 4},
        "a newer one": {"state": "asleep"},
        "no endpoint": 1,
    });
    view.examine(Ok(Endpoint::all(&health)));
    let lines = view.lines(Instant::now(), SIZE);
    let expected = [
        "ENDPOINT           STATE     SUCCESS  REQUESTS  IN FLIGHT      P50      P95  FAILURES",
        "azure-eu           healthy    99.9 %      1204          3   420 ms    1.2 s         0",
        "mistral            open        0.0 %        12          0        –        –        12  until 12:02:00",
        "http://proxy:3128  failing         –         –          –        –        –         4",
        "a newer one        asleep          –         –          –        –        –         –",
    ];
    assert_eq!(texts(&lines)[2..7], expected);
    assert_eq!((tone_of(&lines, "healthy"), tone_of(&lines, "open")), (Tone::Green, Tone::Red));
    assert_eq!(tone_of(&lines, "failing"), Tone::Red);
}

#[test]
fn endpoints_stay_as_they_were_while_the_service_is_away() {
    let mut view = view();
    view.examine(Ok(Endpoint::all(&json!({"a": {"state": "healthy"}}))));
    view.examine(Err("refused".to_owned()));
    view.hear(Heard::Lost("refused".to_owned()), Instant::now());
    let lines = texts(&view.lines(Instant::now(), SIZE));
    assert!(lines[0].contains("away: refused"), "{lines:?}");
    assert!(lines[3].starts_with("a ") && lines[4] == "endpoints: refused", "{lines:?}");
    view.hear(Heard::Connected, Instant::now());
    assert_eq!(tone_of(&view.lines(Instant::now(), SIZE), "listening"), Tone::Green);
}

#[rstest]
#[case::small((20, 5))]
#[case::one_line((200, 1))]
#[case::nothing((0, 0))]
fn what_does_not_fit_is_cut_off(#[case] size: (usize, usize)) {
    let (mut view, now) = (view(), Instant::now());
    for _ in 0..50 {
        view.hear(retry("r"), now);
    }
    let lines = view.lines(now, size);
    assert_eq!(lines.len(), size.1);
    assert!(texts(&lines).iter().all(|line| line.chars().count() <= size.0));
}

#[test]
fn old_notices_are_forgotten() {
    let (mut view, now) = (view(), Instant::now());
    for _ in 0..2 * KEPT {
        view.hear(retry("r"), now);
    }
    assert_eq!(view.notices.len(), KEPT);
}
