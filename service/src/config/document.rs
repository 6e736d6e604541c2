//! A configuration that is no file: LiteLLM's form as one JSON document. It has no lines that anybody has
//! seen, so what is found in it is told by its place: `model_list[1].litellm_params.order`.

use serde_json::Value;

use super::finding::Wrong;

/// The document as YAML with a line for every value, and the place of each line.
#[derive(Debug)]
pub struct LaidOut {
    /// The text.
    pub text: String,
    /// The places, in the order of the lines.
    pub places: Vec<String>,
}

/// Lays `document` out.
pub fn lay_out(document: &str) -> Result<LaidOut, Wrong> {
    let not_json =
        |error: serde_json::Error| Wrong { line: None, message: format!("this is no JSON: {error}") };
    let root: Value = serde_json::from_str(document).map_err(not_json)?;
    let text = serde_json::to_string_pretty(&root).map_err(not_json)?;
    let mut places = Vec::new();
    note(&root, "", &mut places);
    Ok(LaidOut { text, places })
}

/// Notes a place for each line that `value` takes: one for itself, those of its members, and one for the
/// bracket behind them.
fn note(value: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let dot = if place.is_empty() { "" } else { "." };
                note(member, &format!("{place}{dot}{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                note(item, &format!("{place}[{index}]"), places);
            }
        }
        _ => return,
    }
    if value.as_object().is_some_and(|members| !members.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty())
    {
        places.push(place.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_member(r#"{"a": 1, "here": 2}"#, "here")]
    #[case::behind_an_object(r#"{"a": {"b": 1, "c": {}}, "here": 2}"#, "here")]
    #[case::behind_an_empty_one(r#"{"a": {}, "b": [], "here": 2}"#, "here")]
    #[case::in_a_list(r#"[{"a": 1}, [2, 3], {"here": "x\ny"}]"#, "[2].here")]
    #[case::behind_a_line_end(r#"{"a": "x\ny", "b": {"here": 1}}"#, "b.here")]
    fn every_line_knows_its_place(#[case] document: &str, #[case] place: &str) {
        let LaidOut { text, places } = lay_out(document).expect("JSON");
        assert_eq!(text.lines().count(), places.len());
        let line = text.lines().position(|line| line.contains("\"here\"")).expect("the line");
        assert_eq!(places[line], place);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let wrong = lay_out("model_list: []").expect_err("refused");
        assert!(wrong.message.starts_with("this is no JSON: "), "{}", wrong.message);
    }
}
