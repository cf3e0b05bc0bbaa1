//! An error as the program saw it.

use serde::{Deserialize, Serialize};

use crate::value::Attributes;

/// An exception with its frames, innermost call first, and the cause inside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// `TypeError`, `System.IO.IOException`, `io::Error`.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// What it says.
    pub message: Option<String>,
    /// The error code, where the platform has one.
    pub code: Option<String>,
    /// The call stack, innermost call first.
    pub frames: Vec<Frame>,
    /// The call stack as text, where the agent sent no frames.
    pub stack_text: Option<String>,
    /// The cause.
    pub inner: Option<Box<Exception>>,
    /// Whatever else the agent sent about it.
    pub attributes: Attributes,
}

impl Exception {
    /// This exception, then its causes from the outside in.
    pub fn chain(&self) -> impl Iterator<Item = &Exception> {
        std::iter::successors(Some(self), |exception| exception.inner.as_deref())
    }
}

/// One call on the stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// The function's name.
    pub function: Option<String>,
    /// The type that declares it, with its namespace.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// The source file or URL.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// Whatever else the agent sent about it.
    pub attributes: Attributes,
}
