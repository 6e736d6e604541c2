//! A chunk of a stream.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat-streaming/streaming>

use super::declare::*;
use super::message::{Annotation, ChoiceLogprobs, CompletionUsage};

answer! {
    /// A piece of a streamed answer.
    ///
    /// >>> chunk = ChatCompletionChunk.from_dict({"id": "1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]})
    /// >>> chunk.choices[0].delta.content
    /// 'Hel'
    ChatCompletionChunk in "llm_proxy.types" {
        /// The answer's id, the same in every chunk.
        id: "id" => Repeated,
        /// What is new of each answer; empty in a chunk that is only about usage.
        choices: "choices" => Many(ChunkChoice::class),
        /// When the answer began, in seconds since 1970.
        created: "created" => Repeated,
        /// The model that answers.
        model: "model" => Repeated,
        /// `chat.completion.chunk`
        object: "object" => Repeated,
        /// The tokens that the answer cost, in the last chunk with `stream_options={"include_usage": True}`.
        usage: "usage" => One(CompletionUsage::class),
        /// The tier that serves it.
        service_tier: "service_tier" => Repeated,
        /// The set-up that the model runs with.
        system_fingerprint: "system_fingerprint" => Repeated,
    }
}

record! {
    /// What is new of one answer.
    ///
    /// >>> ChunkChoice.from_dict({"index": 0, "delta": {}, "finish_reason": "stop"}).finish_reason
    /// 'stop'
    ChunkChoice in "llm_proxy.types" {
        /// The answer's place among the answers.
        index: "index" => Value,
        /// What is new.
        delta: "delta" => One(ChoiceDelta::class),
        /// Why it ends, in its last chunk.
        finish_reason: "finish_reason" => Repeated,
        /// How likely the tokens were, where that was asked for.
        logprobs: "logprobs" => One(ChoiceLogprobs::class),
    }
}

record! {
    /// A piece of a message.
    ///
    /// >>> ChoiceDelta.from_dict({"role": "assistant", "content": "Hel"}).content
    /// 'Hel'
    ChoiceDelta in "llm_proxy.types" {
        /// `assistant`, mostly in the first chunk only.
        role: "role" => Repeated,
        /// The text that follows.
        content: "content" => Value,
        /// What follows of the model's thoughts, where it tells them.
        reasoning_content: "reasoning_content" => Value,
        /// What follows of a refusal.
        refusal: "refusal" => Value,
        /// Pieces of the tool calls.
        tool_calls: "tool_calls" => Many(ChoiceDeltaToolCall::class),
        /// A piece of the function call; `tool_calls` took its place.
        function_call: "function_call" => One(ChoiceDeltaFunctionCall::class),
        /// The sources that it cites.
        annotations: "annotations" => Many(Annotation::class),
        /// A piece of the speech.
        audio: "audio" => Value,
    }
}

record! {
    /// A piece of a tool call.
    ///
    /// >>> ChoiceDeltaToolCall.from_dict({"index": 0, "function": {"arguments": "{"}}).function.arguments
    /// '{'
    ChoiceDeltaToolCall in "llm_proxy.types" {
        /// Which call it is a piece of.
        index: "index" => Value,
        /// The call's id, in its first piece.
        id: "id" => Value,
        /// `function` or `custom`, in its first piece.
        r#type: "type" => Repeated,
        /// A piece of the function, of a `function`.
        function: "function" => One(ChoiceDeltaToolCallFunction::class),
        /// A piece of the tool, of a `custom`.
        custom: "custom" => One(ChoiceDeltaToolCallCustom::class),
    }
}

record! {
    /// A piece of a function and its arguments.
    ///
    /// >>> ChoiceDeltaToolCallFunction.from_dict({"name": "weather", "arguments": ""}).name
    /// 'weather'
    ChoiceDeltaToolCallFunction in "llm_proxy.types" {
        /// The function's name, in the first piece.
        name: "name" => Value,
        /// What follows of the arguments' JSON text.
        arguments: "arguments" => Value,
    }
}

record! {
    /// A piece of a tool that takes text.
    ///
    /// >>> ChoiceDeltaToolCallCustom.from_dict({"name": "shell", "input": ""}).name
    /// 'shell'
    ChoiceDeltaToolCallCustom in "llm_proxy.types" {
        /// The tool's name, in the first piece.
        name: "name" => Value,
        /// What follows of the text.
        input: "input" => Value,
    }
}

record! {
    /// A piece of a function call, in the form that `tool_calls` took the place of.
    ///
    /// >>> ChoiceDeltaFunctionCall.from_dict({"name": "weather", "arguments": ""}).name
    /// 'weather'
    ChoiceDeltaFunctionCall in "llm_proxy.types" {
        /// The function's name, in the first piece.
        name: "name" => Value,
        /// What follows of the arguments' JSON text.
        arguments: "arguments" => Value,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ChatCompletionChunk>()?;
    module.add_class::<ChunkChoice>()?;
    module.add_class::<ChoiceDelta>()?;
    module.add_class::<ChoiceDeltaToolCall>()?;
    module.add_class::<ChoiceDeltaToolCallFunction>()?;
    module.add_class::<ChoiceDeltaToolCallCustom>()?;
    module.add_class::<ChoiceDeltaFunctionCall>()
}
