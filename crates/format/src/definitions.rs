//! What records refer to: callsites, threads, spans. Each is defined once in every frame that uses it.

use std::sync::Arc;

use kymo_model::{EventKind, Severity};

use crate::error::{Malformed, WriteError};
use crate::limits::{ARGS_MAX, DEFINITION_BYTES_MAX};
use crate::record::{Arg, ArgValue};
use crate::values;
use crate::wire::{Cursor, put_bytes_field, put_number_field, put_text_field};

/// Event kind of one sample of a metric: its first argument is the value, others are labels.
pub const METRIC_SAMPLE: &str = "metric.sample";
/// Event kind of a metric that is an event with typed values, its arguments: a summary of many values.
pub const METRIC_EVENT: &str = "metric.event";

/// Numbers of the definitions in a block.
pub(crate) mod definition {
    pub(crate) const CALLSITE: u64 = 1;
    pub(crate) const THREAD: u64 = 2;
    pub(crate) const SPAN: u64 = 3;
    pub(crate) const SHAPE: u64 = 4;
}

/// A place in a program that makes records, with everything that all of them have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Callsite {
    /// Of what sort its records are.
    pub kind: EventKind,
    /// How bad.
    pub severity: Severity,
    /// Logger, target or feature.
    pub category: Option<String>,
    /// The text with holes: see [`crate::render`].
    pub template: String,
    /// Names of the arguments, in order. One whose name is empty has a place in the template only.
    pub fields: Vec<String>,
    /// Where in the source.
    pub source: Source,
    /// What is measured, for kinds [`METRIC_SAMPLE`] and [`METRIC_EVENT`].
    pub metric: Option<Metric>,
}

impl Callsite {
    /// Of that severity, with a template and the names of its arguments.
    pub fn new(severity: Severity, template: &str, fields: &[&str]) -> Self {
        Self {
            kind: EventKind::Log,
            severity,
            category: None,
            template: template.to_owned(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            source: Source::default(),
            metric: None,
        }
    }

    /// The text of a record with those values: the template with them in its holes.
    pub fn message(&self, args: &[ArgValue]) -> String {
        crate::render::render(&self.template, &self.fields, args).text
    }
}

/// A place in the source of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// File, as the compiler names it.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Module path or namespace.
    pub module: Option<String>,
    /// Function or method.
    pub function: Option<String>,
}

/// What the samples of a metric mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// The metric's name.
    pub name: String,
    /// Unit as in UCUM: `ms`, `By`, `1`.
    pub unit: Option<String>,
    /// What it is, for people.
    pub description: Option<String>,
    /// How samples go together.
    pub aggregation: Aggregation,
}

/// How samples of a metric go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// Each sample stands for its moment.
    #[default]
    Gauge,
    /// Each sample is what was added since the one before.
    Delta,
    /// Each sample is the sum since the start.
    Total,
    /// Each sample is one of many measured values.
    Distribution,
}

impl Aggregation {
    /// The word used in attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Delta => "delta",
            Self::Total => "total",
            Self::Distribution => "distribution",
        }
    }
}

/// A thread of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The operating system's number.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
}

/// A span as it is read: what was going on around a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The agent's id of the span.
    pub id: u64,
    /// Where it was opened, with its name as template.
    pub callsite: Arc<Callsite>,
    /// Values of the callsite's fields.
    pub args: Vec<ArgValue>,
    /// The span around it.
    pub parent: Option<Arc<Span>>,
}

impl Span {
    /// This span, then those around it.
    pub fn outwards(&self) -> impl Iterator<Item = &Span> {
        std::iter::successors(Some(self), |span| span.parent.as_deref())
    }
}

mod callsite_field {
    pub(super) const KIND: u64 = 1;
    pub(super) const SEVERITY: u64 = 2;
    pub(super) const CATEGORY: u64 = 3;
    pub(super) const TEMPLATE: u64 = 4;
    pub(super) const FIELD: u64 = 5;
    pub(super) const FILE: u64 = 6;
    pub(super) const LINE: u64 = 7;
    pub(super) const MODULE: u64 = 8;
    pub(super) const FUNCTION: u64 = 9;
    pub(super) const METRIC: u64 = 10;
}

mod metric_field {
    pub(super) const NAME: u64 = 1;
    pub(super) const UNIT: u64 = 2;
    pub(super) const DESCRIPTION: u64 = 3;
    pub(super) const AGGREGATION: u64 = 4;
}

mod thread_field {
    pub(super) const ID: u64 = 1;
    pub(super) const NAME: u64 = 2;
}

/// A definition's bytes, unless there are too many of them.
pub(crate) fn bounded(what: &'static str, bytes: Vec<u8>) -> Result<Box<[u8]>, WriteError> {
    if bytes.len() > DEFINITION_BYTES_MAX {
        return Err(WriteError::TooLarge { what, found: bytes.len(), max: DEFINITION_BYTES_MAX });
    }
    Ok(bytes.into_boxed_slice())
}

