//! An answer in JSON, by the means that the model has.
//!
//! A schema is held to by `output_config.format`, from 4.5 on. Older models are made to call a tool
//! whose arguments are the answer: that is how Anthropic documented it before. Any JSON object at all
//! cannot be asked for by a schema, whose objects have to be closed, so that is a tool as well where tools
//! can be forced. Where they cannot, because the model thinks, the system prompt asks for it.

use serde_json::{Value, json};

use super::model::Model;
use super::schema;
use crate::domain::chat::{JsonSchema, ResponseFormat};

/// The tool that the answer's text comes through.
pub const JSON_TOOL: &str = "json_response";

/// How the form is asked for.
#[derive(Debug, PartialEq)]
pub enum Format {
    /// Not at all: any text.
    Text,
    /// With `output_config.format`.
    Schema(Value),
    /// With this tool, which has to be called.
    Tool(Value),
    /// With these words in the system prompt.
    Words(String),
}

impl Format {
    /// The means for a request to `model`, which is thinking or not.
    pub fn of(asked: Option<ResponseFormat>, model: Model, is_thinking: bool) -> Self {
        let (schema, description) = match asked {
            None | Some(ResponseFormat::Text) => return Self::Text,
            Some(ResponseFormat::JsonObject) => (None, None),
            Some(ResponseFormat::JsonSchema { json_schema: JsonSchema { schema, description, .. } }) => {
                (schema.filter(|schema| !schema.is_null()), description)
            }
        };
        match schema {
            Some(schema) if model.takes_schemas() => {
                Self::Schema(schema::closed(described(schema, description)))
            }
            schema if model.takes_forced_tools() && !is_thinking => Self::Tool(tool(schema, description)),
            schema => Self::Words(words(schema)),
        }
    }
}

fn described(mut schema: Value, description: Option<String>) -> Value {
    if let (Value::Object(schema), Some(description)) = (&mut schema, description) {
        schema.entry("description").or_insert_with(|| description.into());
    }
    schema
}

fn tool(schema: Option<Value>, description: Option<String>) -> Value {
    let description = description.unwrap_or_else(|| "Gives the answer, as JSON.".to_owned());
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "additionalProperties": true}));
    json!({"name": JSON_TOOL, "description": description, "input_schema": schema})
}

fn words(schema: Option<Value>) -> String {
    let object = "Answer with one JSON object and nothing else: no words around it and no code fence.";
    match schema {
        Some(schema) => format!("{object} It must fit this JSON schema: {schema}"),
        None => object.to_owned(),
    }
}
