//! Cutting bytes into events and lines: the same, however they come.

use bytes::Bytes;
use llm_proxy::wire::ndjson::{self, Lines};
use llm_proxy::wire::sse::{self, Splitter};

/// The input is: how to cut, the bytes.
pub fn cut(input: &[u8]) {
    let [how, bytes @ ..] = input else { return };
    let parts = super::parts(bytes, *how);
    assert_eq!(events(&[bytes]), events(&parts), "events, cut differently");
    assert_eq!(lines(&[bytes]), lines(&parts), "lines, cut differently");
}

/// The events that say something, as they read.
fn events(parts: &[&[u8]]) -> Vec<String> {
    let (mut splitter, mut read) = (Splitter::default(), Vec::new());
    let mut add = |event: &[u8]| match sse::parse(event) {
        sse::Event::Nothing => {}
        said => read.push(format!("{said:?}")),
    };
    for part in parts {
        if let Ok(whole) = splitter.push(Bytes::copy_from_slice(part), usize::MAX) {
            sse::events(&whole).for_each(&mut add);
        }
    }
    add(splitter.rest());
    read
}

fn lines(parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut cutter, mut read) = (Lines::default(), Vec::new());
    for part in parts {
        if let Ok(whole) = cutter.push(Bytes::copy_from_slice(part), usize::MAX) {
            read.extend(ndjson::lines(&whole).map(<[u8]>::to_vec));
        }
    }
    read.push(cutter.rest().to_vec());
    read
}
