//! Samples of metrics: by the program itself, of the process, and of the crate `metrics`.

use std::borrow::Cow;

use kymo_format::{Aggregation, METRIC_EVENT, METRIC_SAMPLE, Metric};
use kymo_model::Severity;

use super::counts;
use crate::callsite::Callsite;
use crate::callsite::made::{Made, kept};
use crate::record::{FIELDS_MAX, FieldKind, with_gathered};
use crate::recorder::record;

/// Where samples belong unless they say otherwise: `metrics=off` is a filter against them.
pub(super) const CATEGORY: &str = "metrics";
/// Labels of a series: behind the values of a histogram there is room for so many.
const LABELS_MAX: usize = FIELDS_MAX - SUMMARY.len();
/// Values of an event that stands for many.
pub(super) const SUMMARY: [&str; 7] = ["count", "sum", "min", "max", "p50", "p90", "p99"];

pub(super) type Text = Cow<'static, str>;

/// A measured number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(FieldKind, u64);

macro_rules! numbers {
    ($($from:ty: $kind:ident $as:expr;)*) => {$(
        impl From<$from> for Number {
            fn from(value: $from) -> Self {
                let to_word: fn($from) -> u64 = $as;
                Self(FieldKind::$kind, to_word(value))
            }
        }
    )*};
}
numbers! {
    u32: Unsigned u64::from;
    u64: Unsigned |value| value;
    usize: Unsigned |value| value as u64;
    i32: Signed |value| i64::from(value) as u64;
    i64: Signed |value| value as u64;
    f32: Float |value| f64::from(value).to_bits();
    f64: Float f64::to_bits;
}

/// What distinguishes metrics: all series of one have a callsite together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    name: Text,
    unit: Option<Text>,
    description: Option<Text>,
    aggregation: u8,
    category: Text,
    is_summary: bool,
    labels: Vec<Text>,
}

static CALLSITES: Made<Key> = Made::new();

/// One value of a metric; [`Sample::record`] records it, as an event of kind `metric.sample`.
///
/// Takes half a microsecond: for what is measured now and then. What is counted a thousand times a second is for the
/// crate `metrics`, whose recorder is ours by `kymo::install_metrics()`.
///
/// ```
/// kymo::Sample::gauge("shop.queue.length", 17).unit("{order}").label("till", "3").record();
/// kymo::Sample::measured("shop.checkout.duration", 0.731).unit("s").record();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `record`"]
pub struct Sample {
    key: Key,
    values: Vec<Number>,
    labels: Vec<Text>,
}

impl Sample {
    fn new(name: Text, aggregation: Aggregation, values: Vec<Number>) -> Self {
        let key = Key {
            name,
            unit: None,
            description: None,
            aggregation: aggregation as u8,
            category: CATEGORY.into(),
            is_summary: values.len() > 1,
            labels: Vec::new(),
        };
        Self { key, values, labels: Vec::new() }
    }

    /// How it is at this moment: a length, a temperature.
    pub fn gauge(name: impl Into<Cow<'static, str>>, value: impl Into<Number>) -> Self {
        Self::new(name.into(), Aggregation::Gauge, vec![value.into()])
    }

    /// How many there were since the program began.
    pub fn total(name: impl Into<Cow<'static, str>>, value: impl Into<Number>) -> Self {
        Self::new(name.into(), Aggregation::Total, vec![value.into()])
    }

    /// How many there were since the sample before.
    pub fn delta(name: impl Into<Cow<'static, str>>, value: impl Into<Number>) -> Self {
        Self::new(name.into(), Aggregation::Delta, vec![value.into()])
    }

    /// One of many measured values: how long something took.
    pub fn measured(name: impl Into<Cow<'static, str>>, value: impl Into<Number>) -> Self {
        Self::new(name.into(), Aggregation::Distribution, vec![value.into()])
    }

    /// The figures of [`SUMMARY`], of all values since the summary before.
    #[cfg(feature = "metrics")]
    pub(super) fn summary(name: Text, values: [Number; SUMMARY.len()]) -> Self {
        Self::new(name, Aggregation::Distribution, values.into())
    }

    /// The unit as UCUM has it: `ms`, `By`, `1`, `{order}`.
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.key.unit = Some(unit.into());
        self
    }

    /// What it is, for people.
    pub fn description(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.key.description = Some(description.into());
        self
    }

    /// What tells this series from others of the metric; at most eight, those beyond are left out.
    pub fn label(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        if self.labels.len() < LABELS_MAX {
            self.key.labels.push(name.into());
            self.labels.push(value.into());
        }
        self
    }

    pub(super) fn category(mut self, category: &'static str) -> Self {
        self.key.category = category.into();
        self
    }

    /// Records it. Blocks and fails as the macros do: only where the ring is full, and never.
    pub fn record(self) {
        let Some(callsite) = CALLSITES.get(self.key, made) else {
            return counts::refused_series();
        };
        if !callsite.is_enabled() {
            return;
        }
        with_gathered(|gathered| {
            for Number(kind, word) in self.values {
                gathered.push(kind, word);
            }
            for label in &self.labels {
                gathered.push_text(label);
            }
            record(callsite, gathered);
        });
    }
}

fn made(key: &Key) -> Callsite {
    let values: &[&str] = if key.is_summary { &SUMMARY } else { &["value"] };
    let names: Vec<&'static str> =
        values.iter().copied().map(kept).chain(key.labels.iter().map(|label| kept(label))).collect();
    let name = key.name.replace('{', "{{").replace('}', "}}");
    let unit = key.unit.as_deref().map(|unit| format!(" {}", unit.replace('{', "{{").replace('}', "}}")));
    let unit = unit.unwrap_or_default();
    let template = if key.is_summary {
        format!("{name} count {{count}}, sum {{sum}}{unit}, p50 {{p50}}, p99 {{p99}}")
    } else {
        format!("{name} {{value}}{unit}")
    };
    let metric = Metric {
        name: key.name.clone().into_owned(),
        unit: key.unit.clone().map(Cow::into_owned),
        description: key.description.clone().map(Cow::into_owned),
        aggregation: match key.aggregation {
            aggregation if aggregation == Aggregation::Delta as u8 => Aggregation::Delta,
            aggregation if aggregation == Aggregation::Total as u8 => Aggregation::Total,
            aggregation if aggregation == Aggregation::Distribution as u8 => Aggregation::Distribution,
            _ => Aggregation::Gauge,
        },
    };
    Callsite::new(Severity::INFO, kept(&template), names.leak(), "", 0, "")
        .of_kind(if key.is_summary { METRIC_EVENT } else { METRIC_SAMPLE })
        .in_category(kept(&key.category))
        .measuring(Box::leak(Box::new(metric)))
}
