use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::error::Kind;

fn notice(request_id: &str) -> Notice {
    let event = NoticeEvent::Failover { from: "a".into(), to: "b".into(), reason: "upstream_timeout".into() };
    Notice { event, request_id: request_id.into(), model: "m".into() }
}

/// A hub that has told `count` notices, and the id of the first.
fn told(count: usize) -> (Notices, u64) {
    let notices = Notices::new();
    let first = notices.publish(&notice("0")).id;
    for number in 1..count {
        notices.publish(&notice(&number.to_string()));
    }
    (notices, first)
}

/// Everything that a listener is told without waiting.
fn heard(subscription: &mut Subscription) -> Vec<Told> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(told)) = subscription.poll_next(&mut cx) {
        all.push(told);
    }
    all
}

fn ids(told: &[Told]) -> Vec<u64> {
    let id = |told: &Told| match told {
        Told::Notice(published) => Some(published.id),
        Told::Gap { .. } | Told::Dropped => None,
    };
    told.iter().filter_map(id).collect()
}

#[test]
fn a_notice_is_one_object_with_its_time() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_999);
    assert_eq!(
        &*written(&notice("r"), at),
        r#"{"type":"failover","from":"a","to":"b","reason":"upstream_timeout","request_id":"r","model":"m","at":"2023-11-14T22:13:20.250Z"}"#
    );
}

#[test]
fn every_listener_hears_what_comes_from_now_on_once_and_in_order() {
    let (notices, _) = told(3);
    let mut listeners = [notices.subscribe(None), notices.subscribe(None)];
    let published = [notices.publish(&notice("x")), notices.publish(&notice("y"))];
    for listener in &mut listeners {
        assert_eq!(heard(listener), published.clone().map(Told::Notice));
        assert_eq!(heard(listener), []);
    }
    assert_eq!(published[0].id + 1, published[1].id);
}

#[rstest]
#[case::some(3, vec![4, 5])]
#[case::none(5, vec![])]
#[case::all(-1, vec![0, 1, 2, 3, 4, 5])]
fn one_that_comes_back_hears_what_it_has_missed(#[case] after: i64, #[case] expected: Vec<u64>) {
    let (notices, first) = told(6);
    let told = heard(&mut notices.subscribe(first.checked_add_signed(after)));
    assert_eq!(ids(&told), expected.iter().map(|id| first + id).collect::<Vec<_>>());
    assert_eq!(told.len(), expected.len(), "and nothing else");
}

#[test]
fn one_that_comes_back_too_late_is_told_how_many_are_gone() {
    let (notices, first) = told(KEPT + 7);
    let told = heard(&mut notices.subscribe(Some(first + 1)));
    assert_eq!(told[0], Told::Gap { missed: Some(5) });
    assert_eq!(ids(&told), (first + 7..first + 7 + KEPT as u64).collect::<Vec<_>>());
}

#[rstest]
#[case::from_an_earlier_life(-1000)]
#[case::from_the_future(1000)]
fn one_that_comes_with_an_id_of_another_life_is_told_all_and_that_some_may_be_missing(#[case] away: i64) {
    let (notices, first) = told(2);
    let told = heard(&mut notices.subscribe(first.checked_add_signed(away)));
    assert_eq!(told[0], Told::Gap { missed: None });
    assert_eq!(ids(&told), [first, first + 1]);
}

#[test]
fn one_that_is_too_slow_is_dropped_and_told_so() {
    let (notices, _) = told(1);
    let mut slow = notices.subscribe(None);
    for _ in 0..=KEPT {
        notices.publish(&notice("r"));
    }
    assert_eq!(heard(&mut slow), [Told::Dropped]);
    let ended = slow.poll_next(&mut Context::from_waker(Waker::noop()));
    assert_eq!(ended, Poll::Ready(None));
}

#[test]
fn one_that_takes_all_in_time_is_not_dropped() {
    let (notices, _) = told(1);
    let mut listener = notices.subscribe(None);
    for _ in 0..3 * KEPT {
        let published = notices.publish(&notice("r"));
        assert_eq!(heard(&mut listener), [Told::Notice(published)]);
    }
}

#[tokio::test]
async fn one_that_waits_is_woken() {
    let notices = Notices::new();
    let mut listener = notices.subscribe(None);
    let waiting = tokio::spawn(async move { listener.next().await });
    tokio::task::yield_now().await;
    let published = notices.publish(&notice("r"));
    let told = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert_eq!(told.expect("woken in time").expect("not panicked"), Some(Told::Notice(published)));
}

#[test]
fn a_listener_that_has_gone_leaves_nothing_behind() {
    let notices = Notices::new();
    for _ in 0..10 {
        assert_eq!(heard(&mut notices.subscribe(None)), []);
    }
    let (_, listening) = notices.ring.lock().push("outage", "{}".into());
    assert_eq!(listening.len(), 0);
}

#[test]
fn a_request_takes_its_own_notices_once() {
    let (notices, heard) = (Notices::new(), Heard::default());
    assert!(heard.is_empty());
    let published = notices.publish(&notice("r"));
    let of_the_stream = heard.clone();
    heard.push(Arc::clone(&published));
    assert!(!of_the_stream.is_empty());
    assert_eq!(of_the_stream.take_all(), [published]);
    assert!(heard.is_empty());
}

#[rstest]
#[case::as_comments(NoticeForm::Comment, ": notice {\"a\":1}\n\n: notice {\"b\":2}\n\n")]
#[case::as_events(NoticeForm::Event, "event: notice\ndata: {\"a\":1}\n\nevent: notice\ndata: {\"b\":2}\n\n")]
fn notices_are_written_into_a_stream(#[case] form: NoticeForm, #[case] expected: &str) {
    let published = |json: &str| Arc::new(Published { id: 1, json: json.into(), name: "retry" });
    assert_eq!(rendered(form, &[published(r#"{"a":1}"#), published(r#"{"b":2}"#)]), expected);
    assert!(rendered(form, &[]).is_empty());
}

#[rstest]
#[case::no_header(None, None)]
#[case::none(Some("none"), None)]
#[case::comments(Some("comment"), Some(NoticeForm::Comment))]
#[case::events(Some("event"), Some(NoticeForm::Event))]
fn the_header_says_in_which_form(#[case] header: Option<&str>, #[case] expected: Option<NoticeForm>) {
    assert_eq!(NoticeForm::parse(header.map(str::as_bytes)), Ok(expected));
}

#[rstest]
#[case::empty("")]
#[case::unknown("yes")]
#[case::in_capitals("EVENT")]
fn another_header_is_a_fault_of_the_caller_that_names_it(#[case] header: &str) {
    let error = NoticeForm::parse(Some(header.as_bytes())).expect_err("refused");
    assert_eq!(error.kind(), Kind::InvalidRequest);
    assert_eq!(error.param(), Some("x-llm-proxy-notices"));
}
