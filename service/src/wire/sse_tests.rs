use super::*;
use rstest::rstest;

const MAX: usize = 1 << 20;

fn whole_events(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut splitter = Splitter::default();
    let mut found = Vec::new();
    for piece in pieces {
        let whole = splitter.push(Bytes::copy_from_slice(piece), MAX);
        let whole = whole.unwrap_or_default();
        found.extend(events(&whole).map(<[u8]>::to_vec));
    }
    (found, splitter.rest().to_vec())
}

fn data_of(event: &[u8]) -> Option<Vec<u8>> {
    match parse(event) {
        Event::Data { data, .. } => Some(data.into_owned()),
        _ => None,
    }
}

#[rstest]
#[case::lf(b"data: a\n\n: ping\n\ndata: b\ndata: c\n\ndata: [DONE]\n\n")]
#[case::crlf(b"data: a\r\n\r\n: ping\r\n\r\ndata: b\r\ndata: c\r\n\r\ndata: [DONE]\r\n\r\n")]
#[case::bom(b"\xef\xbb\xbfdata: a\n\n: ping\n\ndata: b\ndata: c\n\ndata: [DONE]\n\n")]
#[case::mixed(b"data: a\r\n\r\n: ping\n\ndata: b\rdata: c\n\ndata: [DONE]\n\n")]
fn events_are_the_same_wherever_the_bytes_are_split(#[case] stream: &[u8]) {
    let expected = [&b"a"[..], b"b\nc", b"[DONE]"];
    for at in 0..=stream.len() {
        let (found, rest) = whole_events(&[&stream[..at], &stream[at..]]);
        let data: Vec<_> = found.iter().filter_map(|event| data_of(event)).collect();
        assert_eq!(data, expected, "split at {at}");
        assert_eq!(rest, b"", "split at {at}");
    }
}

#[test]
fn events_are_the_same_byte_by_byte_with_cr_alone() {
    let stream = b"data: a\r\rdata: b\r\rdata: c\r\r:";
    let pieces: Vec<_> = stream.chunks(1).collect();
    let (found, rest) = whole_events(&pieces);
    let data: Vec<_> = found.iter().filter_map(|event| data_of(event)).collect();
    assert_eq!(data, [b"a", b"b", b"c"]);
    assert_eq!(rest, b":");
}

#[test]
fn a_chunk_of_whole_events_is_not_copied() {
    let mut splitter = Splitter::default();
    let _first = splitter.push(Bytes::from_static(b"data: a\n\n"), MAX);
    let chunk = Bytes::from_static(b"data: b\n\n");
    let whole = splitter.push(chunk.clone(), MAX).unwrap_or_default();
    assert_eq!(whole.as_ptr(), chunk.as_ptr());
}

#[test]
fn the_rest_is_what_was_cut_inside_an_event() {
    let (found, rest) = whole_events(&[b"data: a\n\ndata: {\"b", b"\":"]);
    assert_eq!(found.len(), 1);
    assert_eq!(rest, b"data: {\"b\":");
}

#[test]
fn an_event_without_end_is_refused_at_the_limit() {
    let mut splitter = Splitter::default();
    let first = splitter.push(Bytes::from(vec![b'x'; 100]), 150);
    assert_eq!(first, Ok(Bytes::new()));
    assert_eq!(splitter.push(Bytes::from(vec![b'x'; 100]), 150), Err(TooLarge));
}

#[rstest]
#[case::a_comment(b": ping\n\n", Event::Nothing)]
#[case::an_id_alone(b"id: 7\n\n", Event::Nothing)]
#[case::no_space(b"data:x\n\n", Event::Data { name: None, data: Cow::Borrowed(b"x") })]
#[case::a_name(b"event: error\ndata: x\n\n", Event::Data { name: Some(b"error"), data: Cow::Borrowed(b"x") })]
#[case::html(b"<html>\n\n", Event::Malformed)]
#[case::bare_json(b"{\"a\": 1}\n\n", Event::Malformed)]
fn an_event_says(#[case] event: &[u8], #[case] expected: Event<'_>) {
    assert_eq!(parse(event), expected);
}
