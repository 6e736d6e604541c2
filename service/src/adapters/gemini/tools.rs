//! What the model may call, as Google's tools.
//!
//! - <https://ai.google.dev/api/caching#Tool>
//! - <https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes>
//!
//! Google's own tools are named by their type, with their settings beside it or under their name:
//! `{"type": "google_search"}`, `{"type": "url_context", "url_context": {}}`, or LiteLLM's
//! `{"googleSearch": {}}`.

use serde_json::{Map, Value, json};

use super::schema;
use super::schema::camel;
use crate::adapters::params::{Unsupported, unsupported};
use crate::domain::chat::{ChatRequest, Function, Tool, ToolChoice};
use crate::domain::endpoint::Endpoint;
use crate::error::Result;

/// Google's own tools.
const OWN: [&str; 8] = [
    "googleSearch",
    "googleSearchRetrieval",
    "codeExecution",
    "urlContext",
    "googleMaps",
    "fileSearch",
    "computerUse",
    "mcpServers",
];

/// `tools` and `toolConfig`, as far as there are any.
///
/// # Errors
/// A tool is of a type that Google does not have, or the calls must come one by one.
pub fn members(
    endpoint: &Endpoint,
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>> {
    let one_by_one = request.parallel_tool_calls == Some(false);
    unsupported.param_if(one_by_one, "parallel_tool_calls", "the model decides how much it calls at once")?;
    let mut members = Map::new();
    let tools = tools(endpoint, &request.tools)?;
    if !tools.is_empty() {
        members.insert("tools".to_owned(), tools.into());
    }
    if let Some(config) = calling(request) {
        members.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
    }
    Ok(members)
}

fn tools(endpoint: &Endpoint, tools: &[Tool]) -> Result<Vec<Value>> {
    let (mut functions, mut own) = (Vec::new(), Vec::new());
    for (at, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function { function, .. } => functions.push(declaration(function)),
            Tool::Other { kind, tool } => own.push(own_tool(endpoint, kind, tool, at)?),
        }
    }
    if !functions.is_empty() {
        own.insert(0, json!({"functionDeclarations": functions}));
    }
    Ok(own)
}

/// Source: <https://ai.google.dev/api/caching#FunctionDeclaration>
fn declaration(function: &Function) -> Value {
    let mut declaration = json!({"name": function.name});
    if let Some(description) = &function.description {
        declaration["description"] = description.as_str().into();
    }
    // `parameters` takes a part of OpenAPI's schemas only, and refuses the rest of JSON Schema.
    if let Some(parameters) = function.parameters.as_ref().filter(|schema| **schema != json!({})) {
        declaration["parametersJsonSchema"] = schema::google(parameters);
    }
    declaration
}

fn own_tool(endpoint: &Endpoint, kind: &str, tool: &Map<String, Value>, at: usize) -> Result<Value> {
    let name = camel(kind);
    if !OWN.contains(&name.as_str()) {
        return Err(unsupported(endpoint, &format!("tools[{at}]"), &format!("a tool of type `{kind}`")));
    }
    let settings = tool.get(kind).cloned().unwrap_or_else(|| {
        let beside = tool.iter().filter(|(member, _)| *member != "type");
        beside.map(|(member, value)| (member.clone(), value.clone())).collect::<Map<_, _>>().into()
    });
    Ok(Value::from(Map::from_iter([(name, settings)])))
}

/// `VALIDATED` is `AUTO` with calls that fit their schemas: OpenAI's `strict`; it also takes the names of
/// the functions that are allowed, which `AUTO` does not.
fn calling(request: &ChatRequest) -> Option<Value> {
    let is_strict =
        |tool: &Tool| matches!(tool, Tool::Function { function, .. } if function.strict == Some(true));
    let auto = if request.tools.iter().any(is_strict) { "VALIDATED" } else { "AUTO" };
    match request.tool_choice.as_ref() {
        None if auto == "AUTO" => None,
        None | Some(ToolChoice::Auto) => (!request.tools.is_empty()).then(|| json!({"mode": auto})),
        Some(ToolChoice::None) => (!request.tools.is_empty()).then(|| json!({"mode": "NONE"})),
        Some(ToolChoice::Required) => Some(json!({"mode": "ANY"})),
        Some(ToolChoice::Function(name)) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
        Some(ToolChoice::Allowed { required, names }) => {
            let mode = if *required { "ANY" } else { "VALIDATED" };
            Some(json!({"mode": mode, "allowedFunctionNames": names}))
        }
    }
}
