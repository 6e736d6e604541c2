//! JSON schemas as structured outputs take them.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations>

use std::fmt::Write;

use serde_json::{Map, Value};

/// What a schema may say that Anthropic refuses. It is said in the description instead, as Anthropic's own
/// SDKs do.
const REFUSED: [&str; 16] = [
    "$schema",
    "contains",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "patternProperties",
    "propertyNames",
    "uniqueItems",
];

/// Formats of texts that are taken.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// `schema`, every object of it closed, with what is refused in words.
pub fn closed(mut schema: Value) -> Value {
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    describe_refused(schema);
    if let Some(variants) = schema.shift_remove("oneOf") {
        schema.insert("anyOf".to_owned(), variants);
    }
    for (name, value) in schema.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                schemas.values_mut().for_each(close);
            }
            ("anyOf" | "allOf", Value::Array(schemas)) => schemas.iter_mut().for_each(close),
            ("items", items) => close(items),
            _ => {}
        }
    }
    if is_object(schema) {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "object"),
        Some(kind) => kind == "object",
        None => schema.contains_key("properties"),
    }
}

fn describe_refused(schema: &mut Map<String, Value>) {
    let is_refused = |name: &str, value: &Value| match name {
        "format" => !value.as_str().is_some_and(|format| FORMATS.contains(&format)),
        "minItems" => value.as_u64().is_none_or(|least| least > 1),
        _ => REFUSED.contains(&name),
    };
    let mut words = String::new();
    schema.retain(|name, value| {
        let is_refused = is_refused(name, value);
        if is_refused && name != "$schema" {
            let comma = if words.is_empty() { "" } else { ", " };
            let _writing_to_memory_succeeds = write!(words, "{comma}{name}: {value}");
        }
        !is_refused
    });
    if !words.is_empty() {
        let said = schema.get("description").and_then(Value::as_str).map(|said| format!("{said}\n\n"));
        let description = format!("{}{{{words}}}", said.unwrap_or_default());
        schema.insert("description".to_owned(), description.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::an_object(json!({"type": "object", "properties": {"a": {"type": "object"}}}),
        json!({"type": "object", "properties": {"a": {"type": "object", "additionalProperties": false}},
            "additionalProperties": false}))]
    #[case::an_open_one(json!({"type": ["object", "null"], "additionalProperties": true}),
        json!({"type": ["object", "null"], "additionalProperties": false}))]
    #[case::limits(json!({"type": "integer", "description": "A number", "minimum": 1, "maximum": 9}),
        json!({"type": "integer", "description": "A number\n\n{minimum: 1, maximum: 9}"}))]
    #[case::inside(json!({"anyOf": [{"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": 3}}]}),
        json!({"anyOf": [{"type": "array", "minItems": 1,
            "items": {"type": "string", "description": "{maxLength: 3}"}}]}))]
    #[case::a_property_named_like_a_limit(
        json!({"type": "object", "properties": {"minimum": {"type": "string", "format": "email"}}}),
        json!({"type": "object", "properties": {"minimum": {"type": "string", "format": "email"}},
            "additionalProperties": false}))]
    #[case::one_of(json!({"oneOf": [{"type": "null"}]}), json!({"anyOf": [{"type": "null"}]}))]
    #[case::not_a_schema(json!(true), json!(true))]
    fn a_schema_becomes_one_that_is_taken(#[case] schema: Value, #[case] expected: Value) {
        assert_eq!(closed(schema), expected);
    }
}
