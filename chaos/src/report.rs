//! The table, on standard output and in the page of results.

use std::fs;
use std::io;
use std::path::Path;

use crate::figure::Figure;

/// `make bench` keeps what stands between these, and writes the rest of the page.
const BEGIN: &str = "<!-- chaos: written by make chaos -->";
const END: &str = "<!-- end of chaos -->";

const INTRODUCTION: &str = "\
Written by `make chaos`; [README.md](README.md#chaos) says what it does. Everything runs on loopback,
upstreams and callers on the same cores as the service: times are upper limits.";

/// The figures of all scenarios as a table in Markdown.
pub fn table(figures: &[Figure]) -> String {
    let header = ["", "aim", "measured", "", ""].map(str::to_owned);
    let line = |cells: &[String; 5]| {
        format!("| {} |\n", cells.each_ref().map(|cell| cell.replace('|', "\\|")).join(" | "))
    };
    let rows: String = figures.iter().map(|figure| line(&figure.cells())).collect();
    line(&header) + "| --- | --- | --- | --- | --- |\n" + &rows
}

/// Puts the section into the page, in the place of an earlier one.
///
/// # Errors
/// The page cannot be read or written.
pub fn write(page: &Path, table: &str, conditions: &str) -> io::Result<()> {
    let section = format!("{BEGIN}\n\n## Chaos\n\n{INTRODUCTION}\n\n{conditions}\n\n{table}\n{END}\n");
    let old = fs::read_to_string(page)?;
    fs::write(page, replaced(&old, &section))
}

fn replaced(page: &str, section: &str) -> String {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match parts {
        Some((before, behind)) => format!("{before}{section}{}", behind.trim_start_matches('\n')),
        None => format!("{}\n\n{section}", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Aim;

    #[test]
    fn a_section_is_added_once_and_replaced_afterwards() {
        let one = format!("{BEGIN}\none\n{END}\n");
        let two = format!("{BEGIN}\ntwo\n{END}\n");
        let page = replaced("# Results\n\ntext\n", &one);
        assert_eq!(page, format!("# Results\n\ntext\n\n{one}"));
        assert_eq!(replaced(&page, &two), format!("# Results\n\ntext\n\n{two}"));
        assert_eq!(replaced(&format!("{page}behind\n"), &two), format!("# Results\n\ntext\n\n{two}behind\n"));
    }

    #[test]
    fn a_row_stays_one_row() {
        let figure = Figure::share("t", 1, 1, Aim::AtLeast(1.0)).remark("a|b");
        assert_eq!(table(&[figure]).lines().count(), 3);
    }
}
