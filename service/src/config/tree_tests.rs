use super::*;
use rstest::rstest;
use serde_json::json;

/// The value of the one key `k`.
fn value(text: &str) -> Node {
    let root = load(&format!("k: {text}\n")).expect("YAML");
    root.entries("root").expect("a mapping")[0].node.clone()
}

#[rstest]
#[case::a_text("hello", json!("hello"))]
#[case::yaml_1_1_yes("yes", json!(true))]
#[case::yaml_1_1_off("Off", json!(false))]
#[case::a_quoted_boolean("\"yes\"", json!("yes"))]
#[case::a_single_letter("n", json!("n"))]
#[case::a_whole_number("1_000", json!(1000))]
#[case::a_negative_number("-3", json!(-3))]
#[case::a_fraction("0.7", json!(0.7))]
#[case::an_exponent("1.5e+3", json!(1500.0))]
#[case::octal("010", json!(8))]
#[case::hexadecimal("0x1F", json!(31))]
#[case::no_octal("089", json!("089"))]
#[case::a_tagged_text("!!str 12", json!("12"))]
#[case::a_date("2024-10-21", json!("2024-10-21"))]
#[case::a_name_that_begins_like_a_number(".inf", json!(".inf"))]
#[case::nothing("~", json!(null))]
#[case::a_block("|\n  a\n  b", json!("a\nb\n"))]
#[case::a_list("[1, two]", json!([1, "two"]))]
#[case::a_mapping("{a: 1, b: {c: true}}", json!({"a": 1, "b": {"c": true}}))]
fn a_scalar_is_what_pyyaml_makes_of_it(#[case] text: &str, #[case] expected: Value) {
    assert_eq!(value(text).json(), expected);
}

#[rstest]
#[case::a_number("12345678901234567890123", "12345678901234567890123")]
#[case::a_date("2024-10-21", "2024-10-21")]
#[case::a_boolean("on", "on")]
#[case::a_quoted_nothing("\"null\"", "null")]
fn a_text_is_told_as_it_was_written(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(value(text).text("k"), Ok(expected));
}

#[rstest]
#[case::whole("30", Some(30))]
#[case::quoted("\"30\"", Some(30))]
#[case::a_float_without_a_fraction("1e3", Some(1000))]
#[case::negative("-1", None)]
#[case::a_fraction("1.5", None)]
#[case::a_text("many", None)]
fn a_count_is_a_whole_number(#[case] text: &str, #[case] expected: Option<u64>) {
    assert_eq!(value(text).count("k").ok(), expected);
}

#[test]
fn what_is_wrong_names_the_key_and_its_line_and_not_its_value() {
    let root = load("a:\n  b: sk-secret\n").expect("YAML");
    let a = &root.entries("root").expect("a mapping")[0].node;
    let b = &a.entries("a").expect("a mapping")[0].node;
    let line = |wrong: Wrong| (wrong.line, wrong.message);
    assert_eq!(line(b.number("a.b").expect_err("a text")), (Some(2), "`a.b` has to be a number".to_owned()));
    let wrong = b.entries("a.b").expect_err("a text");
    assert_eq!(line(wrong), (Some(2), "`a.b` has to be a mapping of keys to values".to_owned()));
}

#[rstest]
#[case::a_key_twice("a: 1\nb: 2\na: 3", 3, "`a` stands here again: it is set in line 1 already")]
#[case::a_tab("a:\n\t- b", 2, "this is no YAML")]
#[case::an_open_bracket("a: [1,\n", 1, "this is no YAML")]
#[case::an_unknown_tag("a: !include b.yaml", 1, "the tag !include is not supported")]
#[case::a_second_document("a: 1\n---\nb: 2", 2, "a second document begins")]
#[case::a_mapping_as_a_key("? {a: 1}\n: 2", 1, "a key has to be a text")]
#[case::a_merge_of_a_text("a:\n  <<: b", 2, "`<<` has to be a mapping")]
#[case::an_unknown_alias("a: *b", 1, "this is no YAML")]
#[case::an_alias_of_what_contains_it("a: &a\n  b: *a", 2, "an alias refers to what contains it")]
fn what_is_no_tree_is_refused_with_its_line(#[case] text: &str, #[case] line: usize, #[case] message: &str) {
    let wrong = load(text).expect_err("no tree");
    assert!(wrong.message.starts_with(message), "{wrong:?}");
    assert_eq!(wrong.line, Some(line), "{wrong:?}");
}

#[test]
fn merged_keys_stand_behind_a_mappings_own() {
    let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nx:\n  <<: [*base, *more]\n  a: 5\n";
    let root = load(text).expect("YAML");
    assert_eq!(root.entries("root").expect("a mapping")[2].node.json(), json!({"a": 5, "b": 2, "c": 4}));
}

#[test]
fn aliases_of_aliases_and_deep_nesting_end() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    let wrong = load(&bomb).expect_err("too many");
    assert!(wrong.message.contains("more than 200000 values"), "{wrong:?}");
    let wrong = load(&"[".repeat(500)).expect_err("too deep");
    assert!(wrong.line == Some(1), "{wrong:?}");
}

#[rstest]
#[case::nothing("")]
#[case::a_comment("# nothing\n")]
#[case::a_marker("---\n")]
fn an_empty_file_has_no_entries(#[case] text: &str) {
    assert_eq!(load(text).expect("YAML").entries("root"), Ok(&[][..]));
}
