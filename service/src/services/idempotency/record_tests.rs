use super::*;
use futures_util::FutureExt;
use futures_util::future::poll_fn;
use rstest::rstest;

const LAG: usize = 4 * WINDOW_BYTES;

fn open() -> (Arc<Record>, Listener, Ledger) {
    let ledger = Ledger::default();
    let listener = Record::open("r-1", ClientFormat::Openai, LAG, &ledger, 0);
    (Arc::clone(listener.record()), listener, ledger)
}

/// What is there to be read at once, and whether that is all that will ever come.
fn read(listener: &mut Listener) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    loop {
        match poll_fn(|cx| listener.poll_next(cx)).now_or_never() {
            Some(Some(bytes)) => all.extend_from_slice(&bytes),
            Some(None) => return (all, true),
            None => return (all, false),
        }
    }
}

fn goes_on(record: &Record) -> bool {
    poll_fn(|cx| record.poll_room(cx)).now_or_never().is_some()
}

fn window() -> Bytes {
    Bytes::from(vec![b'x'; WINDOW_BYTES])
}

#[test]
fn all_who_listen_read_the_same_whenever_they_came() {
    let (record, mut first, _) = open();
    record.push(Bytes::from_static(b"a"), &[]);
    assert_eq!(read(&mut first), (b"a".to_vec(), false));
    let mut second = record.listen().expect("kept");
    record.push(Bytes::from_static(b"b"), &[]);
    record.end(End::Complete);
    let mut third = record.listen().expect("kept");
    assert_eq!(read(&mut first), (b"b".to_vec(), true));
    assert_eq!(read(&mut second), (b"ab".to_vec(), true));
    assert_eq!(read(&mut third), (b"ab".to_vec(), true));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_the_head_by_bytes_and_by_the_end() {
    let (record, mut listener, _) = open();
    let reading = tokio::spawn(async move {
        let begun = listener.begun().await.is_ok();
        let mut all = Vec::new();
        while let Some(bytes) = poll_fn(|cx| listener.poll_next(cx)).await {
            all.extend_from_slice(&bytes);
        }
        (begun, all)
    });
    tokio::task::yield_now().await;
    record.begin(Ok(Arc::new(Head { by: None, headers: Vec::new(), whole_len: None })));
    tokio::task::yield_now().await;
    record.push(Bytes::from_static(b"a"), &[]);
    tokio::task::yield_now().await;
    record.end(End::Complete);
    assert_eq!(reading.await.expect("no panic"), (true, b"a".to_vec()));
}

#[test]
fn a_failure_before_the_head_is_everybodys() {
    let (record, first, _) = open();
    let second = record.listen().expect("kept");
    record.begin(Err(Arc::new(Error::new(Kind::RateLimited, "slow down").into())));
    for listener in [first, second] {
        let failed = listener.begun().now_or_never().expect("known").expect_err("a failure");
        assert_eq!(failed.error.kind(), Kind::RateLimited);
    }
}

#[rstest]
#[case::nothing(0, Some("data: a\nid: 1\n\ndata: b\nid: 2\n\n"))]
#[case::one_event(1, Some("data: b\nid: 2\n\n"))]
#[case::all(2, Some(""))]
#[case::more_than_there_are(3, None)]
fn who_had_events_goes_on_behind_them(#[case] had: usize, #[case] rest: Option<&str>) {
    let (record, mut listener, _) = open();
    record.push(Bytes::from_static(b"data: a\nid: 1\n\ndata: b\nid: 2\n\n"), &[15, 30]);
    let skipped = listener.skip(had);
    assert_eq!(skipped.is_ok(), rest.is_some());
    assert_eq!(skipped.err().and_then(|error| error.param().map(str::to_owned)).is_some(), rest.is_none());
    if let Some(rest) = rest {
        assert_eq!(read(&mut listener).0, rest.as_bytes());
    }
}

#[test]
fn an_answer_that_is_kept_waits_for_nobody() {
    let (record, mut listener, _) = open();
    for _ in 0..8 {
        assert!(goes_on(&record));
        record.push(window(), &[]);
    }
    assert_eq!(read(&mut listener).0.len(), 8 * WINDOW_BYTES);
}

#[test]
fn an_answer_that_is_not_kept_waits_for_its_reader_and_holds_what_is_not_read() {
    let (record, mut listener, ledger) = open();
    record.push(window(), &[]);
    record.forget();
    assert!(!goes_on(&record));
    assert!(record.listen().is_none());
    assert_eq!(read(&mut listener).0.len(), WINDOW_BYTES);
    assert!(goes_on(&record));
    assert_eq!(ledger.load(Ordering::Relaxed), RECORD_OVERHEAD_BYTES);
}

#[tokio::test(start_paused = true)]
async fn the_driver_that_waits_is_woken_when_its_only_reader_leaves() {
    let (record, listener, _) = open();
    record.push(window(), &[]);
    record.forget();
    let room = tokio::spawn(async move { poll_fn(|cx| record.poll_room(cx)).await });
    tokio::task::yield_now().await;
    assert!(!room.is_finished());
    drop(listener);
    room.await.expect("no panic");
}

#[test]
fn the_fastest_reader_sets_the_pace_and_who_is_too_far_behind_it_is_told() {
    let (record, mut fast, ledger) = open();
    let mut slow = record.listen().expect("kept");
    record.forget();
    for _ in 0..10 {
        assert!(goes_on(&record));
        record.push(window(), &[]);
        assert_eq!(read(&mut fast).0.len(), WINDOW_BYTES);
    }
    assert!(ledger.load(Ordering::Relaxed) <= LAG + 2 * WINDOW_BYTES);
    let (told, is_over) = read(&mut slow);
    assert!(is_over);
    assert!(String::from_utf8_lossy(&told).contains("idempotency_answer_not_kept"));
}

#[test]
fn what_a_record_holds_is_given_back_with_it() {
    let (record, listener, ledger) = open();
    record.push(Bytes::from_static(b"abc"), &[3]);
    assert_eq!(ledger.load(Ordering::Relaxed), record.charged());
    assert!(record.charged() > RECORD_OVERHEAD_BYTES + 3);
    drop((record, listener));
    assert_eq!(ledger.load(Ordering::Relaxed), 0);
}
