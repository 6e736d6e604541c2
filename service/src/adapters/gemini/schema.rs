//! JSON schemas, as far as Google understands them.
//! Source: <https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support>
//!
//! Google takes most of JSON Schema under `…JsonSchema` members and passes over keywords that it does not
//! know. What it passes over is said in words that it knows, where there are any: `const`, `allOf` of one,
//! and what stands beside a `$ref`.

use serde_json::{Map, Value, json};

/// Keywords whose members are schemas by names of the caller's.
const NAMED: [&str; 4] = ["properties", "$defs", "definitions", "patternProperties"];

/// Keywords whose value is a schema, or an array of them.
const NESTED: [&str; 8] =
    ["items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf", "not", "contains"];

/// The same schema for Google.
pub fn google(schema: &Value) -> Value {
    match schema {
        Value::Object(schema) => keywords(schema),
        Value::Array(schemas) => schemas.iter().map(google).collect(),
        other => other.clone(),
    }
}

fn keywords(schema: &Map<String, Value>) -> Value {
    let mut written = Map::new();
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("$schema", _) => {}
            ("const", Value::Null) => {
                written.insert("type".to_owned(), "null".into());
            }
            ("const", value) => {
                written.insert("enum".to_owned(), json!([value]));
            }
            ("allOf", Value::Array(all)) if all.len() == 1 => {
                written.insert("anyOf".to_owned(), google(value));
            }
            (name, Value::Object(named)) if NAMED.contains(&name) => {
                let named = named.iter().map(|(name, schema)| (name.clone(), google(schema)));
                written.insert(keyword.clone(), Value::Object(named.collect()));
            }
            (name, nested) if NESTED.contains(&name) => {
                written.insert(keyword.clone(), google(nested));
            }
            (_, other) => {
                written.insert(keyword.clone(), other.clone());
            }
        }
    }
    alone(written)
}

/// Beside a `$ref` Google takes only other members with a `$`.
fn alone(mut schema: Map<String, Value>) -> Value {
    let has_company = schema.keys().any(|keyword| !keyword.starts_with('$'));
    let has_choice = schema.contains_key("anyOf");
    if let (true, false, Some(reference)) = (has_company, has_choice, schema.get("$ref").cloned()) {
        schema.remove("$ref");
        schema.insert("anyOf".to_owned(), json!([{"$ref": reference}]));
    }
    schema.into()
}

/// `top_k` as Google writes it: `topK`.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.extend(letters);
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_constant(json!({"const": "a"}), json!({"enum": ["a"]}))]
    #[case::no_value(json!({"const": null}), json!({"type": "null"}))]
    #[case::a_reference_with_a_description(json!({"$ref": "#/$defs/a", "description": "b"}),
        json!({"description": "b", "anyOf": [{"$ref": "#/$defs/a"}]}))]
    #[case::a_reference_alone(json!({"$ref": "#/$defs/a"}), json!({"$ref": "#/$defs/a"}))]
    #[case::all_of_one(json!({"allOf": [{"$ref": "#/$defs/a"}], "title": "b"}),
        json!({"anyOf": [{"$ref": "#/$defs/a"}], "title": "b"}))]
    #[case::the_dialect(json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}),
        json!({"type": "object"}))]
    #[case::nested(json!({"items": {"anyOf": [{"const": 1}, {"type": "null"}]}, "additionalProperties": false}),
        json!({"items": {"anyOf": [{"enum": [1]}, {"type": "null"}]}, "additionalProperties": false}))]
    #[case::a_definition(json!({"$defs": {"a": {"const": 1}}}), json!({"$defs": {"a": {"enum": [1]}}}))]
    fn a_schema_is_said_in_googles_words(#[case] schema: Value, #[case] expected: Value) {
        assert_eq!(google(&schema), expected);
    }

    #[test]
    fn names_and_values_of_the_callers_are_no_keywords() {
        let schema = json!({"properties": {"const": {"type": "string"}, "$ref": {"type": "string"}},
            "enum": [{"const": 1}], "default": {"const": 1}});
        assert_eq!(google(&schema), schema);
    }

    #[rstest]
    #[case("top_k", "topK")]
    #[case("topK", "topK")]
    #[case("safety_settings", "safetySettings")]
    #[case("", "")]
    fn a_name_is_written_as_google_does(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(camel(name), expected);
    }
}
