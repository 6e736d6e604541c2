//! Changes to a few ranges of a body, everything else byte for byte as it was.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// One change: `range` of the original becomes `with`. An empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Byte offsets into the original.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub with: String,
}

/// The body with all `edits` made. Without edits it is the same buffer, not a copy. Edits at the same
/// place are made in the order given; ranges must not overlap.
#[must_use]
pub fn splice(body: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    edits.sort_by_key(|edit| edit.range.start);
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + added);
    let mut copied = 0;
    for edit in &edits {
        out.extend_from_slice(&body[copied..edit.range.start]);
        out.extend_from_slice(edit.with.as_bytes());
        copied = edit.range.end;
    }
    out.extend_from_slice(&body[copied..]);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, with: &str) -> Edit {
        let with = with.to_owned();
        Edit { range, with }
    }

    #[test]
    fn edits_change_their_ranges_and_nothing_else() {
        let body = Bytes::from_static(b"{\"a\": 1.10, \"b\":2}");
        let edits = vec![edit(16..17, "3"), edit(1..1, "\"x\":0,"), edit(1..1, "\"y\":0,")];
        assert_eq!(splice(&body, edits), "{\"x\":0,\"y\":0,\"a\": 1.10, \"b\":3}");
    }

    #[test]
    fn without_edits_nothing_is_copied() {
        let body = Bytes::from_static(b"{}");
        assert_eq!(splice(&body, Vec::new()).as_ptr(), body.as_ptr());
    }
}
