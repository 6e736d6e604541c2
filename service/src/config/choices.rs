//! Settings that are one of a few words.

/// An enum whose variants have names in variables.
macro_rules! named_choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),+ })
            }
        }
    };
}
pub(super) use named_choice;

named_choice! {
    /// Who answers.
    Mode {
        /// A LiteLLM proxy.
        Litellm = "litellm",
        /// The providers themselves.
        Native = "native",
        /// The deterministic mock in this process.
        Mock = "mock",
    }
}

named_choice! {
    /// The least severe messages that are logged.
    LogLevel {
        /// Failures of the service.
        Error = "ERROR",
        /// What an operator should look at.
        Warn = "WARN",
        /// One line a request and a change of state.
        Info = "INFO",
        /// How a request went.
        Debug = "DEBUG",
        /// Everything.
        Trace = "TRACE",
    }
}

named_choice! {
    /// The form of a log line.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}
