//! What can go wrong while writing, and what a reader finds where bytes are not as they should be.

use std::fmt;

/// A record, a definition or a header was not taken; the writer stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// It is larger than the format allows: make it smaller.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size, in bytes or pieces.
        found: usize,
        /// The limit, see [`crate::limits`].
        max: usize,
    },
    /// A key that was never defined, or one beyond [`crate::limits::KEYS_MAX`]: define it first.
    Undefined {
        /// What the key should name.
        what: &'static str,
        /// The key.
        key: u64,
    },
    /// The compressor failed, which it does not do in memory: give up on this file.
    Compressor(&'static str),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what, found, max } => write!(f, "{what}: expected at most {max}, found {found}"),
            Self::Undefined { what, key } => write!(f, "expected a {what} that is defined, found key {key}"),
            Self::Compressor(said) => write!(f, "zstd: {said}"),
        }
    }
}

impl std::error::Error for WriteError {}

/// Bytes that do not follow the format: what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl Malformed {
    pub(crate) const fn expected(self) -> &'static str {
        self.0
    }
}
