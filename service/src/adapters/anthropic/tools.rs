//! What the model may call, and whether it has to.
//! Source: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools>

use serde_json::{Map, Value, json};

use super::content::marked;
use super::format::{Format, JSON_TOOL};
use super::model::Model;
use super::schema;
use crate::adapters::params::Unsupported;
use crate::domain::chat::{ChatRequest, Function, Tool, ToolChoice};
use crate::error::Result;

/// `tools` and `tool_choice`, where there are any.
///
/// # Errors
/// A tool wants to be strict, which the model is too old for.
pub fn tools(
    request: &mut ChatRequest,
    called: &[String],
    format: &Format,
    model: Model,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>> {
    let wanted = request.tool_choice.take();
    let mut offered = offered(std::mem::take(&mut request.tools), wanted.as_ref(), model, unsupported)?;
    let mut choice = choice(wanted.as_ref(), request.parallel_tool_calls);
    if let Format::Tool(tool) = format {
        choice = Some(choice_with_answer(!offered.is_empty() && wanted != Some(ToolChoice::None), choice));
        offered.push(tool.clone());
    } else if offered.is_empty() && !called.is_empty() {
        (offered, choice) = (remembered(called), Some(json!({"type": "none"})));
    }
    let mut tools = Map::new();
    // Without tools a choice means nothing, unless it forces: then Anthropic says what is missing.
    if !offered.is_empty() || is_forced(wanted.as_ref()) {
        tools.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    }
    if !offered.is_empty() {
        tools.shift_insert(0, "tools".to_owned(), offered.into());
    }
    Ok(tools)
}

/// The tools on offer; a choice of some of them offers only those.
fn offered(
    tools: Vec<Tool>,
    choice: Option<&ToolChoice>,
    model: Model,
    unsupported: &mut Unsupported<'_>,
) -> Result<Vec<Value>> {
    let is_allowed = |tool: &Tool| match (choice, tool) {
        (Some(ToolChoice::Allowed { names, .. }), Tool::Function { function, .. }) => {
            names.contains(&function.name)
        }
        _ => true,
    };
    let allowed = tools.into_iter().filter(is_allowed);
    allowed.map(|tool| declared(tool, model, unsupported)).collect()
}

fn declared(tool: Tool, model: Model, unsupported: &mut Unsupported<'_>) -> Result<Value> {
    let (function, cache_control) = match tool {
        Tool::Function { function, cache_control } => (function, cache_control),
        // Anthropic's own, such as `web_search_20250305`.
        Tool::Other { tool, .. } => return Ok(tool.into()),
    };
    let Function { name, description, parameters, strict } = function;
    let wants_strict = strict == Some(true);
    unsupported.param_if(
        wants_strict && !model.takes_schemas(),
        "tools.function.strict",
        "the model is too old",
    )?;
    let is_strict = wants_strict && model.takes_schemas();
    let mut declared = json!({"name": name});
    if let Some(description) = description {
        declared["description"] = description.into();
    }
    let any_object = || json!({"type": "object", "properties": {}});
    let schema = parameters.filter(|schema| !schema.is_null()).unwrap_or_else(any_object);
    declared["input_schema"] = if is_strict { schema::closed(schema) } else { schema };
    if is_strict {
        declared["strict"] = true.into();
    }
    Ok(marked(declared, cache_control))
}

/// Tools that were called but are not offered any more. Anthropic wants a history's tools declared;
/// with a choice of `none` they are not called.
fn remembered(called: &[String]) -> Vec<Value> {
    let declared = |name: &String| json!({"name": name, "input_schema": {"type": "object"}});
    called.iter().map(declared).collect()
}

/// `tool_choice`; none where Anthropic's default says the same.
/// Source: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools#forcing-tool-use>
fn choice(choice: Option<&ToolChoice>, parallel: Option<bool>) -> Option<Value> {
    let alone = parallel == Some(false);
    let mut choice = match choice {
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) if !alone => return None,
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => {
            json!({"type": "auto"})
        }
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => json!({"type": "any"}),
        Some(ToolChoice::Function(name)) => json!({"type": "tool", "name": name}),
    };
    if alone {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}

/// The choice where an answer is a call as well: of that tool, or of any, where it may call others.
fn choice_with_answer(may_call: bool, choice: Option<Value>) -> Value {
    if !may_call {
        return json!({"type": "tool", "name": JSON_TOOL, "disable_parallel_tool_use": true});
    }
    let mut choice = choice.unwrap_or_else(|| json!({}));
    choice["type"] = "any".into();
    choice
}

/// Whether the model has to call something.
pub fn is_forced(choice: Option<&ToolChoice>) -> bool {
    choice.is_some_and(ToolChoice::is_forced)
}
