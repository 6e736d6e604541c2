//! What each key of `litellm_params` is.
//! Source: <https://docs.litellm.ai/docs/proxy/configs>, and `OWNED_KWARG_NAMES` of LiteLLM 1.106

/// The meaning of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It says something about the endpoint, and is read.
    Endpoint,
    /// A price, for LiteLLM's accounting.
    Price,
    /// LiteLLM's own, without a meaning here.
    Unsupported,
    /// A member of every request to the endpoint.
    Request,
    /// Likewise, though nobody knows it: LiteLLM passes it on as well.
    UnknownRequest,
}

/// What `key` means.
pub fn meaning(key: &str) -> Meaning {
    if ENDPOINT.contains(&key) {
        Meaning::Endpoint
    } else if is_price(key) {
        Meaning::Price
    } else if UNSUPPORTED.contains(&key) || UNSUPPORTED_BEGINNINGS.iter().any(|begin| key.starts_with(begin))
    {
        Meaning::Unsupported
    } else if REQUEST.contains(&key) {
        Meaning::Request
    } else {
        Meaning::UnknownRequest
    }
}

fn is_price(key: &str) -> bool {
    key == "tiered_pricing" || key.contains("cost_per_") || key.contains("_cost") || key.starts_with("cost_")
}

const ENDPOINT: [&str; 22] = [
    "model",
    "custom_llm_provider",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "organization",
    "timeout",
    "request_timeout",
    "stream_timeout",
    "rpm",
    "tpm",
    "weight",
    "order",
    "max_parallel_requests",
    "drop_params",
    "additional_drop_params",
    "extra_headers",
    "headers",
    "extra_body",
    "mock_response",
    "litellm_credential_name",
];

/// OpenAI's members of a request, and those of other vendors that are well known.
const REQUEST: [&str; 50] = [
    "audio",
    "dimensions",
    "encoding_format",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
    // vLLM, Ollama, Anthropic, Gemini, Cohere, Mistral, OpenRouter
    "chat_template_kwargs",
    "format",
    "guided_json",
    "input_type",
    "keep_alive",
    "min_p",
    "mirostat",
    "num_ctx",
    "num_predict",
    "provider",
    "reasoning",
    "repeat_penalty",
    "repetition_penalty",
    "safe_prompt",
    "safety_settings",
    "think",
    "thinking",
    "top_k",
];

const UNSUPPORTED_BEGINNINGS: [&str; 23] = [
    "_",
    "adaptive_router_",
    "anthropic_",
    "auto_router_",
    "aws_",
    "azure_",
    "bedrock_",
    "complexity_router_",
    "default_api_key_",
    "gcs_",
    "langfuse_",
    "langsmith_",
    "litellm_",
    "milvus_",
    "openai_",
    "prompt_",
    "quality_router_",
    "s3_",
    "stream_timeout_",
    "timeout_",
    "valkey_",
    "vertex_",
    "watsonx_",
];

const UNSUPPORTED: [&str; 68] = [
    "allow_client_keepalive_override",
    "allowed_model_region",
    "allowed_openai_params",
    "assistant_continue_message",
    "base_model",
    "bos_token",
    "bucket_name",
    "budget_duration",
    "cache",
    "caching",
    "caching_groups",
    "client_id",
    "client_secret",
    "configurable_clientside_auth_params",
    "context_window_fallback_dict",
    "cooldown_time",
    "custom_prompt_dict",
    "data_residency",
    "disable_add_transform_inline_image_block",
    "enable_json_schema_validation",
    "enable_prompt_caching",
    "enable_tag_filtering",
    "ensure_alternating_roles",
    "eos_token",
    "fallbacks",
    "fastest_response",
    "final_prompt_value",
    "fireworks_forward_user_id",
    "force_timeout",
    "guardrails",
    "hf_model_name",
    "id",
    "initial_prompt_value",
    "itpm",
    "keepalive_seconds",
    "max_agentic_loops",
    "max_budget",
    "max_fallbacks",
    "max_file_size_mb",
    "max_retries",
    "merge_reasoning_content_in_choices",
    "messages",
    "metadata",
    "mock_timeout",
    "model_info",
    "model_list",
    "no-log",
    "num_retries",
    "otpm",
    "provider_affinity_header",
    "region_name",
    "retry_policy",
    "roles",
    "routing_strategy",
    "silent_model",
    "ssl_verify",
    "stream",
    "stream_options",
    "stream_response",
    "supports_system_message",
    "tag_regex",
    "tags",
    "tenant_id",
    "use_chat_completions_api",
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
    "user_continue_message",
];

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::the_endpoints("api_base", Meaning::Endpoint)]
    #[case::openais("temperature", Meaning::Request)]
    #[case::a_vendors("top_k", Meaning::Request)]
    #[case::litellms("max_retries", Meaning::Unsupported)]
    #[case::another_clouds("aws_region_name", Meaning::Unsupported)]
    #[case::a_price("input_cost_per_token", Meaning::Price)]
    #[case::a_cache_price("cache_read_input_token_cost", Meaning::Price)]
    #[case::nobodys("tempratur", Meaning::UnknownRequest)]
    fn a_key_has_one_meaning(#[case] key: &str, #[case] expected: Meaning) {
        assert_eq!(meaning(key), expected);
    }
}
