//! Words and shapes of the description that no type of ours writes: texts of the model, stored JSON, and what
//! queries may say.
#![expect(dead_code, reason = "describes what others read and write")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::api) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// What a session is of.
#[derive(ToSchema)]
#[schema(as = SessionKind, rename_all = "lowercase")]
pub(crate) enum Kind {
    User,
    Process,
    Browser,
}

/// Silent: it has not said that it ends, and nothing has come for a while.
#[derive(ToSchema)]
#[schema(as = SessionState, rename_all = "lowercase")]
pub(in crate::api) enum State {
    Running,
    Silent,
    Ended,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::api) enum EndReason {
    Normal,
    TimedOut,
    Crashed,
    Killed,
    LostPower,
    Unknown,
}

/// An exception, and the cause inside it.
#[derive(ToSchema)]
#[schema(as = Exception)]
pub(in crate::api) struct ExceptionShape {
    r#type: Option<String>,
    message: Option<String>,
    code: Option<String>,
    /// Innermost call first.
    frames: Vec<FrameShape>,
    /// Where the agent sent no frames.
    stack_text: Option<String>,
    #[schema(no_recursion)]
    inner: Option<Box<ExceptionShape>>,
    attributes: BTreeMap<String, Value>,
}

/// One call on the stack.
#[derive(ToSchema)]
#[schema(as = Frame)]
pub(in crate::api) struct FrameShape {
    function: Option<String>,
    r#type: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    attributes: BTreeMap<String, Value>,
}

#[derive(ToSchema)]
#[schema(as = SessionStateAsked, rename_all = "lowercase")]
pub(in crate::api) enum StateAsked {
    Running,
    Ended,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::api) enum Order {
    Asc,
    Desc,
}

#[derive(ToSchema)]
#[schema(as = Format, rename_all = "lowercase")]
pub(in crate::api) enum FormatName {
    Json,
    Ndjson,
    Csv,
}
