//! What the model may call, whether it has to, and the form of its text.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Something the model may call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub enum Tool {
    /// `{"type": "function", "function": {…}}`
    Function {
        /// Its declaration.
        function: Function,
        /// The prompt is cached up to here.
        cache_control: Option<Value>,
    },
    /// Another type, as vendors' own tools have: whole, as it came.
    Other {
        /// Its `type`, or its only member's name.
        kind: String,
        /// The tool.
        tool: Map<String, Value>,
    },
}

impl Tool {
    /// Whether the prompt is cached up to here.
    #[must_use]
    pub const fn has_cache_mark(&self) -> bool {
        matches!(self, Self::Function { cache_control: Some(_), .. })
    }
}

/// A function's declaration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must fit the schema exactly.
    #[serde(default)]
    pub strict: Option<bool>,
}

impl TryFrom<Map<String, Value>> for Tool {
    type Error = String;

    fn try_from(mut tool: Map<String, Value>) -> Result<Self, String> {
        let kind = kind_of(&tool).to_owned();
        if kind != "function" {
            return Ok(Self::Other { kind, tool });
        }
        let cache_control = tool.remove("cache_control").filter(|mark| !mark.is_null());
        let function = tool.remove("function").unwrap_or_default();
        let function = serde_json::from_value(function)
            .map_err(|error| format!("a tool of type `function` needs a valid `function`: {error}"))?;
        Ok(Self::Function { function, cache_control })
    }
}

/// A tool's `type`; without one, what LiteLLM takes for Google's own tools: `{"googleSearch": {}}`.
fn kind_of(tool: &Map<String, Value>) -> &str {
    let name = tool.keys().next().filter(|_| tool.len() == 1).map(String::as_str);
    tool.get("type").and_then(Value::as_str).or(name).unwrap_or("function")
}

/// Whether the model has to call something.
/// Source: <https://platform.openai.com/docs/api-reference/chat/create#chat_create-tool_choice>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum ToolChoice {
    /// It must not.
    None,
    /// It may.
    Auto,
    /// It must, whatever it likes.
    Required,
    /// It must call this function.
    Function(String),
    /// It may, or must, call one of these functions.
    Allowed {
        /// Whether it must.
        required: bool,
        /// Their names.
        names: Vec<String>,
    },
}

impl ToolChoice {
    /// Whether the model has to call something.
    #[must_use]
    pub const fn is_forced(&self) -> bool {
        matches!(self, Self::Required | Self::Function(_) | Self::Allowed { required: true, .. })
    }
}

impl TryFrom<Value> for ToolChoice {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const EXPECTED: &str = "expected none, auto, required, or an object that names a function";
        if let Some(choice) = value.as_str() {
            return match choice {
                "none" => Ok(Self::None),
                "auto" => Ok(Self::Auto),
                // `any` is what Mistral and Anthropic call it; their users bring it along.
                "required" | "any" => Ok(Self::Required),
                _ => Err(EXPECTED.to_owned()),
            };
        }
        let named = |tool: &Value| tool["function"]["name"].as_str().map(str::to_owned);
        match value["type"].as_str() {
            Some("allowed_tools") => {
                let allowed = &value["allowed_tools"];
                let names = allowed["tools"].as_array().map(|tools| tools.iter().filter_map(named).collect());
                let names = names.ok_or("`allowed_tools.tools` must be an array of functions")?;
                Ok(Self::Allowed { required: allowed["mode"] == "required", names })
            }
            _ => named(&value).map(Self::Function).ok_or_else(|| EXPECTED.to_owned()),
        }
    }
}

/// The form of the answer's text.
/// Source: <https://platform.openai.com/docs/guides/structured-outputs>
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// The schema.
        json_schema: JsonSchema,
    },
}

/// A schema with its name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct JsonSchema {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON schema.
    #[serde(default)]
    pub schema: Option<Value>,
    /// Whether the text must fit it exactly.
    #[serde(default)]
    pub strict: Option<bool>,
}
