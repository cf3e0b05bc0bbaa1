//! Everything that can be set from outside: name, type, and what it does to the builder. `docs/agent.md` has the same
//! table, which a test checks.

use std::time::Duration;

use crate::recorder::FullPolicy;
use crate::session::{Builder, Users};

mod sending;

/// A value of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Bool(bool),
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// A text that nobody is shown, also not in a fault.
    Secret,
    Word(&'static [&'static str]),
    Number {
        least: u64,
        most: u64,
    },
    PowerOfTwo {
        least: u64,
        most: u64,
    },
    Bool,
}

/// What a program is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Recording,
    Sending,
    Live,
}

impl Part {
    pub(super) fn is_there(self) -> bool {
        match self {
            Self::Recording => true,
            Self::Sending => cfg!(feature = "send"),
            Self::Live => cfg!(feature = "live"),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Sending => "sending",
            Self::Live => "live",
        }
    }
}

/// Something that can be set.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page, which a test compares"))]
    pub(super) default: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page, which a test compares"))]
    pub(super) meaning: &'static str,
    /// It does nothing in a program that was built without that.
    pub(super) needs: Part,
    pub(super) apply: fn(Builder, &Value) -> Builder,
}

impl Value {
    fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    fn number(&self) -> u64 {
        if let Self::Number(number) = self { *number } else { 0 }
    }

    fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }
}

const KEY: Key = Key {
    name: "",
    kind: Kind::Text,
    default: "",
    meaning: "",
    needs: Part::Recording,
    apply: |builder, _| builder,
};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(sending::KEYS)
}

/// Those of one subject stand together.
const KEYS: &[Key] = &[
    Key {
        name: "enabled",
        kind: Kind::Bool,
        default: "true",
        meaning: "whether anything is recorded",
        apply: |builder, value| builder.enabled(value.is_true()),
        ..KEY
    },
    Key {
        name: "filter",
        default: "what the program says, else `info`",
        meaning: "what is recorded: `info,shop=debug`, see [levels](#what-is-recorded)",
        apply: |builder, value| builder.filter(value.text()),
        ..KEY
    },
    Key {
        name: "repository",
        default: "the platform's folder",
        meaning: "the folder under which sessions are kept",
        apply: |builder, value| builder.repository(value.text()),
        ..KEY
    },
    Key {
        name: "environment",
        default: "not set",
        meaning: "where the program runs: `production`, `staging`",
        apply: |builder, value| builder.environment(value.text()),
        ..KEY
    },
    Key {
        name: "users",
        kind: Kind::Word(&["system", "many", "anonymous"]),
        default: "what the program says, else `system`",
        meaning: "whose session it is: of the system's user, of many users, or of nobody who could be told",
        apply: |builder, value| {
            builder.users(match value.text() {
                "many" => Users::Many,
                "anonymous" => Users::Anonymous,
                _ => Users::System,
            })
        },
        ..KEY
    },
    Key {
        name: "command_line",
        kind: Kind::Bool,
        default: "true",
        meaning: "whether the command line is kept, with what looks like a secret masked",
        apply: |builder, value| builder.command_line(value.is_true()),
        ..KEY
    },
    Key {
        name: "panic_hook",
        kind: Kind::Bool,
        default: "true",
        meaning: "whether panics are recorded",
        apply: |builder, value| builder.panic_hook(value.is_true()),
        ..KEY
    },
    Key {
        name: "children",
        kind: Kind::Bool,
        default: "true",
        meaning: "whether forked processes record sessions of their own",
        apply: |builder, value| builder.children(value.is_true()),
        ..KEY
    },
    Key {
        name: "when_full",
        kind: Kind::Word(&["block", "drop"]),
        default: "`block`",
        meaning: "what a call does when the disk does not keep up: wait, or go on without, counted",
        apply: |builder, value| {
            builder.when_full(if value.text() == "drop" { FullPolicy::Drop } else { FullPolicy::Block })
        },
        ..KEY
    },
    Key {
        name: "ring_kib",
        kind: Kind::PowerOfTwo { least: 4, most: 65_536 },
        default: "256",
        meaning: "size of each of the 16 rings",
        apply: |builder, value| builder.ring_bytes(value.number() as usize * 1024),
        ..KEY
    },
    Key {
        name: "flush_ms",
        kind: Kind::Number { least: 1, most: 600_000 },
        default: "2000",
        meaning: "longest time from a call to the file",
        apply: |builder, value| builder.flush_every(Duration::from_millis(value.number())),
        ..KEY
    },
    Key {
        name: "fragment_mib",
        kind: Kind::Number { least: 1, most: 1024 },
        default: "20",
        meaning: "a fragment of the file is closed when it is so large",
        apply: |builder, value| builder.fragment_bytes_max(value.number() << 20),
        ..KEY
    },
    Key {
        name: "fragment_minutes",
        kind: Kind::Number { least: 1, most: 525_600 },
        default: "1440",
        meaning: "or so old",
        apply: |builder, value| builder.fragment_age_max(Duration::from_mins(value.number())),
        ..KEY
    },
    Key {
        name: "keep_days",
        kind: Kind::Number { least: 1, most: 36_500 },
        default: "90",
        meaning: "fragments that are older are removed",
        apply: |builder, value| {
            builder.change_retention(|limits| limits.age_max = Duration::from_hours(24 * value.number()))
        },
        ..KEY
    },
    Key {
        name: "keep_mib",
        kind: Kind::Number { least: 1, most: 1_048_576 },
        default: "150",
        meaning: "the oldest fragments are removed when all of the application take more",
        apply: |builder, value| builder.change_retention(|limits| limits.bytes_max = value.number() << 20),
        ..KEY
    },
    Key {
        name: "free_mib",
        kind: Kind::Number { least: 0, most: 1_048_576 },
        default: "200",
        meaning: "so much of the disk is left free for others",
        apply: |builder, value| {
            builder.change_retention(|limits| limits.free_disk_min = value.number() << 20)
        },
        ..KEY
    },
    Key {
        name: "system_seconds",
        kind: Kind::Number { least: 0, most: 86_400 },
        default: "60",
        meaning: "how often the process and its machine are measured; 0: never",
        apply: |builder, value| builder.system_metrics(Duration::from_secs(value.number())),
        ..KEY
    },
    Key {
        name: "metrics_seconds",
        kind: Kind::Number { least: 1, most: 86_400 },
        default: "15",
        meaning: "how often what the crate `metrics` counts is written",
        apply: |builder, value| builder.metrics_every(Duration::from_secs(value.number())),
        ..KEY
    },
    Key {
        name: "heartbeat_seconds",
        kind: Kind::Number { least: 0, most: 86_400 },
        default: "30",
        meaning: "how often sessions of users say that they live; 0: never",
        apply: |builder, value| builder.heartbeats(Duration::from_secs(value.number())),
        ..KEY
    },
];

