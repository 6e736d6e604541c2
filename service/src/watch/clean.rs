//! Texts for a terminal.

/// What stands for a character that a terminal must not get.
const REPLACEMENT: char = '\u{fffd}';

/// `text` on one line, and without what would steer a terminal: names of models come from callers.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if steers(c) { REPLACEMENT } else { c }).collect()
}

/// Control characters, and those that change the direction of what follows or are not seen at all.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `12 ms`, `1.2 s` or `2 min`.
pub fn duration(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 99_950.0 => format!("{:.1} s", ms / 1000.0),
        ms => format!("{:.0} min", ms / 60_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_name("gpt-4o é 模型", "gpt-4o é 模型")]
    #[case::an_escape("a\u{1b}[2Jb", "a\u{fffd}[2Jb")]
    #[case::a_line_end("a\r\nb", "a\u{fffd}\u{fffd}b")]
    #[case::the_other_direction("a\u{202e}b", "a\u{fffd}b")]
    fn nothing_steers_the_terminal(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(clean(text), expected);
    }

    #[rstest]
    #[case(0.0, "0 ms")]
    #[case(999.4, "999 ms")]
    #[case(999.6, "1.0 s")]
    #[case(12_340.0, "12.3 s")]
    #[case(120_000.0, "2 min")]
    fn a_duration_is_short(#[case] milliseconds: f64, #[case] expected: &str) {
        assert_eq!(duration(milliseconds), expected);
    }
}
