use super::*;
use crate::config::tree::load;
use rstest::rstest;

fn variables() -> Variables {
    [("KEY", "sk-1"), ("EMPTY", ""), ("TIMEOUT", "30")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn a_reference_becomes_its_variable_wherever_a_text_stands() {
    let text = "a: os.environ/KEY\nb: [os.environ/TIMEOUT, {c: \"os.environ/KEY\"}]\nd: os.environ/NO\ne: os.environ/EMPTY";
    let mut root = load(text).expect("YAML");
    resolve(&mut root, &variables());
    let expected = serde_json::json!({"a": "sk-1", "b": [30, {"c": "sk-1"}], "d": null, "e": null});
    assert_eq!(root.json(), expected);
    assert_eq!(unset(&root), [(3, "NO"), (4, "EMPTY")]);
}

#[test]
fn the_files_own_variables_win_and_may_refer_to_others() {
    let root = load("KEY: own\nCOPY: os.environ/TIMEOUT\nNUMBER: 7\nLOST: os.environ/NO").expect("YAML");
    let all = with_the_files_own(&variables(), root.entries("root").expect("a mapping")).expect("texts");
    let value = |name| value(&all, name);
    let told = [value("KEY"), value("COPY"), value("NUMBER"), value("LOST"), value("TIMEOUT")];
    assert_eq!(told, [Some("own"), Some("30"), Some("7"), None, Some("30")]);
}

#[rstest]
#[case::alone("${KEY}", Ok("sk-1"))]
#[case::inside("Bearer ${KEY}/${TIMEOUT}s", Ok("Bearer sk-1/30s"))]
#[case::none("100% $KEY {KEY}", Ok("100% $KEY {KEY}"))]
#[case::no_name("${a b} ${}", Ok("${a b} ${}"))]
#[case::not_closed("${KEY", Ok("${KEY"))]
#[case::unset("x${NO}y", Err("NO"))]
#[case::empty("${EMPTY}", Err("EMPTY"))]
fn dollar_and_braces_are_a_variable(#[case] text: &str, #[case] expected: Result<&str, &str>) {
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    assert_eq!(expand(text, &variables()), expected);
}
