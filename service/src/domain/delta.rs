//! What an answer says, piece by piece: the one form that every vendor's answer is read into.
//!
//! A stream is many deltas over time, an answer that is not streamed the same deltas at once: that is
//! what makes the two agree.

use serde_json::{Map, Value};

use super::usage::Tokens;

/// One piece of an answer. `choice` is OpenAI's `choices[].index`.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// What the vendor calls this answer; before everything else, where the vendor says it.
    Start {
        /// The vendor's id.
        id: Option<String>,
        /// The model that answers, by the vendor's name.
        model: Option<String>,
    },
    /// Text for the reader.
    Text {
        /// Of which answer.
        choice: u32,
        /// Some of it.
        text: String,
    },
    /// What the model thinks.
    Reasoning {
        /// In which answer.
        choice: u32,
        /// Some of it.
        text: String,
    },
    /// The words of a refusal.
    Refusal {
        /// In which answer.
        choice: u32,
        /// Some of them.
        text: String,
    },
    /// A call of a tool begins.
    ToolCall {
        /// In which answer.
        choice: u32,
        /// Which of its calls: 0, 1, 2… in the order in which they begin.
        index: u32,
        /// Its id, the same in a stream and in history.
        id: String,
        /// The function's name.
        name: String,
        /// Members beside them, such as `extra_content`.
        extra: Map<String, Value>,
    },
    /// Some of a call's arguments. All of them together are one JSON object, as text.
    Arguments {
        /// In which answer.
        choice: u32,
        /// Of which call.
        index: u32,
        /// Some of the text.
        json: String,
    },
    /// The tokens of some text with their probabilities, in OpenAI's form.
    Logprobs {
        /// In which answer.
        choice: u32,
        /// `{"token", "logprob", "bytes", "top_logprobs"}` each.
        tokens: Vec<Value>,
    },
    /// A member of the message that OpenAI does not have, or that is no text: `thinking_blocks`,
    /// `annotations`, `citations`… Arrays of one name are joined; of anything else the last one counts.
    Extra {
        /// In which answer.
        choice: u32,
        /// Its name.
        name: &'static str,
        /// Its value.
        value: Value,
    },
    /// An answer is over.
    Finish {
        /// Which one.
        choice: u32,
        /// Why.
        reason: FinishReason,
        /// The vendor's own word, where `reason` does not say all of it.
        native: Option<String>,
    },
    /// What it cost. The last one counts.
    Usage(Tokens),
}

impl Delta {
    /// Whether answer and call are among those that there can be.
    #[must_use]
    pub const fn is_in_bounds(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Usage(_) => true,
            Self::ToolCall { choice, index, .. } | Self::Arguments { choice, index, .. } => {
                *choice <= MAX_INDEX && *index <= MAX_INDEX
            }
            Self::Text { choice, .. }
            | Self::Reasoning { choice, .. }
            | Self::Refusal { choice, .. }
            | Self::Logprobs { choice, .. }
            | Self::Extra { choice, .. }
            | Self::Finish { choice, .. } => *choice <= MAX_INDEX,
        }
    }
}

/// Why an answer ended.
/// Source: <https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or met a stop text.
    Stop,
    /// The answer, or the context, is full.
    Length,
    /// The model wants its calls answered.
    ToolCalls,
    /// A filter stopped it.
    ContentFilter,
}

impl FinishReason {
    /// OpenAI's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// A whole answer, put together from its deltas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatAnswer {
    /// The vendor's id.
    pub id: Option<String>,
    /// The model that answered, by the vendor's name.
    pub model: Option<String>,
    /// The answers, by their index.
    pub choices: Vec<Choice>,
    /// What it cost, where the vendor said so.
    pub usage: Option<Tokens>,
}

/// One of an answer's choices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The text, where there was any.
    pub text: Option<String>,
    /// What the model thought.
    pub reasoning: Option<String>,
    /// The words of its refusal.
    pub refusal: Option<String>,
    /// What it calls.
    pub tool_calls: Vec<AnsweredCall>,
    /// Tokens with their probabilities, in OpenAI's form.
    pub logprobs: Vec<Value>,
    /// Members that OpenAI does not have.
    pub extra: Map<String, Value>,
    /// Why it ended; absent where it was cut.
    pub finish: Option<FinishReason>,
    /// The vendor's own word for that.
    pub native_finish: Option<String>,
}

/// A call in an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnsweredCall {
    /// Its id.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// Its arguments: JSON, as text.
    pub arguments: String,
    /// Members beside them.
    pub extra: Map<String, Value>,
}

impl ChatAnswer {
    /// The answer that these deltas are.
    #[must_use]
    pub fn of(deltas: impl IntoIterator<Item = Delta>) -> Self {
        let mut answer = Self::default();
        for delta in deltas {
            answer.add(delta);
        }
        answer
    }

    fn add(&mut self, delta: Delta) {
        match delta {
            Delta::Start { id, model } => {
                self.id = id.or(self.id.take());
                self.model = model.or(self.model.take());
            }
            Delta::Text { choice, text } => append(&mut self.choice(choice).text, &text),
            Delta::Reasoning { choice, text } => append(&mut self.choice(choice).reasoning, &text),
            Delta::Refusal { choice, text } => append(&mut self.choice(choice).refusal, &text),
            Delta::ToolCall { choice, index, id, name, extra } => {
                let call = self.choice(choice).call(index);
                let arguments = std::mem::take(&mut call.arguments);
                *call = AnsweredCall { id, name, arguments, extra };
            }
            Delta::Arguments { choice, index, json } => {
                self.choice(choice).call(index).arguments.push_str(&json);
            }
            Delta::Logprobs { choice, tokens } => self.choice(choice).logprobs.extend(tokens),
            Delta::Extra { choice, name, value } => merge(&mut self.choice(choice).extra, name, value),
            Delta::Finish { choice, reason, native } => {
                let choice = self.choice(choice);
                choice.finish = Some(reason);
                choice.native_finish = native;
            }
            Delta::Usage(tokens) => self.usage = Some(tokens),
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        grown(&mut self.choices, index)
    }
}

impl Choice {
    fn call(&mut self, index: u32) -> &mut AnsweredCall {
        grown(&mut self.tool_calls, index)
    }
}

/// How many answers there can be to a request, and how many calls in one: as many as OpenAI takes for `n`,
/// and as `tools`.
/// Source: <https://platform.openai.com/docs/api-reference/chat/create>
pub const MAX_INDEX: u32 = 127;

/// An index beyond [`MAX_INDEX`] is refused where answers are read; here it must not make a list of
/// billions.
fn grown<T: Default>(list: &mut Vec<T>, index: u32) -> &mut T {
    let index = index.min(MAX_INDEX) as usize;
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

fn append(to: &mut Option<String>, text: &str) {
    to.get_or_insert_default().push_str(text);
}

fn merge(to: &mut Map<String, Value>, name: &str, value: Value) {
    match (to.get_mut(name), value) {
        (Some(Value::Array(so_far)), Value::Array(more)) => so_far.extend(more),
        (_, value) => {
            to.insert(name.to_owned(), value);
        }
    }
}
