//! Which events a query wants.

use kymo_filter::Query;
use kymo_model::{Severity, Timestamp};

use super::Tell;
use super::plan::RowPlan;
use super::rows::{self, Streams};
use crate::columns::at;

/// Conditions that hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    /// What a person asks for, in the filter language.
    pub query: Option<Query>,
    /// In the message, the category or the exception, in any case.
    pub text: Option<String>,
    /// At least this bad.
    pub severity: Option<Severity>,
    /// Only errors: events of kind `error` and those with an exception, as the session counts them.
    pub errors_only: bool,
    /// Exactly this kind.
    pub kind: Option<String>,
    /// Exactly this id, given by the agent.
    pub reference_id: Option<String>,
    /// Exactly this place in the session.
    pub sequence: Option<u64>,
    /// At or after this moment, by the agent's clock.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    /// The text folded once, not per row.
    pub(super) fn folded_text(&self) -> Option<String> {
        self.text.as_ref().filter(|text| !text.is_empty()).map(|text| text.to_lowercase())
    }
}

/// A filter as a scan needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowFilter {
    pub(super) plain: EventFilter,
    pub(super) plan: Option<RowPlan>,
    /// What [`RowPlan::InSessions`] means.
    pub(super) sets: Vec<Streams>,
}

impl RowFilter {
    /// The filter with its query taken apart.
    pub(crate) fn new(plain: EventFilter, plan: Option<RowPlan>, sets: Vec<Streams>) -> Self {
        Self { plain, plan, sets }
    }

    /// Columns to read: ascending, each once.
    pub(super) fn columns(&self, tell: Tell) -> Vec<usize> {
        let filter = &self.plain;
        let mut columns = vec![at::SEQUENCE, at::TIME, at::SEVERITY_NUMBER];
        if filter.reference_id.is_some() {
            columns.push(at::REFERENCE_ID);
        }
        let needs_errors = filter.errors_only || tell == Tell::Errors;
        if filter.kind.is_some() || needs_errors {
            columns.push(at::KIND);
        }
        if filter.folded_text().is_some() {
            columns.extend([at::CATEGORY, at::MESSAGE]);
        }
        if filter.folded_text().is_some() || needs_errors {
            columns.push(at::EXCEPTION);
        }
        if let Some(plan) = &self.plan {
            rows::columns(plan, &mut columns);
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

/// Whether `text` contains `folded` when its case is folded as well.
pub(super) fn contains_folded(text: &str, folded: &str) -> bool {
    if text.is_ascii() && folded.is_ascii() {
        let (text, folded) = (text.as_bytes(), folded.as_bytes());
        return text.windows(folded.len()).any(|window| window.eq_ignore_ascii_case(folded));
    }
    text.to_lowercase().contains(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_in_every_script() {
        let rows = [
            ("Disk FULL", "full", true),
            ("Straße ÄÖ", "äö", true),
            ("abc", "abcd", false),
            ("ΑΒΓ", "βγ", true),
        ];
        for (text, folded, expected) in rows {
            assert_eq!(contains_folded(text, folded), expected, "{text} {folded}");
        }
    }
}
