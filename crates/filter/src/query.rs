//! The tree that a filter becomes.

use std::ops::Bound;

use kymo_model::{Severity, Timestamp};

use crate::error::FilterError;
use crate::field::{Field, Subject};
use crate::text::{Pattern, Words};
use crate::{resolve, syntax};

/// Most characters of a filter. It travels in a URL, of which servers and proxies commonly take 8 KiB:
/// 2000 characters fit with every other one escaped (`%22`). Twenty lines on a screen.
pub const FILTER_CHARS_MAX: usize = 2000;
/// Most terms: each is looked at for every row of a scan. Nobody types as many.
pub const TERMS_MAX: usize = 64;
/// Deepest nesting of groups and negations: the tree is walked by calls.
pub const DEPTH_MAX: usize = 24;

/// A filter that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What it is about: decides which field a name means that both have.
    pub subject: Subject,
    /// What has to hold.
    pub root: Node,
}

impl Query {
    /// Reads a filter. `now` is what relative times count from.
    ///
    /// # Errors
    /// Where, what was expected, and what may have been meant.
    pub fn parse(text: &str, subject: Subject, now: Timestamp) -> Result<Self, FilterError> {
        syntax::parse(text)
            .and_then(|syntax| resolve::resolve(&syntax, subject, now))
            .map(|root| Self { subject, root })
            .map_err(|fault| fault.in_text(text))
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// All of them; of none: always.
    And(Vec<Node>),
    /// At least one; of none: never.
    Or(Vec<Node>),
    /// The opposite.
    Not(Box<Node>),
    /// A test of one field.
    Term(Term),
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The field.
    pub field: Field,
    /// What has to hold of it. A field with several values (users, tags, first and last of a property)
    /// needs it of one.
    pub test: Test,
}

/// What a field has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There.
    Exists,
    /// That truth value.
    Flag(bool),
    /// One of the field's own words.
    Word(&'static str),
    /// Text with these words.
    Words(Words),
    /// Text like this, as a whole.
    Matches(Pattern),
    /// Text with this (folded) anywhere.
    Contains(String),
    /// A number in this range; of durations: seconds.
    Number(Range<f64>),
    /// At or after the first and before the second moment.
    Time {
        /// `None`: from the beginning.
        from: Option<Timestamp>,
        /// `None`: without end.
        to: Option<Timestamp>,
    },
    /// At least and at most as bad.
    Severity(Severity, Severity),
}

/// From one bound to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range<T> {
    /// The lower bound.
    pub from: Bound<T>,
    /// The upper bound.
    pub to: Bound<T>,
}

impl Range<f64> {
    /// Whether it holds the number.
    pub fn contains(&self, number: f64) -> bool {
        let above = match self.from {
            Bound::Included(from) => number >= from,
            Bound::Excluded(from) => number > from,
            Bound::Unbounded => true,
        };
        above
            && match self.to {
                Bound::Included(to) => number <= to,
                Bound::Excluded(to) => number < to,
                Bound::Unbounded => true,
            }
    }
}

impl Node {
    /// What holds of everything.
    pub const EVERYTHING: Self = Self::And(Vec::new());

    /// Whether every term in it is about `subject`.
    pub fn is_about(&self, subject: Subject) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().all(|node| node.is_about(subject)),
            Self::Not(node) => node.is_about(subject),
            Self::Term(term) => term.field.subject() == subject,
        }
    }

    /// Whether there is no negation in it.
    pub fn is_positive(&self) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().all(Self::is_positive),
            Self::Not(_) => false,
            Self::Term(_) => true,
        }
    }
}
