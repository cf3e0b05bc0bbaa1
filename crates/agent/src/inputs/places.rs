//! Callsites of calls that say themselves where they are: those of `log`.

use std::borrow::Cow;

use kymo_model::Severity;

use crate::callsite::Callsite;
use crate::callsite::made::{Made, kept};

type Text = Cow<'static, str>;

/// A place in a program, as a call says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) target: Text,
    pub(super) module: Text,
    pub(super) file: Text,
    pub(super) line: u32,
    /// The number of a severity.
    pub(super) severity: u8,
}

static CALLSITES: Made<Place> = Made::new();
static STAND_IN: Callsite = Callsite::new(Severity::INFO, "{}", &[""], "", 0, "");

impl Place {
    /// Its callsite, for one text without a name. `Err`: there are too many, and this one says nothing itself.
    pub(super) fn callsite(self) -> Result<&'static Callsite, &'static Callsite> {
        let made = CALLSITES.get(self, |place| {
            let severity = Severity::from_number(place.severity).unwrap_or(Severity::INFO);
            Callsite::new(severity, "{}", &[""], kept(&place.file), place.line, kept(&place.module))
                .in_category(kept(&place.target))
        });
        made.ok_or(&STAND_IN)
    }
}
