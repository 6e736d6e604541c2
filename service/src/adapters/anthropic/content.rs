//! OpenAI's content parts as Anthropic's blocks.
//!
//! - Images: <https://platform.claude.com/docs/en/build-with-claude/vision>
//! - Documents: <https://platform.claude.com/docs/en/build-with-claude/pdf-support>

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::adapters::params::unsupported;
use crate::domain::chat::{Content, FilePart, Part};
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// The blocks of a content that stands at `path` in the request. Anthropic refuses texts that are
/// empty, so they are left out.
///
/// # Errors
/// A part cannot be said in Anthropic's format.
pub fn blocks(endpoint: &Endpoint, path: &str, content: Option<Content>) -> Result<Vec<Value>> {
    let parts = content.map(Content::into_parts).unwrap_or_default().into_iter().enumerate();
    let blocks = parts.map(|(at, part)| block(endpoint, &format!("{path}.content[{at}]"), part));
    blocks.filter_map(Result::transpose).collect()
}

/// A text block; none for a text of nothing but white space.
pub fn text(text: String, cache_control: Option<Value>) -> Option<Value> {
    let says_something = !text.trim().is_empty();
    says_something.then(|| marked(json!({"type": "text", "text": text}), cache_control))
}

/// `block`, up to which the prompt is cached where there is a mark.
pub fn marked(mut block: Value, cache_control: Option<Value>) -> Value {
    if let Some(mark) = cache_control {
        block["cache_control"] = mark;
    }
    block
}

fn block(endpoint: &Endpoint, path: &str, part: Part) -> Result<Option<Value>> {
    Ok(match part {
        Part::Text { text, cache_control } => self::text(text, cache_control),
        Part::Refusal { text } => self::text(text, None),
        Part::Image { url, cache_control, .. } => {
            Some(marked(json!({"type": "image", "source": source(path, url)?}), cache_control))
        }
        Part::File { file, cache_control } => Some(marked(document(path, file)?, cache_control)),
        Part::Audio { .. } => return Err(unsupported(endpoint, path, "it takes no audio")),
        // Anthropic's own kinds, such as `search_result`.
        Part::Other { part, .. } => Some(part.into()),
    })
}

fn source(path: &str, url: String) -> Result<Value> {
    match url.strip_prefix("data:") {
        Some(data) => {
            let (media_type, data) = inline(path, data)?;
            Ok(json!({"type": "base64", "media_type": media_type, "data": data}))
        }
        None => Ok(json!({"type": "url", "url": url})),
    }
}

/// Media type and Base64 of what follows `data:`.
fn inline<'a>(path: &str, data: &'a str) -> Result<(&'a str, &'a str)> {
    let (head, data) = data.split_once(',').unwrap_or_default();
    match head.strip_suffix(";base64") {
        Some(media_type) => Ok((media_type.split(';').next().unwrap_or_default(), data)),
        None => Err(Error::invalid(path, format!("`{path}`: expected a URL or data:TYPE;base64,DATA"))),
    }
}

fn document(path: &str, file: FilePart) -> Result<Value> {
    let FilePart { file_data, file_id, filename, format } = file;
    let (kind, source) = match (file_data, file_id) {
        (Some(data), _) => file_inline(path, &data, format.as_deref())?,
        (None, Some(id)) => file_by_reference(&id, format.as_deref()),
        (None, None) => {
            return Err(Error::invalid(path, format!("`{path}`: expected `file_data` or `file_id`")));
        }
    };
    let mut block = json!({"type": kind, "source": source});
    if let Some(filename) = filename.filter(|_| kind == "document") {
        block["title"] = filename.into();
    }
    Ok(block)
}

fn file_inline(path: &str, data: &str, format: Option<&str>) -> Result<(&'static str, Value)> {
    let (media_type, data) = match data.strip_prefix("data:") {
        Some(data) => inline(path, data)?,
        None => (format.unwrap_or("application/pdf"), data),
    };
    if media_type != "text/plain" {
        let source = json!({"type": "base64", "media_type": media_type, "data": data});
        return Ok((kind_of(media_type), source));
    }
    let text = BASE64_STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text =
        text.ok_or_else(|| Error::invalid(path, format!("`{path}`: the text is no UTF-8 in Base64")))?;
    Ok(("document", json!({"type": "text", "media_type": media_type, "data": text})))
}

/// LiteLLM takes a URL for an id.
fn file_by_reference(id: &str, format: Option<&str>) -> (&'static str, Value) {
    let is_url = id.starts_with("https://") || id.starts_with("http://");
    let source =
        if is_url { json!({"type": "url", "url": id}) } else { json!({"type": "file", "file_id": id}) };
    (kind_of(format.unwrap_or_default()), source)
}

fn kind_of(media_type: &str) -> &'static str {
    if media_type.starts_with("image/") { "image" } else { "document" }
}
