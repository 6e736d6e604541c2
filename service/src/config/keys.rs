//! An endpoint's key: its own, or the one in its vendor's variable.

use super::references::{Variables, first};
use crate::domain::endpoint::Provider;
use crate::domain::secret::Secret;
use crate::domain::vendors::Vendor;

/// What an endpoint lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Lack {
    /// The end of "it is left out: …".
    pub message: String,
    /// The variable that would help.
    pub variable: Option<String>,
}

impl Lack {
    /// These variables are not set; one of them would do.
    pub fn unset(variables: &[&str]) -> Self {
        let message = match variables {
            [one] => format!("{one} is not set"),
            several => format!("none of {} is set", several.join(", ")),
        };
        Self { message, variable: variables.first().map(|name| (*name).to_owned()) }
    }

    /// The file says nothing for `key`, and these variables neither.
    pub fn missing(key: &str, variables: &[&str]) -> Self {
        let unset = Self::unset(variables);
        Self { message: format!("it has no `{key}`, and {}", unset.message), ..unset }
    }

    fn wrong(message: &str) -> Self {
        Self { message: message.to_owned(), variable: None }
    }
}

/// The key of an endpoint: `own` is what the file says, `is_elsewhere` whether it gives an address too.
/// Servers on one's own machines that speak OpenAI's format seldom want one.
///
/// # Errors
/// It needs one and has none, or has one that no header can carry.
pub fn key(
    vendor: &Vendor,
    own: Option<&str>,
    is_elsewhere: bool,
    variables: &Variables,
) -> Result<Option<Secret>, Lack> {
    let own = own.map(str::trim);
    let is_optional = vendor.keyless || (is_elsewhere && vendor.provider == Provider::Openai);
    let text = match own {
        Some("") if vendor.keyless => None,
        Some("") => return Err(Lack::wrong("its key is empty")),
        Some(text) => Some(text),
        None => first(variables, vendor.key_variables).map(|(_, value)| value.trim()),
    };
    match text {
        Some(text) if text.bytes().any(|byte| !byte.is_ascii_graphic()) => {
            Err(Lack::wrong("its key has other characters than visible ASCII"))
        }
        Some(text) => Ok(Some(Secret::new(text))),
        None if is_optional => Ok(None),
        None => Err(Lack::unset(vendor.key_variables)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(prefix: &str, own: Option<&str>, is_elsewhere: bool) -> Result<Option<String>, String> {
        let variables: Variables = [("GROQ_API_KEY", ""), ("OPENAI_API_KEY", "sk-env\n")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into();
        let key = key(Vendor::of(prefix).expect("a vendor"), own, is_elsewhere, &variables);
        key.map(|key| key.map(|key| key.expose().to_owned())).map_err(|lack| lack.message)
    }

    #[rstest]
    #[case::its_own("openai", Some("sk-own"), false, Ok(Some("sk-own")))]
    #[case::its_vendors("openai", None, false, Ok(Some("sk-env")))]
    #[case::none_set("groq", None, false, Err("GROQ_API_KEY is not set"))]
    #[case::none_of_several("xai", Some(""), false, Err("its key is empty"))]
    #[case::several_variables(
        "openrouter",
        None,
        false,
        Err("none of OPENROUTER_API_KEY, OR_API_KEY is set")
    )]
    #[case::none_needed("hosted_vllm", None, true, Ok(None))]
    #[case::an_empty_one_where_none_is_needed("ollama", Some(""), false, Ok(None))]
    #[case::another_server_with_openais_format("groq", None, true, Ok(None))]
    #[case::another_server_of_anthropic("anthropic", None, true, Err("ANTHROPIC_API_KEY is not set"))]
    #[case::no_header_can_carry_it(
        "openai",
        Some("sk a"),
        false,
        Err("its key has other characters than visible ASCII")
    )]
    fn a_key_is_the_endpoints_own_or_its_vendors(
        #[case] prefix: &str,
        #[case] own: Option<&str>,
        #[case] is_elsewhere: bool,
        #[case] expected: Result<Option<&str>, &str>,
    ) {
        let expected = expected.map(|key| key.map(str::to_owned)).map_err(str::to_owned);
        assert_eq!(read(prefix, own, is_elsewhere), expected);
    }
}
