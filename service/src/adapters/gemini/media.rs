//! Images, sounds and files of a prompt, as Google's parts.
//! Source: <https://ai.google.dev/gemini-api/docs/file-input-methods>

use serde_json::{Value, json};

use super::generation::Generation;
use crate::adapters::params::unsupported;
use crate::domain::chat::FilePart;
use crate::domain::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Where uploaded files are; their ids are `files/…`.
/// Source: <https://ai.google.dev/api/files>
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// An image. `path` names it in errors.
///
/// # Errors
/// Its URL is none that Google fetches.
pub fn image(
    endpoint: &Endpoint,
    generation: Generation,
    (url, detail): (&str, Option<&str>),
    path: &str,
) -> Result<Value> {
    let mut part = referred(endpoint, url, None, path)?;
    // Older models have one resolution for the whole prompt; `auto` is everybody's default.
    // Source: <https://ai.google.dev/gemini-api/docs/media-resolution>
    let level = match detail {
        Some("low") => Some("MEDIA_RESOLUTION_LOW"),
        Some("high") => Some("MEDIA_RESOLUTION_HIGH"),
        _ => None,
    };
    if let (true, Some(level)) = (generation.is_three(), level) {
        part["mediaResolution"] = json!({"level": level});
    }
    Ok(part)
}

/// A sound in Base64; `format` is `wav`, `mp3` and the like.
/// Source: <https://ai.google.dev/gemini-api/docs/audio#supported-formats>
pub fn audio(data: &str, format: &str) -> Value {
    inline(&format!("audio/{format}"), data)
}

/// A file, by its bytes, its id, or its URL.
///
/// # Errors
/// It has none of them, or bytes without a media type.
pub fn file(endpoint: &Endpoint, file: &FilePart, path: &str) -> Result<Value> {
    let format = file.format.as_deref();
    match (&file.file_data, &file.file_id) {
        (Some(data), _) if data.starts_with("data:") => referred(endpoint, data, format, path),
        (Some(data), _) => match format {
            Some(format) => Ok(inline(format, data)),
            None => {
                let message = format!("`{path}.file_data` must be a data URL: the media type is missing");
                Err(Error::invalid(format!("{path}.file_data"), message))
            }
        },
        (None, Some(id)) if id.starts_with("files/") => Ok(stored(&format!("{FILES}{id}"), format)),
        (None, Some(url)) => referred(endpoint, url, format, path),
        (None, None) => {
            let message = format!("`{path}` needs `file_data` or `file_id`");
            Err(Error::invalid(path, message))
        }
    }
}

/// What a URL refers to: its own data, a stored file, or something on the web that Google fetches.
fn referred(endpoint: &Endpoint, url: &str, format: Option<&str>, path: &str) -> Result<Value> {
    if let Some(rest) = url.strip_prefix("data:") {
        return match rest.split_once(";base64,") {
            Some((media_type, data)) => {
                let media_type = media_type.split(';').next().unwrap_or_default();
                Ok(inline(format.unwrap_or(media_type), data))
            }
            None => Err(unsupported(endpoint, path, "a data URL must be in Base64")),
        };
    }
    if url.starts_with("https://") || url.starts_with("gs://") {
        return Ok(stored(url, format.or_else(|| media_type(url))));
    }
    Err(unsupported(endpoint, path, "only https URLs are fetched: send a data URL instead"))
}

fn inline(media_type: &str, data: &str) -> Value {
    json!({"inlineData": {"mimeType": media_type, "data": data}})
}

fn stored(url: &str, media_type: Option<&str>) -> Value {
    match media_type {
        Some(media_type) => json!({"fileData": {"mimeType": media_type, "fileUri": url}}),
        None => json!({"fileData": {"fileUri": url}}),
    }
}

/// The media type that a URL's ending tells.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, name) = path.rsplit_once('/')?;
    let (_, ending) = name.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        "gif" => Some("image/gif"),
        "pdf" => Some("application/pdf"),
        "mp4" => Some("video/mp4"),
        "mov" => Some("video/quicktime"),
        "webm" => Some("video/webm"),
        "mp3" => Some("audio/mp3"),
        "wav" => Some("audio/wav"),
        "txt" => Some("text/plain"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::testing::endpoint;
    use crate::domain::endpoint::Provider;
    use rstest::rstest;

    fn gemini() -> Endpoint {
        endpoint(Provider::Gemini, "http://gemini")
    }

    fn file_of(data: Option<&str>, id: Option<&str>, format: Option<&str>) -> Result<Value> {
        let [file_data, file_id, format] = [data, id, format].map(|text| text.map(str::to_owned));
        file(&gemini(), &FilePart { file_data, file_id, format, filename: None }, "file")
    }

    #[rstest]
    #[case::a_data_url("data:image/png;base64,QUJD", json!({"inlineData": {"mimeType": "image/png", "data": "QUJD"}}))]
    #[case::with_parameters("data:image/png;name=a;base64,QUJD", json!({"inlineData": {"mimeType": "image/png", "data": "QUJD"}}))]
    #[case::on_the_web("https://x.test/a.JPG?w=1", json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.test/a.JPG?w=1"}}))]
    #[case::with_no_ending("https://x.test/a", json!({"fileData": {"fileUri": "https://x.test/a"}}))]
    fn an_image_is_inline_or_referred_to(#[case] url: &str, #[case] expected: Value) {
        let part = image(&gemini(), Generation::TwoAndAHalf, (url, Some("high")), "image_url");
        assert_eq!(part, Ok(expected));
    }

    #[rstest]
    #[case::not_encrypted("http://x.test/a.png")]
    #[case::not_base64("data:text/plain,hello")]
    #[case::no_url("a.png")]
    fn what_google_does_not_fetch_is_refused_by_name(#[case] url: &str) {
        let error = image(&gemini(), Generation::Three, (url, None), "image_url").expect_err("refused");
        assert_eq!((error.code(), error.param()), ("unsupported_parameter", Some("image_url")));
    }

    #[rstest]
    #[case::bytes(Some("QUJD"), None, Some("application/pdf"),
        json!({"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}}))]
    #[case::an_id(None, Some("files/abc"), Some("application/pdf"), json!({"fileData": {"mimeType": "application/pdf",
        "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}))]
    #[case::a_url(None, Some("gs://b/a.pdf"), None,
        json!({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf"}}))]
    fn a_file_is_taken_in_every_form(
        #[case] data: Option<&str>,
        #[case] id: Option<&str>,
        #[case] format: Option<&str>,
        #[case] expected: Value,
    ) {
        assert_eq!(file_of(data, id, format), Ok(expected));
    }

    #[rstest]
    #[case::nothing(None, "file")]
    #[case::no_media_type(Some("QUJD"), "file.file_data")]
    fn a_file_that_cannot_be_sent_is_named(#[case] data: Option<&str>, #[case] param: &str) {
        assert_eq!(file_of(data, None, None).expect_err("refused").param(), Some(param));
    }
}
