//! Which events a query wants.

use kymo_model::{Severity, Timestamp};

/// Conditions that hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
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
