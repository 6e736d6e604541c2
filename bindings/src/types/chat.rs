//! A chat completion.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/object>; `reasoning_content` is DeepSeek's
//! (<https://api-docs.deepseek.com/guides/reasoning_model>), and LiteLLM's for all providers.

use super::declare::*;
use super::message::{Annotation, ChoiceLogprobs, CompletionUsage};

answer! {
    /// A whole answer of `chat.completions.create`.
    ///
    /// >>> message = {"role": "assistant", "content": "Hello!"}
    /// >>> completion = ChatCompletion.from_dict({"id": "1", "choices": [{"index": 0, "message": message}]})
    /// >>> completion.choices[0].message.content
    /// 'Hello!'
    ChatCompletion in "llm_proxy.types" {
        /// The answer's id.
        id: "id" => Value,
        /// The answers, one unless `n` says otherwise.
        choices: "choices" => Many(Choice::class),
        /// When it was made, in seconds since 1970.
        created: "created" => Value,
        /// The model that answered.
        model: "model" => Value,
        /// `chat.completion`
        object: "object" => Value,
        /// The tokens that it cost.
        usage: "usage" => One(CompletionUsage::class),
        /// The tier that served it.
        service_tier: "service_tier" => Value,
        /// The set-up that the model runs with.
        system_fingerprint: "system_fingerprint" => Value,
    }
}

record! {
    /// One answer of a completion.
    ///
    /// >>> Choice.from_dict({"index": 0, "message": {"content": "Hello!"}, "finish_reason": "stop"}).finish_reason
    /// 'stop'
    Choice in "llm_proxy.types" {
        /// Its place among the answers.
        index: "index" => Value,
        /// What was said.
        message: "message" => One(ChatCompletionMessage::class),
        /// Why it ends: `stop`, `length`, `tool_calls`, `content_filter` or `function_call`.
        finish_reason: "finish_reason" => Repeated,
        /// How likely its tokens were, where that was asked for.
        logprobs: "logprobs" => One(ChoiceLogprobs::class),
    }
}

record! {
    /// What the model said. It can be put among the next request's `messages` as it is.
    ///
    /// >>> ChatCompletionMessage.from_dict({"role": "assistant", "content": "Hello!"}).content
    /// 'Hello!'
    ChatCompletionMessage in "llm_proxy.types" {
        /// `assistant`
        role: "role" => Repeated,
        /// The text.
        content: "content" => Value,
        /// What the model thought before, where it tells.
        reasoning_content: "reasoning_content" => Value,
        /// Why it does not answer.
        refusal: "refusal" => Value,
        /// The tools that it wants called.
        tool_calls: "tool_calls" => Many(ToolCall::class),
        /// The function that it wants called; `tool_calls` took its place.
        function_call: "function_call" => One(FunctionCall::class),
        /// The sources that it cites.
        annotations: "annotations" => Many(Annotation::class),
        /// The answer as speech.
        audio: "audio" => One(ChatCompletionAudio::class),
    }
}

record! {
    /// A tool that the model wants called.
    ///
    /// >>> function = {"name": "weather", "arguments": "{}"}
    /// >>> ToolCall.from_dict({"id": "call_1", "type": "function", "function": function}).function.name
    /// 'weather'
    ToolCall in "llm_proxy.types" {
        /// The call's id, for the answer to it.
        id: "id" => Value,
        /// `function` or `custom`
        r#type: "type" => Repeated,
        /// The function, of a `function`.
        function: "function" => One(Function::class),
        /// The tool, of a `custom`.
        custom: "custom" => One(CustomTool::class),
    }
}

record! {
    /// A function and what to call it with.
    ///
    /// >>> Function.from_dict({"name": "weather", "arguments": '{"city": "Bonn"}'}).arguments
    /// '{"city": "Bonn"}'
    Function in "llm_proxy.types" {
        /// Its name.
        name: "name" => Value,
        /// The arguments as JSON text, as the model wrote it: it may be wrong.
        arguments: "arguments" => Value,
    }
}

record! {
    /// A tool that takes text, and the text.
    ///
    /// >>> CustomTool.from_dict({"name": "shell", "input": "ls"}).input
    /// 'ls'
    CustomTool in "llm_proxy.types" {
        /// Its name.
        name: "name" => Value,
        /// The text.
        input: "input" => Value,
    }
}

record! {
    /// A function and what to call it with, in the form that `tool_calls` took the place of.
    ///
    /// >>> FunctionCall.from_dict({"name": "weather", "arguments": "{}"}).name
    /// 'weather'
    FunctionCall in "llm_proxy.types" {
        /// Its name.
        name: "name" => Value,
        /// The arguments as JSON text, as the model wrote it: it may be wrong.
        arguments: "arguments" => Value,
    }
}

record! {
    /// An answer as speech.
    ///
    /// >>> ChatCompletionAudio.from_dict({"id": "audio_1", "data": "UklGRg==", "transcript": "Hello!"}).transcript
    /// 'Hello!'
    ChatCompletionAudio in "llm_proxy.types" {
        /// Its id, by which later requests can speak of it.
        id: "id" => Value,
        /// The sound in Base64.
        data: "data" => Value,
        /// What is said.
        transcript: "transcript" => Value,
        /// Until when the id is good, in seconds since 1970.
        expires_at: "expires_at" => Value,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ChatCompletion>()?;
    module.add_class::<Choice>()?;
    module.add_class::<ChatCompletionMessage>()?;
    module.add_class::<ToolCall>()?;
    module.add_class::<Function>()?;
    module.add_class::<CustomTool>()?;
    module.add_class::<FunctionCall>()?;
    module.add_class::<ChatCompletionAudio>()
}
