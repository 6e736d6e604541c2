//! Embeddings.
//!
//! Source: <https://platform.openai.com/docs/api-reference/embeddings/object>

use super::declare::*;

answer! {
    /// An answer of `embeddings.create`.
    ///
    /// >>> answer = EmbeddingResponse.from_dict({"data": [{"index": 0, "embedding": [0.5, -0.5]}]})
    /// >>> answer.data[0].embedding
    /// [0.5, -0.5]
    EmbeddingResponse in "llm_proxy.types" {
        /// A vector of each input.
        data: "data" => Many(Embedding::class),
        /// The model that made them.
        model: "model" => Value,
        /// `list`
        object: "object" => Value,
        /// The tokens that it cost.
        usage: "usage" => One(EmbeddingUsage::class),
    }
}

record! {
    /// A vector.
    ///
    /// >>> Embedding.from_dict({"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}).embedding
    /// [0.5, -0.5]
    Embedding in "llm_proxy.types" {
        /// The vector's numbers; with `encoding_format="base64"` the text that it is then.
        embedding: "embedding" => Value,
        /// The input's place among the inputs.
        index: "index" => Value,
        /// `embedding`
        object: "object" => Repeated,
    }
}

record! {
    /// The tokens that embeddings cost.
    ///
    /// >>> EmbeddingUsage.from_dict({"prompt_tokens": 5, "total_tokens": 5}).total_tokens
    /// 5
    EmbeddingUsage in "llm_proxy.types" {
        /// Tokens of the inputs.
        prompt_tokens: "prompt_tokens" => Value,
        /// All tokens.
        total_tokens: "total_tokens" => Value,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EmbeddingResponse>()?;
    module.add_class::<Embedding>()?;
    module.add_class::<EmbeddingUsage>()
}
