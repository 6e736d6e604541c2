//! What a chat completion and its chunks share: log probabilities and usage.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/object>

use super::declare::*;

record! {
    /// How likely the tokens of an answer were.
    ///
    /// >>> ChoiceLogprobs.from_dict({"content": [{"token": "Hi", "logprob": -0.1}]}).content[0].token
    /// 'Hi'
    ChoiceLogprobs in "llm_proxy.types" {
        /// One of each token of the content.
        content: "content" => Many(ChatCompletionTokenLogprob::class),
        /// One of each token of the refusal.
        refusal: "refusal" => Many(ChatCompletionTokenLogprob::class),
    }
}

record! {
    /// How likely a token was.
    ///
    /// >>> ChatCompletionTokenLogprob.from_dict({"token": "Hi", "bytes": [72, 105], "logprob": -0.1}).logprob
    /// -0.1
    ChatCompletionTokenLogprob in "llm_proxy.types" {
        /// The token.
        token: "token" => Value,
        /// Its natural logarithm of the probability; -9999.0 for one that is very unlikely.
        logprob: "logprob" => Value,
        /// Its bytes in UTF-8: a character may be of several tokens.
        bytes: "bytes" => Value,
        /// The likeliest tokens at this place.
        top_logprobs: "top_logprobs" => Many(TopLogprob::class),
    }
}

record! {
    /// A token that could have come instead.
    ///
    /// >>> TopLogprob.from_dict({"token": "Hi", "bytes": None, "logprob": -0.1}).token
    /// 'Hi'
    TopLogprob in "llm_proxy.types" {
        /// The token.
        token: "token" => Value,
        /// Its natural logarithm of the probability.
        logprob: "logprob" => Value,
        /// Its bytes in UTF-8.
        bytes: "bytes" => Value,
    }
}

record! {
    /// The tokens that an answer cost.
    ///
    /// >>> CompletionUsage.from_dict({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}).total_tokens
    /// 13
    CompletionUsage in "llm_proxy.types" {
        /// Tokens of the prompt.
        prompt_tokens: "prompt_tokens" => Value,
        /// Tokens of the answer, with those of the reasoning.
        completion_tokens: "completion_tokens" => Value,
        /// Both.
        total_tokens: "total_tokens" => Value,
        /// What the prompt's tokens were.
        prompt_tokens_details: "prompt_tokens_details" => One(PromptTokensDetails::class),
        /// What the answer's tokens were.
        completion_tokens_details: "completion_tokens_details" => One(CompletionTokensDetails::class),
    }
}

record! {
    /// What the prompt's tokens were.
    ///
    /// >>> PromptTokensDetails.from_dict({"cached_tokens": 8}).cached_tokens
    /// 8
    PromptTokensDetails in "llm_proxy.types" {
        /// Those that the provider had in its cache.
        cached_tokens: "cached_tokens" => Value,
        /// Those of audio.
        audio_tokens: "audio_tokens" => Value,
    }
}

record! {
    /// What the answer's tokens were.
    ///
    /// >>> CompletionTokensDetails.from_dict({"reasoning_tokens": 64}).reasoning_tokens
    /// 64
    CompletionTokensDetails in "llm_proxy.types" {
        /// Those of the reasoning.
        reasoning_tokens: "reasoning_tokens" => Value,
        /// Those of audio.
        audio_tokens: "audio_tokens" => Value,
        /// Those of a prediction that came true.
        accepted_prediction_tokens: "accepted_prediction_tokens" => Value,
        /// Those of a prediction that did not; they are charged.
        rejected_prediction_tokens: "rejected_prediction_tokens" => Value,
    }
}

record! {
    /// A source that an answer cites.
    ///
    /// >>> annotation = Annotation.from_dict({"type": "url_citation", "url_citation": {"url": "https://a.example"}})
    /// >>> annotation.url_citation.url
    /// 'https://a.example'
    Annotation in "llm_proxy.types" {
        /// `url_citation`
        r#type: "type" => Repeated,
        /// The page.
        url_citation: "url_citation" => One(AnnotationURLCitation::class),
    }
}

record! {
    /// A page that an answer cites.
    ///
    /// >>> AnnotationURLCitation.from_dict({"url": "https://a.example", "title": "A"}).title
    /// 'A'
    AnnotationURLCitation in "llm_proxy.types" {
        /// Where it is.
        url: "url" => Value,
        /// Its title.
        title: "title" => Value,
        /// The first character of the content that it stands for.
        start_index: "start_index" => Value,
        /// The last one.
        end_index: "end_index" => Value,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ChoiceLogprobs>()?;
    module.add_class::<ChatCompletionTokenLogprob>()?;
    module.add_class::<TopLogprob>()?;
    module.add_class::<CompletionUsage>()?;
    module.add_class::<PromptTokensDetails>()?;
    module.add_class::<CompletionTokensDetails>()?;
    module.add_class::<Annotation>()?;
    module.add_class::<AnnotationURLCitation>()
}