/// The key of that name.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

impl Key {
    /// What is expected, for people.
    pub(super) fn expected(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Secret => "a text".to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Number { least, most } => format!("a whole number from {least} to {most}"),
            Kind::PowerOfTwo { least, most } => format!("a power of two from {least} to {most}"),
            Kind::Bool => "true or false".to_owned(),
        }
    }

    pub(super) fn refused(&self, found: &str) -> String {
        let found = if matches!(self.kind, Kind::Secret) { "something else" } else { found };
        format!("agent.{}: expected {}, found {found}", self.name, self.expected())
    }

    pub(super) fn checked(&self, value: Value) -> Result<Value, String> {
        let is_right = match (self.kind, &value) {
            (Kind::Text | Kind::Secret, Value::Text(text)) => !text.is_empty(),
            (Kind::Word(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Kind::Number { least, most }, Value::Number(number)) => (least..=most).contains(number),
            (Kind::PowerOfTwo { least, most }, Value::Number(number)) => {
                number.is_power_of_two() && (least..=most).contains(number)
            }
            (Kind::Bool, Value::Bool(_)) => true,
            _ => false,
        };
        if is_right {
            return Ok(value);
        }
        Err(self.refused(&match value {
            Value::Text(text) => format!("{text:?}"),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
        }))
    }

    /// The value that a variable of the environment says.
    pub(super) fn value_of(&self, text: &str) -> Result<Value, String> {
        let refused = || self.refused(&format!("{text:?}"));
        let value = match self.kind {
            Kind::Text | Kind::Secret | Kind::Word(_) => Value::Text(text.to_owned()),
            Kind::Number { .. } | Kind::PowerOfTwo { .. } => {
                Value::Number(text.trim().parse().map_err(|_| refused())?)
            }
            Kind::Bool => Value::Bool(text.trim().parse().map_err(|_| refused())?),
        };
        self.checked(value)
    }
}
