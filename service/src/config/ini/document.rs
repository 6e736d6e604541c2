//! The sections and members of an `.ini`, with their lines.
//!
//! As Python's `configparser` reads it: `=` or `:` between key and value, keys without regard to case,
//! comments behind `#` or `;`, which inside of a line want a blank before them. A value is what is left,
//! with its `%`, `=`, `:` and quotes.

use crate::config::finding::Wrong;

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Counted from 1.
    pub line: usize,
    /// What stands in the brackets.
    pub name: String,
    /// Its members in the file's order; keys are unique and in lower case.
    pub members: Vec<Member>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Counted from 1.
    pub line: usize,
    /// In lower case.
    pub key: String,
    /// As it was written; may be empty.
    pub value: String,
}

/// Reads the text.
pub fn load(text: &str) -> Result<Vec<Section>, Wrong> {
    let mut sections: Vec<Section> = Vec::new();
    let lines = text.trim_start_matches('\u{feff}').lines();
    for (line, text) in lines.enumerate().map(|(at, text)| (at + 1, content(text))) {
        if text.is_empty() {
            continue;
        }
        if let Some(name) = text.strip_prefix('[') {
            let section = section(line, name)?;
            refuse_again(&sections, &section)?;
            sections.push(section);
            continue;
        }
        let member = member(line, text)?;
        let Some(section) = sections.last_mut() else {
            return Err(Wrong::at(line, format!("`{}` stands before the first section", member.key)));
        };
        if let Some(first) = section.members.iter().find(|other| other.key == member.key) {
            let message =
                format!("`{}` stands here again: it is set in line {} already", member.key, first.line);
            return Err(Wrong::at(line, message));
        }
        section.members.push(member);
    }
    Ok(sections)
}

/// A line without its comment and the blanks around it.
fn content(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return "";
    }
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if matches!(c, '#' | ';') && before.is_whitespace() {
            return line[..at].trim_end();
        }
        before = c;
    }
    line
}

fn section(line: usize, rest: &str) -> Result<Section, Wrong> {
    match rest.split_once(']') {
        Some((name, "")) if !name.trim().is_empty() => {
            Ok(Section { line, name: name.trim().to_owned(), members: Vec::new() })
        }
        _ => Err(Wrong::at(line, "a section has to be a name in brackets, and nothing behind it")),
    }
}

fn refuse_again(sections: &[Section], section: &Section) -> Result<(), Wrong> {
    match sections.iter().find(|other| other.name == section.name) {
        Some(first) => {
            let message = format!("the section `[{}]` stands in line {} already", section.name, first.line);
            Err(Wrong::at(section.line, message))
        }
        None => Ok(()),
    }
}

fn member(line: usize, text: &str) -> Result<Member, Wrong> {
    match text.split_once(['=', ':']) {
        Some((key, value)) if !key.trim().is_empty() => {
            let key = key.trim().to_lowercase();
            Ok(Member { line, key, value: value.trim().to_owned() })
        }
        // What stands there is not told: it may be a key that lost its name.
        _ => Err(Wrong::at(line, "this is neither `[section]` nor `key = value`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::blanks("  url  =  http://x  ", "url", "http://x")]
    #[case::a_colon("url: http://x:80/v1", "url", "http://x:80/v1")]
    #[case::signs("apikey = a%b=c:d\"e\"", "apikey", "a%b=c:d\"e\"")]
    #[case::an_inline_comment("url = http://x ; the old one # really", "url", "http://x")]
    #[case::a_hash_inside("url = http://x#y;z", "url", "http://x#y;z")]
    #[case::nothing("apikey =", "apikey", "")]
    #[case::only_a_comment("apikey = # later", "apikey", "")]
    #[case::capitals("API_Type = OpenAI", "api_type", "OpenAI")]
    fn a_value_is_what_stands_behind_the_first_sign(
        #[case] line: &str,
        #[case] key: &str,
        #[case] value: &str,
    ) {
        let text = format!("\u{feff}; about\r\n[A]\r\n\r\n{line}\r\n# end");
        let sections = load(&text).expect("a document");
        let member = Member { line: 4, key: key.to_owned(), value: value.to_owned() };
        assert_eq!(sections, [Section { line: 2, name: "A".to_owned(), members: vec![member] }]);
    }

    #[rstest]
    #[case::no_section("a = b", 1, "`a` stands before the first section")]
    #[case::no_sign("[A]\nsk-lost", 2, "this is neither `[section]` nor `key = value`")]
    #[case::no_key("[A]\n= b", 2, "this is neither `[section]` nor `key = value`")]
    #[case::an_open_bracket("[A", 1, "a section has to be a name in brackets, and nothing behind it")]
    #[case::no_name("[ ]", 1, "a section has to be a name in brackets, and nothing behind it")]
    #[case::a_section_again("[A]\n[B]\n[A]", 3, "the section `[A]` stands in line 1 already")]
    #[case::a_key_again("[A]\nurl = b\nURL = c", 3, "`url` stands here again: it is set in line 2 already")]
    fn what_is_no_document_is_refused_with_its_line(
        #[case] text: &str,
        #[case] line: usize,
        #[case] message: &str,
    ) {
        assert_eq!(load(text), Err(Wrong::at(line, message)));
    }
}
