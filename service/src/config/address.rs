//! Where an endpoint listens, as its adapter wants it.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::endpoint::{BaseUrl, Provider};
use crate::domain::vendors::Vendor;

/// The base URL of a configured address. What operators copy from vendors' pages, the path of one
/// operation at its end, is cut off; what LiteLLM adds is added.
///
/// # Errors
/// What was expected. The address itself is not told: it may hold credentials.
pub fn base_url(vendor: &Vendor, text: &str) -> Result<BaseUrl, String> {
    let mut url: BaseUrl = text.parse().map_err(|expected| format!("has to be {expected}{}", hint(text)))?;
    let tail = tails(vendor.provider).iter().find(|tail| url.prefix.ends_with(*tail));
    url.prefix.truncate(url.prefix.len() - tail.map_or(0, |tail| tail.len()));
    if adds_version(vendor) && !url.prefix.ends_with("/v1") {
        url.prefix.push_str("/v1");
    }
    Ok(url)
}

fn hint(text: &str) -> &'static str {
    if text.contains("://") { "" } else { "; its scheme is missing" }
}

/// What will surprise about an address: a cloud's metadata service answers anybody on its machine, with
/// that machine's credentials.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>,
/// <https://cloud.google.com/compute/docs/metadata/querying-metadata>
pub fn warning(url: &BaseUrl) -> Option<&'static str> {
    const WARNING: &str =
        "names a cloud's metadata service, or an address of the local link: no provider is there";
    let host = url.host().trim_end_matches('.');
    let is_metadata = match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_unicast_link_local()
                || address == AWS_METADATA
                || address.to_ipv4_mapped().is_some_and(|address| address.is_link_local())
        }
        Err(_) => host.eq_ignore_ascii_case("metadata.google.internal"),
    };
    is_metadata.then_some(WARNING)
}

const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The ends of an address that the adapter writes itself; the longest first.
const fn tails(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Openai | Provider::Mistral => &["/chat/completions", "/completions", "/embeddings"],
        Provider::Litellm => &["/v1/chat/completions", "/chat/completions", "/v1"],
        Provider::Anthropic => &["/v1/messages", "/v1"],
        Provider::Gemini => &["/models"],
        Provider::Cohere => &["/v2/chat", "/v1/chat", "/v2", "/v1"],
        Provider::Ollama => &["/api/chat", "/api/generate", "/api/embed", "/api", "/v1"],
        Provider::Azure | Provider::Mock => &[],
    }
}

/// LiteLLM adds the version to these vendors' addresses.
fn adds_version(vendor: &Vendor) -> bool {
    vendor.provider == Provider::Mistral || vendor.prefix == "docker_model_runner"
}

/// An address that is never called.
pub fn nowhere() -> BaseUrl {
    BaseUrl {
        scheme: http::uri::Scheme::HTTP,
        authority: http::uri::Authority::from_static("mock.invalid"),
        prefix: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(prefix: &str, text: &str) -> Result<String, String> {
        base_url(Vendor::of(prefix).expect("a vendor"), text).map(|url| url.to_string())
    }

    #[rstest]
    #[case::as_it_is("openai", "http://vllm:8000/v1", "http://vllm:8000/v1")]
    #[case::without_a_version("openai", "http://vllm:8000", "http://vllm:8000")]
    #[case::an_operation("openai", "http://vllm:8000/v1/chat/completions", "http://vllm:8000/v1")]
    #[case::anthropics_version("anthropic", "https://api.anthropic.com/v1", "https://api.anthropic.com")]
    #[case::anthropics_operation("anthropic", "https://a.example/x/v1/messages", "https://a.example/x")]
    #[case::geminis_version_stays("gemini", "https://g.example/v1beta/", "https://g.example/v1beta")]
    #[case::geminis_collection("gemini", "https://g.example/v1/models", "https://g.example/v1")]
    #[case::coheres_version("cohere", "https://api.cohere.com/v2/chat", "https://api.cohere.com")]
    #[case::ollamas_operation("ollama_chat", "http://localhost:11434/api/chat", "http://localhost:11434")]
    #[case::ollamas_other_format("ollama", "http://localhost:11434/v1", "http://localhost:11434")]
    #[case::litellms_version("litellm_proxy", "http://litellm:4000/v1", "http://litellm:4000")]
    #[case::mistral_gets_a_version("mistral", "https://api.mistral.ai", "https://api.mistral.ai/v1")]
    #[case::azure_is_left_alone("azure", "https://x.openai.azure.com/", "https://x.openai.azure.com")]
    fn an_address_becomes_what_the_adapter_wants(
        #[case] prefix: &str,
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(read(prefix, text), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case::of_aws("http://169.254.169.254/latest", true)]
    #[case::of_aws_by_ipv6("http://[fd00:ec2::254]", true)]
    #[case::of_google("http://metadata.google.internal/v1", true)]
    #[case::of_google_with_its_last_dot("http://Metadata.Google.Internal./v1", true)]
    #[case::the_local_link("http://169.254.1.1:8000", true)]
    #[case::the_local_link_by_ipv6("http://[fe80::1]:8000", true)]
    #[case::an_address_inside_of_ipv6("http://[::ffff:169.254.169.254]", true)]
    #[case::a_private_address("http://10.0.0.1", false)]
    #[case::a_provider("https://api.openai.com", false)]
    fn metadata_services_and_the_local_link_are_warned_about(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(warning(&url.parse().expect("a URL")).is_some(), expected);
    }

    #[test]
    fn an_address_without_a_scheme_is_told_so_and_credentials_are_not_repeated() {
        let bare = read("openai", "vllm:8000/v1").expect_err("no scheme");
        assert!(bare.ends_with("its scheme is missing"), "{bare}");
        let secret = read("openai", "http://me:hunter2@vllm").expect_err("credentials");
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
