//! `log`: a logger that records messages with their key-values.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use log::kv::{Error, Key, Value as LogValue, VisitSource, VisitValue};
use log::{Level, LevelFilter, Log, Metadata, Record};

use kymo_model::{Attributes, Severity, Value};

use super::filter;
use super::places::Place;
use super::table::Table;
use crate::callsite::Callsite;
use crate::record::Parts;
use crate::recorder::record;

static TABLE: Table<(StaticText, StaticText, u32, u8), &'static Callsite> = Table::new();
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
static LOGGER: KymoLogger = KymoLogger;

/// Records what comes through the crate `log`.
#[derive(Debug)]
#[non_exhaustive]
pub struct KymoLogger;

/// Our logger, for who has a place for it: one of several of a program, or behind a filter.
///
/// It goes by [`set_filter`](crate::set_filter), so `log::set_max_level` has to let through what that does.
pub fn log_logger() -> &'static dyn Log {
    &LOGGER
}

/// Makes ours the logger of the program. Its levels are those of [`set_filter`](crate::set_filter).
///
/// Errors: there is one already; nothing changes then.
///
/// ```
/// kymo::install_log()?;
/// log::warn!(target: "shop.stock", item = 17, left = 2; "almost sold out");
/// # Ok::<(), log::SetLoggerError>(())
/// ```
pub fn install_log() -> Result<(), log::SetLoggerError> {
    log::set_logger(&LOGGER)?;
    IS_INSTALLED.store(true, Ordering::Release);
    filter_changed();
    Ok(())
}

/// Has messages come that the filter lets through, and no others.
pub(super) fn filter_changed() {
    if IS_INSTALLED.load(Ordering::Acquire) {
        log::set_max_level(filter::current().lowest().map_or(LevelFilter::Off, level));
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::ERROR,
        Level::Warn => Severity::WARN,
        Level::Info => Severity::INFO,
        Level::Debug => Severity::DEBUG,
        Level::Trace => Severity::TRACE,
    }
}

fn level(severity: Severity) -> LevelFilter {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
    let lowest = levels.into_iter().find(|level| self::severity(*level) >= severity);
    lowest.map_or(LevelFilter::Off, |level| level.to_level_filter())
}

impl Log for KymoLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        filter::current().admits(metadata.target(), severity(metadata.level()))
    }

    fn log(&self, message: &Record<'_>) {
        let severity = severity(message.level());
        let found = callsite(message, severity);
        let (Ok(callsite) | Err(callsite)) = found;
        if !callsite.is_enabled() {
            return;
        }
        let mut parts = Parts::default();
        if found.is_err() {
            parts.severity(severity);
            parts.category(message.target());
        }
        if message.key_values().count() > 0 {
            let mut pairs = Pairs::default();
            // It fails where a value's own conversion does; what came before is kept.
            let _ = message.key_values().visit(&mut pairs);
            parts.attributes(&Attributes(pairs.0));
        }
        let text = match message.args().as_str() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(message.args().to_string()),
        };
        if parts.is_empty() {
            record(callsite, &(text.as_ref(), ()));
        } else {
            record(callsite, &(text.as_ref(), (&parts, ())));
        }
    }

    fn flush(&self) {
        crate::flush();
    }
}

fn known(fixed: Option<&'static str>, said: Option<&str>) -> Cow<'static, str> {
    match (fixed, said) {
        (Some(fixed), _) => fixed.into(),
        (None, said) => said.unwrap_or_default().to_owned().into(),
    }
}

/// The callsite of a message; `Err`: it says nothing itself, since there are too many.
fn callsite(message: &Record<'_>, severity: Severity) -> Result<&'static Callsite, &'static Callsite> {
    let file = message.file_static();
    let module = message.module_path_static().filter(|module| *module == message.target());
    let (Some(file), Some(module), Some(line)) = (file, module, message.line()) else {
        return place(message, severity).callsite();
    };
    // As the macros make them unless they say another target: all that tells them apart is static.
    let key = (StaticText::of(file), StaticText::of(module), line, severity.number());
    let number = key.0.address ^ (line as usize) << 8 ^ usize::from(key.3);
    match TABLE.get(number, key) {
        Some(callsite) => Ok(callsite),
        None => Ok(TABLE.put(number, key, place(message, severity).callsite()?)),
    }
}

/// A text by where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StaticText {
    address: usize,
    bytes: usize,
}

impl StaticText {
    fn of(text: &'static str) -> Self {
        Self { address: text.as_ptr().addr(), bytes: text.len() }
    }
}

fn place(message: &Record<'_>, severity: Severity) -> Place {
    Place {
        target: match message.module_path_static() {
            Some(module) if module == message.target() => module.into(),
            _ => message.target().to_owned().into(),
        },
        module: known(message.module_path_static(), message.module_path()),
        file: known(message.file_static(), message.file()),
        line: message.line().unwrap_or(0),
        severity: severity.number(),
    }
}

/// Key-values as attributes: numbers, truth values and texts as they are, others as they are shown.
#[derive(Default)]
struct Pairs(Vec<(String, Value)>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: LogValue<'kvs>) -> Result<(), Error> {
        let mut taken = Taken(Value::Null);
        value.visit(&mut taken)?;
        self.0.push((key.as_str().to_owned(), taken.0));
        Ok(())
    }
}

struct Taken(Value);

impl VisitValue<'_> for Taken {
    fn visit_any(&mut self, value: LogValue<'_>) -> Result<(), Error> {
        self.0 = Value::Text(value.to_string());
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }
}
