//! Ollama's `options`: what steers the model, by Ollama's names.
//! Source: <https://docs.ollama.com/modelfile#valid-parameters-and-values>

use serde_json::{Map, Value, json};

use crate::domain::chat::ChatRequest;

/// Ollama's own members that stand beside `options`.
const TOP_LEVEL: [&str; 5] = ["keep_alive", "think", "format", "truncate", "shift"];

/// Members that OpenAI does not know, as those that stand beside `options` and those in it. Everything
/// unknown is an option: a member beside them could take the place of one of ours, because Ollama reads
/// keys in any case.
pub fn split(rest: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut top_level, mut options) = (Map::new(), Map::new());
    for (name, value) in rest {
        match value {
            Value::Object(given) if name == "options" => options.extend(given),
            value if TOP_LEVEL.contains(&name.as_str()) => {
                top_level.insert(name, value);
            }
            value => {
                options.insert(name, value);
            }
        }
    }
    (top_level, options)
}

/// `options` with what OpenAI's members say, which counts more than the same in `options`.
pub fn written(request: &ChatRequest, mut options: Map<String, Value>) -> Map<String, Value> {
    let said = [
        ("num_predict", request.token_limit().map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("seed", request.seed.map(Value::from)),
        ("presence_penalty", request.presence_penalty.map(Value::from)),
        ("frequency_penalty", request.frequency_penalty.map(Value::from)),
        ("stop", (!request.stop.is_empty()).then(|| json!(request.stop))),
    ];
    for (name, value) in said {
        options.extend(value.map(|value| (name.to_owned(), value)));
    }
    options
}
