use super::*;
use crate::domain::caller::Caller;
use bytes::Bytes;
use rstest::rstest;

const TTL: Duration = Duration::from_secs(600);
const MAX_BYTES: usize = 100 << 10;

fn store() -> Store {
    Store::new(Limits { ttl: TTL, max_bytes: MAX_BYTES })
}

fn key(caller: u8, name: &str) -> Key {
    Key::new(Caller::of_key_hash([caller; 32]), name.as_bytes()).expect("a key")
}

fn asking<'a>(key: &'a Key, asks: &str, events_had: usize) -> Asking<'a> {
    let fingerprint = Fingerprint::of_parts("", asks.as_bytes());
    Asking { key, fingerprint, events_had, request_id: "r", format: ClientFormat::Openai }
}

/// The listener of a request that is to be answered.
fn first(store: &Store, key: &Key, now: Instant) -> Listener {
    match store.place(&asking(key, "a", 0), now) {
        Ok(Place::First(listener)) => listener,
        _ => panic!("no first"),
    }
}

/// Answers a request with so many bytes.
fn answer(store: &Store, name: &str, bytes: usize, now: Instant) {
    let key = key(1, name);
    let listener = first(store, &key, now);
    fill(store, &listener, bytes);
    listener.record().end(End::Complete);
    store.ended(&key, listener.record(), End::Complete, now);
}

fn fill(store: &Store, listener: &Listener, bytes: usize) {
    listener.record().push(Bytes::from(vec![b'x'; bytes]), &[]);
    store.make_room(listener.record());
}

fn place(store: &Store, name: &str, asks: &str, events_had: usize, now: Instant) -> &'static str {
    match store.place(&asking(&key(1, name), asks, events_had), now) {
        Ok(Place::First(_)) => "first",
        Ok(Place::Repeat(_)) => "repeat",
        Err(error) => match (error.status(), error.code()) {
            (422, "idempotency_key_reused") => "reused",
            (409, "idempotency_answer_not_kept") => "not kept",
            (400, "nothing_to_resume") => "nothing to resume",
            _ => panic!("{error}"),
        },
    }
}

#[rstest]
#[case::the_same("a", 0, "repeat")]
#[case::the_rest_of_it("a", 1, "repeat")]
#[case::another_request("b", 0, "reused")]
#[case::the_rest_of_another("b", 1, "reused")]
fn a_running_answer_is_attached_to(#[case] asks: &str, #[case] had: usize, #[case] expected: &str) {
    let (store, now) = (store(), Instant::now());
    let _running = first(&store, &key(1, "k"), now);
    assert_eq!(place(&store, "k", asks, had, now), expected);
}

#[test]
fn another_callers_same_key_is_another_request() {
    let (store, now) = (store(), Instant::now());
    let _running = first(&store, &key(1, "k"), now);
    let other = key(2, "k");
    assert!(matches!(store.place(&asking(&other, "b", 0), now), Ok(Place::First(_))));
}

#[rstest]
#[case::in_time(TTL - Duration::from_secs(1), 0, "repeat")]
#[case::too_late(TTL, 0, "first")]
#[case::too_late_to_resume(TTL, 1, "nothing to resume")]
fn a_complete_answer_grows_old_from_its_end_on(
    #[case] later: Duration,
    #[case] had: usize,
    #[case] expected: &str,
) {
    let (store, now) = (store(), Instant::now());
    answer(&store, "k", 10, now);
    assert_eq!(place(&store, "k", "a", had, now + later), expected);
}

#[test]
fn old_answers_are_dropped_without_being_asked_for() {
    let (store, now) = (store(), Instant::now());
    answer(&store, "k", 10, now);
    store.sweep(now + TTL - Duration::from_secs(1));
    assert!(store.held_bytes() > 0);
    store.sweep(now + TTL);
    assert_eq!(store.held_bytes(), 0);
}

#[rstest]
#[case::asked_again("a", 0, 0, "first")]
#[case::asked_otherwise("b", 0, 0, "first")]
#[case::resumed("a", 1, 0, "repeat")]
#[case::resumed_too_late("a", 1, 60, "nothing to resume")]
fn a_broken_answer_is_for_those_who_had_its_beginning(
    #[case] asks: &str,
    #[case] had: usize,
    #[case] later_s: u64,
    #[case] expected: &str,
) {
    let (store, now) = (store(), Instant::now());
    let listener = first(&store, &key(1, "k"), now);
    listener.record().end(End::Broken);
    store.ended(&key(1, "k"), listener.record(), End::Broken, now);
    assert_eq!(place(&store, "k", asks, had, now + Duration::from_secs(later_s)), expected);
}

