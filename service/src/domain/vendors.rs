//! The vendors that a configuration can name, by LiteLLM's prefixes: whose format each speaks, where it
//! listens, and which variables hold its key and its address.
//! Source: <https://docs.litellm.ai/docs/providers>; the addresses and variables are those of LiteLLM
//! 1.106 (`get_llm_provider_logic.py`, `llms/openai_like/providers.json`).

use super::endpoint::Provider;

/// One vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// What stands before the slash in `litellm_params.model`.
    pub prefix: &'static str,
    /// Whose wire format it speaks.
    pub provider: Provider,
    /// Where it listens, without a configured `api_base`; `None` where that has to be configured.
    pub base_url: Option<&'static str>,
    /// The variables that may hold its key, the first one that is set.
    pub key_variables: &'static [&'static str],
    /// The variables that may hold its base URL.
    pub base_variables: &'static [&'static str],
    /// Whether it answers without a key, as servers on one's own machine do.
    pub keyless: bool,
}

impl Vendor {
    /// The vendor of that prefix.
    #[must_use]
    pub fn of(prefix: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.prefix == prefix)
    }

    const fn without_key(mut self) -> Self {
        self.keyless = true;
        self
    }
}

const fn vendor(
    prefix: &'static str,
    provider: Provider,
    base_url: Option<&'static str>,
    key_variables: &'static [&'static str],
    base_variables: &'static [&'static str],
) -> Vendor {
    Vendor { prefix, provider, base_url, key_variables, base_variables, keyless: false }
}

/// A vendor with OpenAI's format.
const fn openai(
    prefix: &'static str,
    base_url: &'static str,
    key_variables: &'static [&'static str],
    base_variables: &'static [&'static str],
) -> Vendor {
    vendor(prefix, Provider::Openai, Some(base_url), key_variables, base_variables)
}

/// Whether LiteLLM knows a provider of that name whose format nobody here speaks.
#[must_use]
pub fn is_known_elsewhere(prefix: &str) -> bool {
    KNOWN_ELSEWHERE.contains(&prefix)
}

/// LiteLLM's providers with chat or embeddings in a format of their own.
const KNOWN_ELSEWHERE: &[&str] = &[
    "a2a",
    "a2a_agent",
    "ai21",
    "anthropic_text",
    "auto_router",
    "azure_ai",
    "azure_text",
    "bedrock",
    "bedrock_mantle",
    "bytez",
    "chatgpt",
    "clarifai",
    "cloudflare",
    "custom",
    "databricks",
    "datarobot",
    "gdc",
    "gigachat",
    "github_copilot",
    "gradient_ai",
    "heroku",
    "jina_ai",
    "langflow",
    "langgraph",
    "litellm_agent",
    "manus",
    "maritalk",
    "nlp_cloud",
    "oci",
    "oobabooga",
    "petals",
    "predibase",
    "ragflow",
    "replicate",
    "sagemaker",
    "sagemaker_chat",
    "sagemaker_nova",
    "sap",
    "snowflake",
    "text-completion-codestral",
    "text-completion-inception",
    "triton",
    "vertex_ai",
    "vertex_ai_beta",
    "voyage",
    "watsonx",
    "watsonx_text",
    "xinference",
];

