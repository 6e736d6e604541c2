//! The same events in every framing that the format allows.

use super::scenario::Scenario;

const BOM: &str = "\u{feff}";

/// The scenario's stream, each time written differently, with the name of the difference.
pub fn all(scenario: &Scenario) -> Vec<(&'static str, Vec<u8>)> {
    let as_it_is = String::from_utf8(scenario.stream()).expect("fixtures are UTF-8");
    let as_it_is = as_it_is.replace("\r\n", "\n");
    let crlf = as_it_is.replace('\n', "\r\n");
    let framings = if scenario.is_sse() {
        vec![
            ("as it is", as_it_is.clone()),
            ("CR LF", crlf),
            ("CR", as_it_is.replace('\n', "\r")),
            ("a BOM", format!("{BOM}{as_it_is}")),
            ("comments", format!(": ping\n\n{}", as_it_is.replace("\n\n", "\n\n: ping\n\n"))),
            ("ids and retry times", as_it_is.replace("\n\n", "\nid: 7\nretry: 10\n\n")),
            ("no space behind the colon", as_it_is.replace("data: ", "data:")),
            // JSON takes a line end behind its first brace.
            ("data in several lines", as_it_is.replace("data: {", "data: {\ndata: ")),
        ]
    } else {
        vec![
            ("as it is", as_it_is.clone()),
            ("CR LF", crlf),
            ("empty lines", as_it_is.replace('\n', "\n\n")),
            ("no end of the last line", as_it_is.trim_end().to_owned()),
        ]
    };
    framings.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

/// Whether a cut there falls into an end of a line, or next to one.
pub fn is_near_a_line_end(bytes: &[u8], at: usize) -> bool {
    let near = &bytes[at.saturating_sub(2)..(at + 2).min(bytes.len())];
    near.iter().any(|byte| matches!(byte, b'\n' | b'\r')) || at < 4
}
