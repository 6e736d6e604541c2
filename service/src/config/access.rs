//! Who may call this service, and how it reaches LiteLLM.

use super::read::{Reader, Text};
use super::settings::SettingsError;
use crate::domain::endpoint::BaseUrl;
use crate::domain::secret::Secret;

/// The key of a service that nobody configured: good on loopback only.
pub const DEFAULT_INTERNAL_API_KEY: &str = "change-me-internal-key";

/// The LiteLLM proxy's URL.
pub(super) fn litellm_proxy_url(r: &mut Reader, text: Text) -> Result<BaseUrl, SettingsError> {
    const NAME: &str = "LITELLM_PROXY_URL";
    let set = text.as_deref().is_some_and(|text| !text.is_empty());
    let text = text.filter(|_| set).unwrap_or_else(|| "http://localhost:4000".to_owned());
    let url: BaseUrl = text.parse().map_err(|expected| {
        // A URL with credentials is among what is refused, so what it held cannot be shown whole.
        let held = text.rsplit_once('@').map_or(text.clone(), |(_, host)| format!("***@{host}"));
        SettingsError::new(NAME, format!("holds {held:?}, expected {expected}"))
    })?;
    r.show(NAME, url.to_string(), set);
    Ok(url)
}

/// What callers show.
pub(super) fn internal_api_key(r: &mut Reader, text: Text) -> Result<Secret, SettingsError> {
    const NAME: &str = "INTERNAL_API_KEY";
    match header_secret(r, NAME, text)? {
        Some(key) => Ok(key),
        None => Ok(Secret::new(DEFAULT_INTERNAL_API_KEY)),
    }
}

/// A secret that travels in a header; shown as `***` where it is set.
pub(super) fn header_secret(r: &mut Reader, name: &str, text: Text) -> Result<Option<Secret>, SettingsError> {
    let text = text.filter(|text| !text.is_empty());
    if text.as_deref().is_some_and(|text| text.bytes().any(|byte| !byte.is_ascii_graphic())) {
        let problem = "holds ***, expected visible ASCII characters without spaces";
        return Err(SettingsError::new(name, problem));
    }
    let shown = if text.is_some() { "***" } else { "(none or default)" };
    r.show(name, shown.to_owned(), text.is_some());
    Ok(text.map(Secret::new))
}
