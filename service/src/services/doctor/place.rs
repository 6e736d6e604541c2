//! How the operator calls what is to be changed: the keys differ between the files.

/// Where an endpoint is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An entry of LiteLLM's file.
    Yaml,
    /// A section of a `config.ini`.
    Ini,
    /// `LLM_PROXY__…` alone: the LiteLLM in front.
    Variables,
}

impl Place {
    /// Where its URL stands.
    pub const fn url(self) -> &'static str {
        match self {
            Self::Yaml => "`api_base`",
            Self::Ini => "`url`",
            Self::Variables => "LLM_PROXY__LITELLM_PROXY_URL",
        }
    }

    /// Where our key for it stands.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Yaml => "`api_key`",
            Self::Ini => "`apikey`",
            Self::Variables => "LLM_PROXY__LITELLM_API_KEY",
        }
    }

    /// Where the name of its model stands.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Yaml => "`litellm_params.model`",
            Self::Ini => "`model`",
            Self::Variables => "LLM_PROXY__DEFAULT_MODEL",
        }
    }

    /// Where this part of the way to it stands: one of `config::egress`'s keys, each of which has a
    /// variable for all endpoints.
    pub fn way(self, key: &str) -> String {
        let variable = format!("LLM_PROXY__{}", key.to_uppercase());
        if self == Self::Variables { variable } else { format!("`{key}` (or {variable})") }
    }

    /// Where the name in its certificate stands; nowhere for the LiteLLM in front.
    pub const fn server_name(self) -> Option<&'static str> {
        match self {
            Self::Yaml | Self::Ini => Some("`server_name`"),
            Self::Variables => None,
        }
    }
}
