//! From `tracing`'s callsites to ours.

use std::sync::OnceLock;

use kymo_model::Severity;
use tracing_core::{Level, LevelFilter, Metadata};

use crate::callsite::made::{Made, kept};
use crate::callsite::{Callsite, LOG};
use crate::record::FIELDS_MAX;

/// Values that a callsite names: behind them come a record's parts and its span. Others go into its attributes.
pub(super) const NAMED_MAX: usize = FIELDS_MAX - 2;
/// Callsites that are found by a hash and no lock: the macros of a large program. 24 bytes each, of which only what is
/// used becomes memory. Those beyond are found under a lock.
const SLOTS: usize = 4096;
/// Slots that are looked at before the lock.
const PROBES: usize = 8;

/// What we know of a callsite of `tracing`.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) callsite: &'static Callsite,
    /// It stands for messages of the crate `log`, which say themselves where they are from.
    pub(super) is_foreign: bool,
    /// The callsite is that of all there was no room for.
    pub(super) is_stand_in: bool,
}

/// By the address of the metadata, which are static.
type Slot = (usize, &'static Known);

static TABLE: [OnceLock<Slot>; SLOTS] = [const { OnceLock::new() }; SLOTS];
/// Those for which there was no slot.
static REST: Made<usize> = Made::new();
static STAND_IN: Callsite = Callsite::new(Severity::INFO, "", &[], "", 0, "");
static STAND_IN_KNOWN: Known = Known { callsite: &STAND_IN, is_foreign: false, is_stand_in: true };

/// What stands for that callsite. Hot: one hash, one load and a comparison.
#[inline]
pub(super) fn of(metadata: &'static Metadata<'static>) -> &'static Known {
    let address = std::ptr::from_ref(metadata).addr();
    // Fibonacci's: the high bits depend on all.
    let first = address.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize) >> (usize::BITS - SLOTS.ilog2());
    match TABLE[first].get() {
        Some((known, found)) if *known == address => found,
        _ => look_further(metadata, address, first),
    }
}

#[cold]
fn look_further(metadata: &'static Metadata<'static>, address: usize, first: usize) -> &'static Known {
    for at in first..first + PROBES {
        let slot = &TABLE[at % SLOTS];
        let taken = slot.get_or_init(|| (address, make(metadata)));
        if taken.0 == address {
            return taken.1;
        }
    }
    // Its kind is that of no foreign one: of those there are five, which come early.
    match REST.get(address, |_| callsite(metadata)) {
        Some(callsite) => Box::leak(Box::new(Known { callsite, is_foreign: false, is_stand_in: false })),
        None => &STAND_IN_KNOWN,
    }
}

fn make(metadata: &'static Metadata<'static>) -> &'static Known {
    let is_foreign = metadata.fields().field("log.target").is_some();
    let callsite = Box::leak(Box::new(callsite(metadata)));
    Box::leak(Box::new(Known { callsite, is_foreign, is_stand_in: false }))
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
    static STAND_IN: Callsite = Callsite::new(Severity::INFO, "span", &[], "", 0, "").of_spans();
    let address = std::ptr::from_ref(metadata).addr();
    SPANS.get(address, |_| callsite(metadata).of_spans()).unwrap_or(&STAND_IN)
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
