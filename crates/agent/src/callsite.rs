//! A place in the program that records: its template, level and position, once and static.

use std::sync::atomic::{AtomicU32, Ordering};

use kymo_format::Metric;
use kymo_model::Severity;

use crate::record::CONTROL;

pub(crate) mod made;

/// The sort of records that is usual.
pub(crate) const LOG: &str = "log";

/// Nothing is known yet: the next call asks the registry.
const UNSEEN: u32 = 0;
/// The level is off, or nothing records.
const DISABLED: u32 = u32::MAX;

/// One place of the program that records. The macros make them.
#[derive(Debug)]
pub struct Callsite {
    /// [`UNSEEN`], [`DISABLED`], or the id under which it stands in the dictionary of the spool of now.
    state: AtomicU32,
    /// The id for the life of the process; 0 before the first.
    id: AtomicU32,
    pub(crate) severity: Severity,
    pub(crate) template: &'static str,
    pub(crate) names: &'static [&'static str],
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) module: &'static str,
    /// Of what sort its records are: the words of `kymo_model::EventKind`.
    pub(crate) kind: &'static str,
    /// Where its records belong; else to the module.
    pub(crate) category: Option<&'static str>,
    pub(crate) metric: Option<&'static Metric>,
    /// What is set in its records besides its id: [`CONTROL`] where they close spans, else nothing.
    mark: u32,
}

impl Callsite {
    /// A place that says `template` with values of those `names`; a value without a name has an empty one.
    pub const fn new(
        severity: Severity,
        template: &'static str,
        names: &'static [&'static str],
        file: &'static str,
        line: u32,
        module: &'static str,
    ) -> Self {
        let (state, id) = (AtomicU32::new(UNSEEN), AtomicU32::new(0));
        let (kind, category, metric, mark) = (LOG, None, None, 0);
        Self { state, id, severity, template, names, file, line, module, kind, category, metric, mark }
    }

    /// The same, whose records are of another sort: a word of `kymo_model::EventKind`, or one of your own.
    #[must_use]
    pub const fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The same, whose records belong there and not to the module.
    #[must_use]
    pub const fn in_category(mut self, category: &'static str) -> Self {
        self.category = Some(category);
        self
    }

    /// The same, whose records are no messages: each closes the span that is its only value.
    #[cfg(feature = "tracing")]
    #[must_use]
    pub(crate) const fn of_spans(mut self) -> Self {
        self.mark = CONTROL;
        self
    }

    /// The same, whose records are of that metric.
    #[must_use]
    pub(crate) const fn measuring(mut self, metric: &'static Metric) -> Self {
        self.metric = Some(metric);
        self
    }

    /// Where its records belong.
    pub(crate) fn target(&self) -> &'static str {
        self.category.unwrap_or(self.module)
    }

    /// Whether a call here is recorded, as far as is known. One relaxed load: this is what a disabled callsite costs.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.state.load(Ordering::Relaxed) != DISABLED
    }

    /// What to record under, the id and its mark, if the registry was asked.
    #[inline]
    pub(crate) fn known_id(&self) -> Option<u32> {
        let state = self.state.load(Ordering::Relaxed);
        (state != UNSEEN && state != DISABLED).then_some(state)
    }

    pub(crate) fn forget(&self) {
        self.state.store(UNSEEN, Ordering::Release);
    }

    pub(crate) fn disable(&self) {
        self.state.store(DISABLED, Ordering::Release);
    }

    pub(crate) fn enable(&self, id: u32) {
        self.state.store(id | self.mark, Ordering::Release);
    }

    pub(crate) fn id(&self) -> Option<u32> {
        Some(self.id.load(Ordering::Relaxed)).filter(|&id| id != 0)
    }

    pub(crate) fn mark(&self) -> u32 {
        self.mark
    }

    pub(crate) fn set_id(&self, id: u32) {
        debug_assert!(id != UNSEEN && id < CONTROL);
        self.id.store(id, Ordering::Relaxed);
    }
}

/// The same, that belongs there if that is said. The macros make their callsites by it.
pub const fn in_category(callsite: Callsite, category: Option<&'static str>) -> Callsite {
    match category {
        Some(category) => callsite.in_category(category),
        None => callsite,
    }
}

/// Whether each `{name}` of the template is the name of a value, and each `{}` has a value without a name. The
/// macros ask at compile time.
pub const fn fits(template: &str, names: &[&str]) -> bool {
    let text = template.as_bytes();
    let (mut at, mut unnamed) = (0, 0);
    while at < text.len() {
        if text[at] == b'{' && at + 1 < text.len() && text[at + 1] == b'{' {
            at += 2;
            continue;
        }
        if text[at] == b'{' {
            let start = at + 1;
            let mut end = start;
            while end < text.len() && text[end] != b'}' && text[end] != b':' {
                end += 1;
            }
            if end == text.len() {
                return false;
            }
            if start == end {
                unnamed += 1;
            } else if !has(names, text, start, end) {
                return false;
            }
            at = end;
        }
        at += 1;
    }
    let mut without = 0;
    let mut name = 0;
    while name < names.len() {
        if names[name].is_empty() {
            without += 1;
        }
        name += 1;
    }
    unnamed == without
}

const fn has(names: &[&str], text: &[u8], start: usize, end: usize) -> bool {
    let mut index = 0;
    while index < names.len() {
        let name = names[index].as_bytes();
        let mut same = 0;
        while same < name.len() && start + same < end && name[same] == text[start + same] {
            same += 1;
        }
        if same == name.len() && start + same == end {
            return true;
        }
        index += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_names() {
        for (template, names, expected) in [
            ("nothing", &[][..], true),
            ("{id} and {id:>5}", &["id"], true),
            ("{id}", &["idle"], false),
            ("{idle}", &["id"], false),
            ("{} of {}", &["", ""], true),
            ("{} of {}", &[""], false),
            ("no place for it", &["id"], true),
            ("no place for it", &[""], false),
            ("{{id}}", &[], true),
            ("{open", &["open"], false),
        ] {
            assert_eq!(fits(template, names), expected, "{template} {names:?}");
        }
    }
}
