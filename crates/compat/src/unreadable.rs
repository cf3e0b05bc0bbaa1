//! What of a body became no event. One type for all decoders: their bodies are lists of elements.

use std::fmt;

/// An element of a body that became no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There was nothing in it to keep.
    Empty {
        /// Place in the array, from 0.
        index: usize,
        /// What is read there.
        expected: &'static str,
        /// What was there.
        found: &'static str,
    },
    /// The body is broken from here on, so that nobody can tell how much it held.
    Broken {
        /// Elements before.
        index: usize,
        /// Where in the body the first thing begins that is not whole, in bytes of its text.
        at: usize,
        /// What is read there.
        expected: &'static str,
        /// What was there.
        found: &'static str,
    },
    /// More elements than are taken from a body.
    Excess {
        /// Place of the first one left out, from 0.
        index: usize,
        /// How many may stand in a body.
        expected: usize,
        /// How many stood there.
        found: usize,
    },
}

impl Unreadable {
    /// How many elements this reports.
    pub const fn count(&self) -> usize {
        match *self {
            Self::Empty { .. } | Self::Broken { .. } => 1,
            Self::Excess { index, found, .. } => found.saturating_sub(index),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { index, expected, found } => {
                write!(f, "element {index}: expected {expected}, found {found}")
            }
            Self::Broken { index, at, expected, found } => {
                write!(f, "element {index}, byte {at}: expected {expected}, found {found}")
            }
            Self::Excess { index, expected, found } => {
                write!(f, "element {index}: expected at most {expected} elements, found {found}")
            }
        }
    }
}
