//! From `tracing`'s callsites to ours.

use kymo_model::Severity;
use tracing_core::{Level, LevelFilter, Metadata};

use crate::callsite::made::{Made, kept};
use crate::callsite::{Callsite, LOG};
use crate::inputs::table::Table;
use crate::record::FIELDS_MAX;

/// Values that a callsite names: behind them come a record's parts and its span. Others go into its attributes.
pub(super) const NAMED_MAX: usize = FIELDS_MAX - 2;
/// What we know of a callsite of `tracing`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) callsite: &'static Callsite,
    /// It stands for messages of the crate `log`, which say themselves where they are from.
    pub(super) is_foreign: bool,
    /// The callsite is that of all there was no room for.
    pub(super) is_stand_in: bool,
}

/// By the address of the metadata, which are static.
static TABLE: Table<usize, Known> = Table::new();
/// All of them, also those for which the table has no place.
static ALL: Made<usize> = Made::new();
static STAND_IN: Callsite = Callsite::new(Severity::INFO, "{}", &[""], "", 0, "");

/// What stands for that callsite.
#[inline]
pub(super) fn of(metadata: &'static Metadata<'static>) -> Known {
    let address = std::ptr::from_ref(metadata).addr();
    // Static data is aligned: the low bits are the same in all.
    TABLE.get(address >> 3, address).unwrap_or_else(|| make(metadata, address))
}

#[cold]
fn make(metadata: &'static Metadata<'static>, address: usize) -> Known {
    let is_foreign = metadata.fields().field("log.target").is_some();
    match ALL.get(address, |_| callsite(metadata)) {
        Some(callsite) => {
            TABLE.put(address >> 3, address, Known { callsite, is_foreign, is_stand_in: false })
        }
        None => Known { callsite: &STAND_IN, is_foreign, is_stand_in: true },
    }
}

/// Ours in place of theirs: the message in the template's one place, the other values by name.
fn callsite(metadata: &'static Metadata<'static>) -> Callsite {
    let has_message = metadata.fields().iter().any(|field| field.name() == MESSAGE);
    let names: Vec<&'static str> = metadata
        .fields()
        .iter()
        .take(NAMED_MAX)
        .map(|field| if field.name() == MESSAGE { "" } else { field.name() })
        .collect();
    let template = if metadata.is_span() {
        // A span's name is shown as it is.
        metadata.name()
    } else if has_message {
        "{}"
    } else {
        // Without a message the values are what there is to read.
        kept(&names.iter().map(|name| format!("{name}={{{name}}}")).collect::<Vec<_>>().join(" "))
    };
    let (file, module) = (metadata.file().unwrap_or_default(), metadata.module_path().unwrap_or_default());
    let severity = severity(*metadata.level());
    let line = metadata.line().unwrap_or(0);
    Callsite::new(severity, template, names.leak(), file, line, module)
        .of_kind(LOG)
        .in_category(metadata.target())
}

/// The callsite of a span.
pub(super) fn of_span(metadata: &'static Metadata<'static>) -> &'static Callsite {
    static SPANS: Made<usize> = Made::new();
    static STAND_IN: Callsite = Callsite::new(Severity::INFO, "span", &[], "", 0, "");
    let address = std::ptr::from_ref(metadata).addr();
    SPANS.get(address, |_| callsite(metadata)).unwrap_or(&STAND_IN)
}

pub(super) const MESSAGE: &str = "message";

pub(super) fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::TRACE,
        Level::DEBUG => Severity::DEBUG,
        Level::INFO => Severity::INFO,
        Level::WARN => Severity::WARN,
        Level::ERROR => Severity::ERROR,
    }
}

/// The level that lets through what is at least so bad.
pub(super) fn level(severity: Severity) -> LevelFilter {
    if severity >= Severity::FATAL {
        // There is none above: the filter itself says no to errors.
        LevelFilter::ERROR
    } else if severity > Severity::WARN {
        LevelFilter::ERROR
    } else if severity > Severity::INFO {
        LevelFilter::WARN
    } else if severity > Severity::DEBUG {
        LevelFilter::INFO
    } else if severity > Severity::TRACE {
        LevelFilter::DEBUG
    } else {
        LevelFilter::TRACE
    }
}