#[test]
fn a_request_that_came_to_nothing_is_forgotten() {
    let (store, now) = (store(), Instant::now());
    let failed = first(&store, &key(1, "k"), now);
    store.drop_entry(&key(1, "k"), failed.record());
    assert_eq!(place(&store, "k", "b", 0, now), "first");
}

/// A broken answer was replaced while its end was on its way.
#[test]
fn the_end_of_a_replaced_answer_says_nothing_about_its_successor() {
    let (store, now) = (store(), Instant::now());
    let broken = first(&store, &key(1, "k"), now);
    broken.record().end(End::Broken);
    let _successor = first(&store, &key(1, "k"), now);
    store.ended(&key(1, "k"), broken.record(), End::Broken, now);
    store.drop_entry(&key(1, "k"), broken.record());
    assert_eq!(place(&store, "k", "a", 0, now + 2 * TTL), "repeat");
}

#[test]
fn the_oldest_answers_make_room_for_new_ones() {
    let (store, now) = (store(), Instant::now());
    for n in 0..20 {
        answer(&store, &format!("k-{n}"), 20 << 10, now);
        assert!(store.held_bytes() <= MAX_BYTES);
    }
    assert_eq!(place(&store, "k-19", "a", 0, now), "repeat");
    assert_eq!(place(&store, "k-18", "a", 0, now), "repeat");
    assert_eq!(place(&store, "k-0", "a", 0, now), "first");
}

#[test]
fn an_answer_larger_than_its_share_is_not_kept() {
    let (store, now) = (store(), Instant::now());
    answer(&store, "large", (MAX_BYTES / LARGEST_SHARE) + 1, now);
    assert_eq!(place(&store, "large", "a", 0, now), "not kept");
    assert!(store.held_bytes() < 2048);
    assert_eq!(place(&store, "large", "a", 0, now + TTL), "first");
}

#[test]
fn an_answer_that_is_being_read_is_not_dropped_for_another() {
    let (store, now) = (store(), Instant::now());
    let read = first(&store, &key(1, "read"), now);
    fill(&store, &read, 20 << 10);
    read.record().end(End::Complete);
    store.ended(&key(1, "read"), read.record(), End::Complete, now);
    for n in 0..20 {
        answer(&store, &format!("k-{n}"), 20 << 10, now);
    }
    assert_eq!(place(&store, "read", "a", 0, now), "repeat");
}

#[test]
fn where_running_answers_fill_the_room_another_one_is_not_kept() {
    let (store, now) = (store(), Instant::now());
    let running: Vec<_> = (0..5).map(|n| first(&store, &key(1, &format!("k-{n}")), now)).collect();
    for listener in &running {
        fill(&store, listener, 20 << 10);
    }
    assert_eq!(place(&store, "k-4", "a", 0, now), "not kept");
    assert_eq!(place(&store, "k-0", "a", 0, now), "repeat");
}

/// Ids would mean different events otherwise.
#[test]
fn whoever_had_a_part_of_a_broken_answer_does_not_go_on_with_the_one_after_it() {
    let (store, key, now) = (store(), key(1, "k"), Instant::now());
    let broken = first(&store, &key, now);
    broken.record().push(Bytes::from_static(b"old1old2"), &[4, 8]);
    broken.record().end(End::Broken);
    store.ended(&key, broken.record(), End::Broken, now);
    let anew = first(&store, &key, now);
    anew.record().push(Bytes::from_static(b"new1new2new3"), &[4, 8, 12]);
    assert_eq!(anew.record().last_number(), 5);
    for (number, code) in [
        (1, Some("nothing_to_resume")),
        (2, Some("nothing_to_resume")),
        (3, None),
        (6, Some("unknown_event_id")),
    ] {
        let Ok(Place::Repeat(reader)) = store.place(&asking(&key, "a", number), now) else {
            panic!("no repeat")
        };
        let refused = reader.skip(number).err();
        assert_eq!(refused.as_ref().map(Error::code), code, "{number}");
    }
}