/// Every vendor that is known.
pub const VENDORS: &[Vendor] = &[
    // Formats of their own.
    vendor("azure", Provider::Azure, None, &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], &["AZURE_API_BASE"]),
    vendor(
        "anthropic",
        Provider::Anthropic,
        Some("https://api.anthropic.com"),
        &["ANTHROPIC_API_KEY"],
        &["ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"],
    ),
    vendor(
        "gemini",
        Provider::Gemini,
        Some("https://generativelanguage.googleapis.com"),
        &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        &["GEMINI_API_BASE"],
    ),
    vendor(
        "mistral",
        Provider::Mistral,
        Some("https://api.mistral.ai/v1"),
        &["MISTRAL_API_KEY"],
        &["MISTRAL_API_BASE"],
    ),
    vendor(
        "codestral",
        Provider::Mistral,
        Some("https://codestral.mistral.ai/v1"),
        &["CODESTRAL_API_KEY"],
        &["CODESTRAL_API_BASE"],
    ),
    vendor(
        "cohere",
        Provider::Cohere,
        Some("https://api.cohere.com"),
        &["COHERE_API_KEY", "CO_API_KEY"],
        &["COHERE_API_BASE"],
    ),
    vendor(
        "cohere_chat",
        Provider::Cohere,
        Some("https://api.cohere.com"),
        &["COHERE_API_KEY", "CO_API_KEY"],
        &["COHERE_API_BASE"],
    ),
    vendor(
        "ollama",
        Provider::Ollama,
        Some("http://localhost:11434"),
        &["OLLAMA_API_KEY"],
        &["OLLAMA_API_BASE"],
    )
    .without_key(),
    vendor(
        "ollama_chat",
        Provider::Ollama,
        Some("http://localhost:11434"),
        &["OLLAMA_API_KEY"],
        &["OLLAMA_API_BASE"],
    )
    .without_key(),
    vendor("litellm_proxy", Provider::Litellm, None, &["LITELLM_PROXY_API_KEY"], &["LITELLM_PROXY_API_BASE"])
        .without_key(),
    // OpenAI's format, from OpenAI.
    openai(
        "openai",
        "https://api.openai.com/v1",
        &["OPENAI_API_KEY"],
        &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    ),
    openai(
        "text-completion-openai",
        "https://api.openai.com/v1",
        &["OPENAI_API_KEY"],
        &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    ),
    openai(
        "custom_openai",
        "https://api.openai.com/v1",
        &["OPENAI_API_KEY"],
        &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    ),
    // OpenAI's format, from servers on one's own machines.
    vendor("hosted_vllm", Provider::Openai, None, &["HOSTED_VLLM_API_KEY"], &["HOSTED_VLLM_API_BASE"])
        .without_key(),
    vendor("vllm", Provider::Openai, None, &["HOSTED_VLLM_API_KEY"], &["HOSTED_VLLM_API_BASE"]).without_key(),
    vendor("openai_like", Provider::Openai, None, &["OPENAI_LIKE_API_KEY"], &["OPENAI_LIKE_API_BASE"])
        .without_key(),
    vendor("lm_studio", Provider::Openai, None, &["LM_STUDIO_API_KEY"], &["LM_STUDIO_API_BASE"])
        .without_key(),
    openai("llamafile", "http://127.0.0.1:8080/v1", &["LLAMAFILE_API_KEY"], &["LLAMAFILE_API_BASE"])
        .without_key(),
    openai(
        "docker_model_runner",
        "http://localhost:22088/engines/llama.cpp/v1",
        &["DOCKER_MODEL_RUNNER_API_KEY"],
        &["DOCKER_MODEL_RUNNER_API_BASE"],
    )
    .without_key(),
    openai("lemonade", "http://localhost:8000/api/v1", &["LEMONADE_API_KEY"], &["LEMONADE_API_BASE"])
        .without_key(),
    // OpenAI's format, from the others.
    openai("abliteration", "https://api.abliteration.ai/v1", &["ABLITERATION_API_KEY"], &[]),
    openai("ai21_chat", "https://api.ai21.com/studio/v1", &["AI21_API_KEY"], &["AI21_API_BASE"]),
    openai("aihubmix", "https://aihubmix.com/v1", &["AIHUBMIX_API_KEY"], &["AIHUBMIX_API_BASE"]),
    openai("aiml", "https://api.aimlapi.com/v1", &["AIML_API_KEY", "AIMLAPI_KEY"], &["AIML_API_BASE"]),
    openai(
        "amazon_nova",
        "https://api.nova.amazon.com/v1",
        &["AMAZON_NOVA_API_KEY"],
        &["AMAZON_NOVA_API_BASE"],
    ),
    openai("apertis", "https://api.stima.tech/v1", &["STIMA_API_KEY"], &[]),
    openai("assemblyai", "https://llm-gateway.assemblyai.com/v1", &["ASSEMBLYAI_API_KEY"], &[]),
    openai("baseten", "https://inference.baseten.co/v1", &["BASETEN_API_KEY"], &["BASETEN_API_BASE"]),
    openai("cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"], &["CEREBRAS_API_BASE"]),
    openai(
        "charity_engine",
        "https://api.charityengine.services/remotejobs/v2/inference",
        &["CHARITY_ENGINE_API_KEY"],
        &[],
    ),
    openai("chutes", "https://llm.chutes.ai/v1", &["CHUTES_API_KEY"], &[]),
    openai("cognition", "https://api.cognition.ai/v1", &["COGNITION_API_KEY"], &["COGNITION_API_BASE"]),
    openai(
        "cometapi",
        "https://api.cometapi.com/v1",
        &["COMETAPI_KEY", "COMETAPI_API_KEY"],
        &["COMETAPI_API_BASE", "COMETAPI_BASE_URL"],
    ),
    openai("compactifai", "https://api.compactif.ai/v1", &["COMPACTIFAI_API_KEY"], &[]),
    openai("cortecs", "https://api.cortecs.ai/v1", &["CORTECS_API_KEY"], &["CORTECS_API_BASE"]),
    openai(
        "crusoe",
        "https://managed-inference-api-proxy.crusoecloud.com/v1",
        &["CRUSOE_API_KEY"],
        &["CRUSOE_API_BASE"],
    ),
    openai("darkbloom", "https://api.darkbloom.dev/v1", &["DARKBLOOM_API_KEY"], &["DARKBLOOM_API_BASE"]),
    openai(
        "dashscope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        &["DASHSCOPE_API_KEY"],
        &["DASHSCOPE_API_BASE"],
    ),
    openai(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        &["DEEPINFRA_API_KEY"],
        &["DEEPINFRA_API_BASE"],
    ),
    openai("deepseek", "https://api.deepseek.com/beta", &["DEEPSEEK_API_KEY"], &["DEEPSEEK_API_BASE"]),
    openai("edenai", "https://api.edenai.run/v3", &["EDENAI_API_KEY"], &["EDENAI_API_BASE"]),
    openai(
        "empiriolabs",
        "https://api.empiriolabs.ai/v1",
        &["EMPIRIOLABS_API_KEY"],
        &["EMPIRIOLABS_API_BASE"],
    ),
    openai("empower", "https://app.empower.dev/api/v1", &["EMPOWER_API_KEY"], &["EMPOWER_API_BASE"]),
    openai(
        "featherless_ai",
        "https://api.featherless.ai/v1",
        &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
        &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"],
    ),
    openai(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        &["FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKS_AI_TOKEN"],
        &["FIREWORKS_API_BASE"],
    ),
    openai(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
        &["FRIENDLI_API_BASE"],
    ),
    openai("galadriel", "https://api.galadriel.com/v1", &["GALADRIEL_API_KEY"], &["GALADRIEL_API_BASE"]),
    openai("github", "https://models.inference.ai.azure.com", &["GITHUB_API_KEY"], &["GITHUB_API_BASE"]),
    openai("gmi", "https://api.gmi-serving.com/v1", &["GMI_API_KEY"], &[]),
    openai("groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"], &["GROQ_API_BASE"]),
    openai("helicone", "https://ai-gateway.helicone.ai", &["HELICONE_API_KEY"], &[]),
    openai(
        "huggingface",
        "https://router.huggingface.co/v1",
        &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        &["HF_API_BASE", "HUGGINGFACE_API_BASE"],
    ),
    openai("hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_KEY"], &["HYPERBOLIC_API_BASE"]),
    openai("inception", "https://api.inceptionlabs.ai/v1", &["INCEPTION_API_KEY"], &["INCEPTION_API_BASE"]),
    openai("lambda_ai", "https://api.lambda.ai/v1", &["LAMBDA_API_KEY"], &["LAMBDA_API_BASE"]),
    openai("libertai", "https://api.libertai.io/v1", &["LIBERTAI_API_KEY"], &["LIBERTAI_API_BASE"]),
    openai("llamagate", "https://api.llamagate.dev/v1", &["LLAMAGATE_API_KEY"], &[]),
    openai("meta", "https://api.meta.ai/v1", &["META_API_KEY"], &["META_API_BASE"]),
    openai("meta_llama", "https://api.llama.com/compat/v1", &["LLAMA_API_KEY"], &["LLAMA_API_BASE"]),
    openai("minimax", "https://api.minimax.io/v1", &["MINIMAX_API_KEY"], &["MINIMAX_API_BASE"]),
    openai(
        "modelscope",
        "https://api-inference.modelscope.cn/v1",
        &["MODELSCOPE_API_KEY"],
        &["MODELSCOPE_API_BASE"],
    ),
    openai("moonshot", "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"], &["MOONSHOT_API_BASE"]),
    openai("morph", "https://api.morphllm.com/v1", &["MORPH_API_KEY"], &["MORPH_API_BASE"]),
    openai("nadir", "https://api.getnadir.com/v1", &["NADIR_API_KEY"], &["NADIR_API_BASE"]),
    openai("nano-gpt", "https://nano-gpt.com/api/v1", &["NANOGPT_API_KEY"], &[]),
    openai("nebius", "https://api.studio.nebius.ai/v1", &["NEBIUS_API_KEY"], &["NEBIUS_API_BASE"]),
    openai("neosantara", "https://api.neosantara.xyz/v1", &["NEOSANTARA_API_KEY"], &["NEOSANTARA_API_BASE"]),
    openai("novita", "https://api.novita.ai/v3/openai", &["NOVITA_API_KEY"], &["NOVITA_API_BASE"]),
    openai("nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_KEY"], &["NSCALE_API_BASE"]),
    openai(
        "nvidia_nim",
        "https://integrate.api.nvidia.com/v1",
        &["NVIDIA_NIM_API_KEY"],
        &["NVIDIA_NIM_API_BASE"],
    ),
    openai(
        "openrouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY", "OR_API_KEY"],
        &["OPENROUTER_API_BASE"],
    ),
    openai("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", &["OVHCLOUD_API_KEY"], &[]),
    openai("parasail", "https://api.parasail.io/v1", &["PARASAIL_API_KEY"], &["PARASAIL_API_BASE"]),
    openai(
        "perplexity",
        "https://api.perplexity.ai",
        &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
        &["PERPLEXITY_API_BASE"],
    ),
    openai("pinstripes", "https://pinstripes.io/v1", &["PINSTRIPES_API_KEY"], &["PINSTRIPES_API_BASE"]),
    openai("poe", "https://api.poe.com/v1", &["POE_API_KEY"], &[]),
    openai("prism", "https://api.prisminference.com/v1", &["PRISM_API_KEY"], &["PRISM_API_BASE"]),
    openai("publicai", "https://api.publicai.co/v1", &["PUBLICAI_API_KEY"], &["PUBLICAI_API_BASE"]),
    openai(
        "qwen_ai_platform",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        &["QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"],
        &["QWEN_AI_PLATFORM_API_BASE"],
    ),
    openai(
        "qwencloud",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"],
        &["QWENCLOUD_API_BASE"],
    ),
    openai("reka", "https://api.reka.ai/v1", &["REKA_API_KEY"], &["REKA_API_BASE"]),
    openai("sail", "https://api.sailresearch.com/v1", &["SAIL_API_KEY"], &["SAIL_API_BASE"]),
    openai("sambanova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"], &["SAMBANOVA_API_BASE"]),
    openai("sarvam", "https://api.sarvam.ai/v1", &["SARVAM_API_KEY"], &[]),
    openai("scaleway", "https://api.scaleway.ai/v1", &["SCW_SECRET_KEY"], &[]),
    openai("scx-ai", "https://api.scx.ai/v1", &["SCX_API_KEY"], &["SCX_API_BASE"]),
    openai("synthetic", "https://api.synthetic.new/openai/v1", &["SYNTHETIC_API_KEY"], &[]),
    openai(
        "tencent",
        "https://tokenhub-intl.tencentcloudmaas.com/v1",
        &["TENCENT_API_KEY"],
        &["TENCENT_API_BASE"],
    ),
    openai(
        "tensormesh",
        "https://serverless.tensormesh.ai/v1",
        &["TENSORMESH_INFERENCE_API_KEY"],
        &["TENSORMESH_SERVERLESS_BASE_URL"],
    ),
    openai(
        "together_ai",
        "https://api.together.ai/v1",
        &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
        &["TOGETHER_AI_API_BASE"],
    ),
    openai("v0", "https://api.v0.dev/v1", &["V0_API_KEY"], &["V0_API_BASE"]),
    openai("veniceai", "https://api.venice.ai/api/v1", &["VENICE_AI_API_KEY"], &[]),
    openai(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"],
        &["VERCEL_AI_GATEWAY_API_BASE"],
    ),
    openai(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        &["VOLCENGINE_API_KEY"],
        &["VOLCENGINE_API_BASE"],
    ),
    openai("wandb", "https://api.inference.wandb.ai/v1", &["WANDB_API_KEY"], &["WANDB_API_BASE"]),
    openai("xai", "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_API_BASE"]),
    openai("xiaomi_mimo", "https://api.xiaomimimo.com/v1", &["XIAOMI_MIMO_API_KEY"], &[]),
    openai("zai", "https://api.z.ai/api/paas/v4", &["ZAI_API_KEY"], &["ZAI_API_BASE"]),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::endpoint::BaseUrl;

    #[test]
    fn a_prefix_is_one_vendor_and_none_that_is_unknown_here() {
        let mut seen = HashSet::new();
        for vendor in VENDORS {
            assert!(seen.insert(vendor.prefix), "{} twice", vendor.prefix);
            assert!(!is_known_elsewhere(vendor.prefix), "{}", vendor.prefix);
        }
    }

    #[test]
    fn an_address_is_a_base_url_and_who_has_none_says_how_to_give_one() {
        for vendor in VENDORS {
            let url: Option<Result<BaseUrl, _>> = vendor.base_url.map(str::parse);
            let is_its_own_text = |url: &Result<BaseUrl, _>| {
                url.as_ref().map(ToString::to_string).ok().as_deref() == vendor.base_url
            };
            assert!(url.as_ref().is_none_or(is_its_own_text), "{vendor:?}");
            assert!(url.is_some() || !vendor.base_variables.is_empty(), "{vendor:?}");
        }
    }
}