pub(crate) fn callsite_bytes(callsite: &Callsite) -> Result<Box<[u8]>, WriteError> {
    use callsite_field as field;
    let found = callsite.fields.len();
    if found > ARGS_MAX {
        return Err(WriteError::TooLarge { what: "fields of a callsite", found, max: ARGS_MAX });
    }
    let mut out = Vec::new();
    if callsite.kind != EventKind::Log {
        put_text_field(&mut out, field::KIND, Some(callsite.kind.as_str()));
    }
    put_number_field(&mut out, field::SEVERITY, callsite.severity.number().into());
    put_text_field(&mut out, field::CATEGORY, callsite.category.as_deref());
    put_text_field(&mut out, field::TEMPLATE, Some(&callsite.template));
    for name in &callsite.fields {
        put_text_field(&mut out, field::FIELD, Some(name));
    }
    put_text_field(&mut out, field::FILE, callsite.source.file.as_deref());
    if let Some(line) = callsite.source.line {
        put_number_field(&mut out, field::LINE, line.into());
    }
    put_text_field(&mut out, field::MODULE, callsite.source.module.as_deref());
    put_text_field(&mut out, field::FUNCTION, callsite.source.function.as_deref());
    if let Some(metric) = &callsite.metric {
        put_bytes_field(&mut out, field::METRIC, &metric_bytes(metric));
    }
    bounded("a callsite", out)
}

fn metric_bytes(metric: &Metric) -> Vec<u8> {
    use metric_field as field;
    let mut out = Vec::new();
    put_text_field(&mut out, field::NAME, Some(&metric.name));
    put_text_field(&mut out, field::UNIT, metric.unit.as_deref());
    put_text_field(&mut out, field::DESCRIPTION, metric.description.as_deref());
    put_number_field(&mut out, field::AGGREGATION, metric.aggregation as u64);
    out
}

pub(crate) fn thread_bytes(thread: &Thread) -> Result<Box<[u8]>, WriteError> {
    let mut out = Vec::new();
    put_number_field(&mut out, thread_field::ID, thread.id);
    put_text_field(&mut out, thread_field::NAME, thread.name.as_deref());
    bounded("a thread", out)
}

/// Fields of a span's definition; the callsite and the parent are numbers within the frame.
pub(crate) mod span_field {
    pub(crate) const ID: u64 = 1;
    pub(crate) const CALLSITE: u64 = 2;
    /// The parent's number plus one; 0 for none.
    pub(crate) const PARENT: u64 = 3;
    pub(crate) const ARG: u64 = 4;
}

pub(crate) fn span_args_bytes(args: &[Arg<'_>]) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    let mut one = Vec::new();
    for arg in args {
        one.clear();
        values::put_arg(&mut one, arg)?;
        put_bytes_field(&mut out, span_field::ARG, &one);
    }
    Ok(out)
}

/// The other way of [`callsite_bytes`].
pub(crate) fn callsite(bytes: &[u8], unknown: &mut u64) -> Result<Callsite, Malformed> {
    use callsite_field as number;
    let mut callsite = Callsite::new(Severity::INFO, "", &[]);
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            number::KIND => callsite.kind = EventKind::from_word(field.text()?),
            number::SEVERITY => callsite.severity = severity(field.number()?)?,
            number::CATEGORY => callsite.category = Some(field.string()?),
            number::TEMPLATE => callsite.template = field.string()?,
            number::FIELD if callsite.fields.len() < ARGS_MAX => callsite.fields.push(field.string()?),
            number::FIELD => return Err(Malformed("a callsite with few fields")),
            number::FILE => callsite.source.file = Some(field.string()?),
            number::LINE => callsite.source.line = u32::try_from(field.number()?).ok(),
            number::MODULE => callsite.source.module = Some(field.string()?),
            number::FUNCTION => callsite.source.function = Some(field.string()?),
            number::METRIC => callsite.metric = Some(metric(field.bytes()?, unknown)?),
            _ => *unknown += 1,
        }
    }
    Ok(callsite)
}

fn metric(bytes: &[u8], unknown: &mut u64) -> Result<Metric, Malformed> {
    use metric_field as number;
    let mut metric = Metric::default();
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            number::NAME => metric.name = field.string()?,
            number::UNIT => metric.unit = Some(field.string()?),
            number::DESCRIPTION => metric.description = Some(field.string()?),
            number::AGGREGATION => match field.number()? {
                0 => metric.aggregation = Aggregation::Gauge,
                1 => metric.aggregation = Aggregation::Delta,
                2 => metric.aggregation = Aggregation::Total,
                3 => metric.aggregation = Aggregation::Distribution,
                _ => *unknown += 1,
            },
            _ => *unknown += 1,
        }
    }
    Ok(metric)
}

/// The other way of [`thread_bytes`].
pub(crate) fn thread(bytes: &[u8], unknown: &mut u64) -> Result<Thread, Malformed> {
    let mut thread = Thread::default();
    let mut cursor = Cursor::new(bytes);
    while let Some((which, field)) = cursor.field()? {
        match which {
            thread_field::ID => thread.id = field.number()?,
            thread_field::NAME => thread.name = Some(field.string()?),
            _ => *unknown += 1,
        }
    }
    Ok(thread)
}

pub(crate) fn severity(number: u64) -> Result<Severity, Malformed> {
    let number = u8::try_from(number).ok().and_then(Severity::from_number);
    number.ok_or(Malformed("a severity number from 1 to 24"))
}
