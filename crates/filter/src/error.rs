//! What is wrong with a filter, where, and what may have been meant.

use std::fmt;
use std::ops::Range;

/// A filter that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Characters (not bytes) before the part that is wrong.
    pub position: usize,
    /// Characters of that part; 0: something is missing there.
    pub length: usize,
    /// What was expected, and what was found.
    pub message: String,
    /// What to write instead of that part.
    pub suggestion: Option<String>,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter, character {}: {}", self.position + 1, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}

/// The same with a place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self { span: span.clone(), message: message.into(), suggestion: None }
    }

    pub(crate) fn or_rather(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }

    pub(crate) fn in_text(self, text: &str) -> FilterError {
        let characters = |bytes: Range<usize>| text.get(bytes).map_or(0, |part| part.chars().count());
        FilterError {
            position: characters(0..self.span.start),
            length: characters(self.span),
            message: self.message,
            suggestion: self.suggestion,
        }
    }
}

/// The candidate that `word` is most likely a misspelling of.
pub(crate) fn nearest<'word>(
    word: &str,
    candidates: impl IntoIterator<Item = &'word str>,
) -> Option<&'word str> {
    // A third of the letters wrong is still the same word to a person; more is a guess.
    let farthest = (word.chars().count() / 3).max(1);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word.to_lowercase(), candidate);
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
