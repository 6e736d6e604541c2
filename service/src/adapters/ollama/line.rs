//! One JSON object on one line, also for those who think that other characters end a line.

use serde::Serialize;

use crate::domain::envelope::end_of_string;

/// What ends a line for Python's `str.splitlines` and is not escaped by JSON, in UTF-8, with its escape.
/// Source: <https://docs.python.org/3/library/stdtypes.html#str.splitlines>
const LINE_ENDS: [(&[u8], &[u8]); 3] =
    [(b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")];

/// Appends `value` without an end of the line.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    let _writing_to_memory_succeeds = serde_json::to_writer(&mut *out, value);
    escape_line_ends(start, out);
}

/// Escapes ends of lines in the JSON that `out` has from `start` on: in JSON, what is not ASCII stands in
/// strings only.
pub fn escape_line_ends(start: usize, out: &mut Vec<u8>) {
    let has_any = out[start..].windows(2).any(|pair| matches!(pair, b"\xc2\x85" | b"\xe2\x80"));
    if !has_any {
        return;
    }
    let json = out.split_off(start);
    let mut rest = json.as_slice();
    while let Some(byte) = rest.first() {
        match LINE_ENDS.iter().find(|(end, _)| rest.starts_with(end)) {
            Some((end, escape)) => {
                out.extend_from_slice(escape);
                rest = &rest[end.len()..];
            }
            None => {
                out.push(*byte);
                rest = &rest[1..];
            }
        }
    }
}

/// Valid JSON without white space around its tokens, everything else as it is written.
pub fn compact(json: &str) -> String {
    let bytes = json.as_bytes();
    let (mut compact, mut at) = (String::with_capacity(json.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => (end_of_string(bytes, at + 1) + 1).min(bytes.len()),
            _ => at + 1,
        };
        if !byte.is_ascii_whitespace() {
            compact.push_str(json.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::line_feed('\n')]
    #[case::carriage_return('\r')]
    #[case::line_tabulation('\u{b}')]
    #[case::form_feed('\u{c}')]
    #[case::file_separator('\u{1c}')]
    #[case::group_separator('\u{1d}')]
    #[case::record_separator('\u{1e}')]
    #[case::next_line('\u{85}')]
    #[case::line_separator('\u{2028}')]
    #[case::paragraph_separator('\u{2029}')]
    fn whatever_ends_a_line_for_python_is_escaped(#[case] end: char) {
        let value = json!({format!("k{end}"): format!("é{end}…{end}\u{2030}")});
        let mut out = b"\xe2\x80\xa8".to_vec();
        write(&value, &mut out);
        let line = String::from_utf8(out).expect("UTF-8");
        let line = line.strip_prefix('\u{2028}').expect("what was there stays");
        assert!(!line.contains(end), "{line:?}");
        assert_eq!(serde_json::from_str::<Value>(line).expect("JSON"), value);
    }

    #[rstest]
    #[case::white_space("{ \"a\" :\n1.10,\t\"b\": [ 1 ] }", "{\"a\":1.10,\"b\":[1]}")]
    #[case::strings_stay("{\"a b\": \" \\\" x \"}", "{\"a b\":\" \\\" x \"}")]
    fn json_is_put_on_one_line(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(compact(json), expected);
    }
}
