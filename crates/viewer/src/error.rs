//! The crate's one public error.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// Something that could not be done at all. Damage inside a file is none: it is told beside what was read.
#[derive(Debug)]
pub struct ViewError {
    kind: ViewErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// What the caller can do about a [`ViewError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewErrorKind {
    /// Name something else: it is not there, may not be read, or is no terminal.
    Input,
    /// Try again: the system refused.
    System,
}

impl ViewError {
    /// What the caller can do.
    pub fn kind(&self) -> ViewErrorKind {
        self.kind
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { kind: ViewErrorKind::Input, message: message.into(), source: None }
    }

    pub(crate) fn at(path: &Path, source: io::Error) -> Self {
        Self {
            kind: ViewErrorKind::Input,
            message: format!("cannot read {}", path.display()),
            source: Some(source),
        }
    }
}

impl From<io::Error> for ViewError {
    fn from(source: io::Error) -> Self {
        Self {
            kind: ViewErrorKind::System,
            message: "input or output failed".to_owned(),
            source: Some(source),
        }
    }
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ViewError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn Error + 'static))
    }
}
