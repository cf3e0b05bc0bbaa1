//! What is recorded, by how bad it is and where it is from: one filter for all inputs, which can be changed at any time.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, TryLockError};

use kymo_model::Severity;

use crate::recorder;

/// Directives of a filter; each is compared with each callsite once.
const DIRECTIVES_MAX: usize = 256;
/// How alike a word has to be to a level to be taken for it misspelt, 0 to 1.
const ALIKE: f64 = 0.5;
/// Of a directive that lets nothing through.
const OFF: u8 = u8::MAX;
const LEVELS: [(&str, u8); 7] = [
    ("trace", Severity::TRACE.number()),
    ("debug", Severity::DEBUG.number()),
    ("info", Severity::INFO.number()),
    ("warn", Severity::WARN.number()),
    ("error", Severity::ERROR.number()),
    ("fatal", Severity::FATAL.number()),
    ("off", OFF),
];

/// The filter of now: of the session, or of what was said last. Held for a copy only.
static CURRENT: RwLock<Option<Arc<Filter>>> = RwLock::new(None);

/// Directives as they are looked up: the first that fits counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
    /// The longest first.
    directives: Vec<(String, u8)>,
    default: u8,
}

/// Why a filter was refused: where, what was expected, and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The character, from 1.
    pub at: usize,
    message: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter, character {}: {}", self.at, self.message)
    }
}

impl std::error::Error for FilterError {}

/// Says from now on what is recorded, by all inputs: levels, for everything or for a target and what lies below it.
///
/// `info,shop=debug,shop.cart=trace,noisy_crate=off`: the directive with the longest target that fits counts; one
/// without a target is for everything else, `info` where there is none. A target is the `target` of `tracing` and
/// `log`, the category or the module of our macros; below it is what goes on behind a `::` or a dot. Levels are
/// `trace`, `debug`, `info`, `warn`, `error`, `fatal` and `off`.
///
/// Takes some microseconds: every callsite is asked anew. Errors: a directive that is none; then nothing changes.
///
/// ```
/// kymo::set_filter("info,shop=debug")?;
/// assert_eq!(kymo::filter(), "info,shop=debug");
/// let error = kymo::set_filter("info,shop=debgu").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "filter, character 11: expected a level, found \"debgu\": did you mean debug?"
/// );
/// # Ok::<(), kymo::FilterError>(())
/// ```
pub fn set_filter(directives: &str) -> Result<(), FilterError> {
    apply(&Arc::new(Filter::parse(directives)?));
    Ok(())
}

/// The filter of now, as it was said.
pub fn filter() -> String {
    current().text.clone()
}

/// Has all inputs asked anew, by this filter.
pub(crate) fn apply(filter: &Arc<Filter>) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(filter));
    recorder::set_filter(filter);
    #[cfg(feature = "tracing")]
    tracing_core::callsite::rebuild_interest_cache();
    #[cfg(feature = "log")]
    super::log::filter_changed();
}

/// What counts now.
pub(crate) fn current() -> Arc<Filter> {
    let known = CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone();
    known.unwrap_or_else(|| Arc::new(Filter::at_least(Severity::INFO)))
}

/// Nobody is within it as long as this lives.
pub(super) type Held = std::sync::RwLockWriteGuard<'static, Option<Arc<Filter>>>;

/// For who forks: as a writer, so that no reader of another thread is counted in the child for ever.
pub(super) fn hold() -> Held {
    CURRENT.write().unwrap_or_else(PoisonError::into_inner)
}

