//! Images: bare Base64 in Ollama's format, data URLs in OpenAI's.

/// How the Base64 of each kind of image begins.
/// Source: <https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern>
const BEGINNINGS: [(&str, &str); 4] = [
    // 89 50 4E 47 0D 0A
    ("iVBORw0K", "image/png"),
    // FF D8 FF
    ("/9j/", "image/jpeg"),
    // GIF8
    ("R0lGOD", "image/gif"),
    // RIFF; of its kinds only WebP is an image.
    ("UklGR", "image/webp"),
];

/// The data URL of an image in bare Base64; `None` where it is no image that vendors take.
pub fn data_url(base64: &str) -> Option<String> {
    let (_, media_type) = BEGINNINGS.iter().find(|(beginning, _)| base64.starts_with(beginning))?;
    Some(format!("data:{media_type};base64,{base64}"))
}

/// The bare Base64 of a data URL; `None` where it is another URL, or its data is no Base64.
/// Source: <https://www.rfc-editor.org/rfc/rfc2397>
pub fn base64_of(url: &str) -> Option<&str> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    head.ends_with(";base64").then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::png("iVBORw0KGgo=", Some("data:image/png;base64,iVBORw0KGgo="))]
    #[case::jpeg("/9j/4AAQ", Some("data:image/jpeg;base64,/9j/4AAQ"))]
    #[case::gif("R0lGODlh", Some("data:image/gif;base64,R0lGODlh"))]
    #[case::webp("UklGRiQA", Some("data:image/webp;base64,UklGRiQA"))]
    #[case::another("JVBERi0x", None)]
    #[case::nothing("", None)]
    fn an_images_type_is_told_by_its_first_bytes(#[case] base64: &str, #[case] expected: Option<&str>) {
        assert_eq!(data_url(base64).as_deref(), expected);
    }

    #[rstest]
    #[case::base64("data:image/png;base64,iVBO", Some("iVBO"))]
    #[case::with_a_parameter("data:image/png;x=y;base64,iVBO", Some("iVBO"))]
    #[case::percent_encoded("data:text/plain,a%20b", None)]
    #[case::a_link("https://x.test/y.png", None)]
    fn only_a_data_url_has_its_bytes_with_it(#[case] url: &str, #[case] expected: Option<&str>) {
        assert_eq!(base64_of(url), expected);
    }
}
