//! What a message says: a text, or parts.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A message's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A plain text.
    Text(String),
    /// Texts, images, files.
    Parts(Vec<Part>),
}

impl Content {
    /// All of its text, joined.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(Part::text).collect(),
        }
    }

    /// Its parts; a plain text is one.
    #[must_use]
    pub fn into_parts(self) -> Vec<Part> {
        match self {
            Self::Text(text) => vec![Part::Text { text, cache_control: None }],
            Self::Parts(parts) => parts,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Content, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Content::Parts)
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// One part of a content. `cache_control` is Anthropic's mark, which LiteLLM takes in the same place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawPart")]
pub enum Part {
    /// `{"type": "text", "text"}`
    Text {
        /// The text.
        text: String,
        /// The prompt is cached up to here.
        cache_control: Option<Value>,
    },
    /// `{"type": "image_url", "image_url": {"url", "detail"}}`
    Image {
        /// `https://…` or `data:image/png;base64,…`
        url: String,
        /// `auto`, `low`, `high`.
        detail: Option<String>,
        /// The prompt is cached up to here.
        cache_control: Option<Value>,
    },
    /// `{"type": "input_audio", "input_audio": {"data", "format"}}`
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3`.
        format: String,
    },
    /// `{"type": "file", "file": {…}}`
    File {
        /// Which one.
        file: FilePart,
        /// The prompt is cached up to here.
        cache_control: Option<Value>,
    },
    /// `{"type": "refusal", "refusal"}`: what the assistant had refused with.
    Refusal {
        /// Its words.
        text: String,
    },
    /// A type that OpenAI does not document: whole, as it came.
    Other {
        /// Its `type`.
        kind: String,
        /// The part.
        part: Map<String, Value>,
    },
}

/// A file that goes with a prompt.
/// Source: <https://platform.openai.com/docs/guides/pdf-files>
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FilePart {
    /// `data:application/pdf;base64,…`
    #[serde(default)]
    pub file_data: Option<String>,
    /// The vendor's id of an uploaded file; LiteLLM also takes a URL here.
    #[serde(default)]
    pub file_id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub filename: Option<String>,
    /// Its media type, where `file_data` does not say it: LiteLLM's.
    #[serde(default)]
    pub format: Option<String>,
}

impl Part {
    /// The text, where the part is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether the prompt is cached up to here.
    #[must_use]
    pub const fn has_cache_mark(&self) -> bool {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::File { cache_control, .. } => cache_control.is_some(),
            Self::Audio { .. } | Self::Refusal { .. } | Self::Other { .. } => false,
        }
    }
}

#[derive(Deserialize)]
struct RawPart {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl TryFrom<RawPart> for Part {
    type Error = String;

    fn try_from(mut raw: RawPart) -> Result<Self, String> {
        let cache_control = raw.members.get("cache_control").filter(|mark| !mark.is_null()).cloned();
        match raw.kind.as_str() {
            "text" => Ok(Self::Text { text: raw.take("text")?, cache_control }),
            "refusal" => Ok(Self::Refusal { text: raw.take("refusal")? }),
            "image_url" => {
                let image: RawImage = raw.take("image_url")?;
                let (url, detail) = match image {
                    RawImage::Url(url) => (url, None),
                    RawImage::Image { url, detail } => (url, detail),
                };
                Ok(Self::Image { url, detail, cache_control })
            }
            "input_audio" => {
                let RawAudio { data, format } = raw.take("input_audio")?;
                Ok(Self::Audio { data, format })
            }
            "file" => Ok(Self::File { file: raw.take("file")?, cache_control }),
            _ => {
                raw.members.insert("type".to_owned(), raw.kind.clone().into());
                Ok(Self::Other { kind: raw.kind, part: raw.members })
            }
        }
    }
}

impl RawPart {
    fn take<T: for<'a> Deserialize<'a>>(&mut self, member: &str) -> Result<T, String> {
        let value = self.members.remove(member).unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| format!("a part of type `{}` needs a valid `{member}`: {error}", self.kind))
    }
}

/// Some clients send the URL itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawImage {
    Url(String),
    Image {
        url: String,
        #[serde(default)]
        detail: Option<String>,
    },
}

#[derive(Deserialize)]
struct RawAudio {
    data: String,
    format: String,
}