/// The same in a forked child, where nobody may be left to unlock it.
pub(crate) fn inherited() -> Option<Arc<Filter>> {
    match CURRENT.try_read() {
        Ok(known) => known.clone(),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().clone(),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Filter {
    /// Everything that is at least so bad.
    pub(crate) fn at_least(severity: Severity) -> Self {
        let number = severity.number();
        // A level that has no word is said by the number's nearest word below.
        let word = LEVELS.iter().rev().find(|(_, level)| *level <= number).map_or("trace", |(word, _)| word);
        Self { text: word.to_owned(), directives: Vec::new(), default: number }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self { text: text.to_owned(), ..Self::at_least(Severity::INFO) };
        let mut start = 0;
        for directive in text.split(',') {
            let at = start;
            start += directive.len() + 1;
            let refused = |at: usize, message| FilterError { at: text[..at].chars().count() + 1, message };
            let blanks = directive.len() - directive.trim_start().len();
            let (at, directive) = (at + blanks, directive.trim());
            match directive.split_once('=') {
                None if directive.is_empty() => {}
                None => filter.default = level(directive).map_err(|message| refused(at, message))?,
                Some((target, word)) => {
                    let target = target.trim_end();
                    if target.is_empty() {
                        return Err(refused(at, "expected a target before the =".to_owned()));
                    }
                    if let Some(odd) = target.find(|c: char| c.is_whitespace() || "[]{}".contains(c)) {
                        let text =
                            "expected a target such as shop::cart; spans and fields are for an EnvFilter";
                        return Err(refused(at + odd, text.to_owned()));
                    }
                    let word_at = at + directive.find('=').unwrap_or(0) + 1;
                    let level = level(word.trim()).map_err(|message| refused(word_at, message))?;
                    if filter.directives.len() == DIRECTIVES_MAX {
                        return Err(refused(at, format!("expected at most {DIRECTIVES_MAX} directives")));
                    }
                    filter.directives.retain(|(known, _)| known != target);
                    filter.directives.push((target.to_owned(), level));
                }
            }
        }
        filter.directives.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(filter)
    }

    /// Whether what is so bad and from there is recorded.
    pub(crate) fn admits(&self, target: &str, severity: Severity) -> bool {
        let fits = |directive: &&(String, u8)| {
            let rest = target.strip_prefix(directive.0.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
        };
        let level = self.directives.iter().find(fits).map_or(self.default, |(_, level)| *level);
        severity.number() >= level
    }

    /// The lowest severity that something may have to be recorded; `None` if nothing is.
    #[cfg(any(feature = "log", feature = "tracing", test))]
    pub(crate) fn lowest(&self) -> Option<Severity> {
        let levels = self.directives.iter().map(|(_, level)| *level);
        Severity::from_number(levels.fold(self.default, u8::min))
    }
}

fn level(word: &str) -> Result<u8, String> {
    if let Some((_, level)) = LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return Ok(*level);
    }
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, &word.to_ascii_lowercase());
    let nearest = LEVELS.iter().max_by(|one, other| likeness(one.0).total_cmp(&likeness(other.0)));
    Err(match nearest.filter(|(known, _)| likeness(known) >= ALIKE) {
        Some((known, _)) => format!("expected a level, found {word:?}: did you mean {known}?"),
        None => format!("expected a level (trace, debug, info, warn, error, fatal, off), found {word:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_that_fits_counts() {
        let filter = Filter::parse("warn, shop=debug,shop.cart=trace,shop::till=off,").unwrap();
        for (target, severity, expected) in [
            ("other", Severity::INFO, false),
            ("other", Severity::WARN, true),
            ("shop", Severity::DEBUG, true),
            ("shop", Severity::TRACE, false),
            ("shop::stock", Severity::DEBUG, true),
            ("shopping", Severity::DEBUG, false),
            ("shop.cart.item", Severity::TRACE, true),
            ("shop::till::drawer", Severity::FATAL, false),
        ] {
            assert_eq!(filter.admits(target, severity), expected, "{target} {}", severity.text());
        }
        assert_eq!(filter.lowest(), Some(Severity::TRACE));
        assert_eq!(Filter::parse("off").unwrap().lowest(), None);
        assert!(Filter::parse("").unwrap().admits("a", Severity::INFO));
    }

    #[test]
    fn what_is_no_directive_is_told_with_its_place() {
        for (text, expected) in [
            ("inof", "filter, character 1: expected a level, found \"inof\": did you mean info?"),
            (
                "info,späti=debug, a=warning",
                "filter, character 21: expected a level, found \"warning\": did you mean warn?",
            ),
            ("info,=debug", "filter, character 6: expected a target before the ="),
            (
                "a=verbose",
                "filter, character 3: expected a level (trace, debug, info, warn, error, fatal, off), found \"verbose\"",
            ),
            (
                "info,shop[cart]=info",
                "filter, character 10: expected a target such as shop::cart; spans and fields are for an EnvFilter",
            ),
        ] {
            assert_eq!(Filter::parse(text).unwrap_err().to_string(), expected);
        }
    }
}
