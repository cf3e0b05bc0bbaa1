//! Series of a session's metrics: which there are, and one of them over time.
//!
//! A program's samples are events of kind `metric.sample`, its summaries of many values `metric.event`. Their attributes begin
//! with the values and the labels; the next that is ours ends these. Only such rows are read whole, some thousand at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringArray};
use kymo_model::{Attributes, SessionId, Timestamp, Value};

use super::{EventCursor, EventFilter, RowFilter, Source, Tell, scan};
use crate::columns::at;
use crate::error::StoreError;

/// Kinds of events that carry values; those of the second stand for many values each.
const KINDS: [(&str, bool); 2] = [("metric.sample", false), ("metric.event", true)];
/// Series told of one session, those with the most samples: some 300 KB of JSON.
pub const SERIES_TOLD_MAX: usize = 1000;
/// Series that are told apart at all, some 500 bytes each: a program has at most 4,096 of a sort.
const SERIES_MAX: usize = 16 * 1024;
/// Samples that one question looks at: two weeks of two hundred series each four times a minute would be more, and are asked
/// for in parts of time.
const SAMPLES_MAX: usize = 1_000_000;
/// Rows read at a time: some five MiB with their attributes.
const ROWS_READ: usize = 16 * 1024;
/// Points of one answer: as many as a wide screen has pixels for, two each.
pub const POINTS_MAX: u32 = 1024;
/// The figures of a summary beside `count`, and the mean that is made of `sum`.
const SUMMARY: [&str; 7] = ["count", "sum", "min", "max", "p50", "p90", "p99"];

/// One figure of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Figure {
    /// A sample's value; of a summary the median.
    #[default]
    Value,
    /// How many values a summary stands for.
    Count,
    /// Their sum.
    Sum,
    /// The sum by the count.
    Mean,
    /// The least of them.
    Least,
    /// The greatest of them.
    Most,
    /// Nine in ten are below.
    P90,
    /// 99 in a hundred are below.
    P99,
}

/// A series of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names it: `shop.orders{till="3"}`.
    pub key: SeriesKey,
    /// As UCUM has it.
    pub unit: Option<String>,
    /// `gauge`, `total`, `delta` or `distribution`.
    pub aggregation: String,
    /// Each sample stands for many values.
    pub is_summary: bool,
    /// Of its events.
    pub category: Option<String>,
    /// How many samples.
    pub samples: u64,
    /// The least value of all; of summaries the least of what they stand for.
    pub least: f64,
    /// The greatest.
    pub most: f64,
    /// The last; of summaries the median.
    pub last: f64,
    /// When the first and the last sample were taken.
    pub at: (Timestamp, Timestamp),
}

/// What tells series apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The metric.
    pub name: String,
    /// As they were given.
    pub labels: Vec<(String, String)>,
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (position, (name, value)) in self.labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "{}{name}=\"{value}\"", if position == 0 { '{' } else { ',' })?;
        }
        if self.labels.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

/// The series of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesList {
    /// By name and labels.
    pub series: Vec<Series>,
    /// Those not told, as there are more than [`SERIES_TOLD_MAX`].
    pub left_out: u64,
}

/// A series in equal stretches of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesPoints {
    /// Stretches that hold a sample, ascending.
    pub points: Vec<SeriesPoint>,
    /// The last sample before the range.
    pub before: Option<(Timestamp, f64)>,
    /// The first one behind it.
    pub after: Option<(Timestamp, f64)>,
    /// Whether there is such a series at all.
    pub is_known: bool,
}

/// The samples of one stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// Number of the stretch, from 0.
    pub index: u32,
    /// When the last of them was taken.
    pub at: Timestamp,
    /// How many.
    pub samples: u64,
    /// The least of their values.
    pub least: f64,
    /// The greatest.
    pub most: f64,
    /// The last.
    pub last: f64,
}

/// One event that carries values.
struct Sample<'row> {
    place: EventCursor,
    is_summary: bool,
    category: Option<&'row str>,
    attributes: Attributes,
}

impl Sample<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_text)
    }

    fn key(&self) -> Option<SeriesKey> {
        let name = self.text("metric.name")?.to_owned();
        let is_value = |name: &str| if self.is_summary { SUMMARY.contains(&name) } else { name == "value" };
        let of_sample = self.attributes.iter().take_while(|(name, _)| {
            !["kymo.", "metric.", "code.", "thread."].iter().any(|ours| name.starts_with(ours))
        });
        let labels = of_sample
            .filter(|(name, _)| !is_value(name))
            .filter_map(|(name, value)| Some((name.clone(), value.to_scalar_text()?)));
        Some(SeriesKey { name, labels: labels.collect() })
    }

    fn number(&self, name: &str) -> Option<f64> {
        let number = match self.attributes.get(name)? {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            // Beyond what a signed number holds.
            Value::Text(text) => text.parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    fn figure(&self, figure: Figure) -> Option<f64> {
        if !self.is_summary {
            return self.number("value");
        }
        match figure {
            Figure::Value => self.number("p50"),
            Figure::Count => self.number("count"),
            Figure::Sum => self.number("sum"),
            Figure::Mean => {
                Some(self.number("sum")? / self.number("count")?).filter(|mean: &f64| mean.is_finite())
            }
            Figure::Least => self.number("min"),
            Figure::Most => self.number("max"),
            Figure::P90 => self.number("p90"),
            Figure::P99 => self.number("p99"),
        }
    }
}

/// All series of the session. Blocking.
pub(crate) fn list(sources: &[Arc<dyn Source>], streams: &[SessionId]) -> Result<SeriesList, StoreError> {
    let mut known: BTreeMap<SeriesKey, Series> = BTreeMap::new();
    let mut left_out = 0;
    each(sources, streams, "", &mut |sample| {
        let (Some(key), Some(last)) = (sample.key(), sample.figure(Figure::Value)) else { return };
        if known.len() >= SERIES_MAX && !known.contains_key(&key) {
            left_out = 1;
            return;
        }
        let time = sample.place.time;
        let (least, most) =
            (sample.figure(Figure::Least).unwrap_or(last), sample.figure(Figure::Most).unwrap_or(last));
        let series = known.entry(key.clone()).or_insert_with(|| Series {
            key,
            unit: sample.text("metric.unit").map(str::to_owned),
            aggregation: sample.text("metric.aggregation").unwrap_or("gauge").to_owned(),
            is_summary: sample.is_summary,
            category: sample.category.map(str::to_owned),
            samples: 0,
            least,
            most,
            last,
            at: (time, time),
        });
        series.samples += 1;
        (series.least, series.most) = (series.least.min(least), series.most.max(most));
        if time >= series.at.1 {
            series.last = last;
        }
        series.at = (series.at.0.min(time), series.at.1.max(time));
    })?;
    let mut series: Vec<Series> = known.into_values().collect();
    if series.len() > SERIES_TOLD_MAX {
        series.sort_by_key(|series| std::cmp::Reverse(series.samples));
        left_out += (series.len() - SERIES_TOLD_MAX) as u64;
        series.truncate(SERIES_TOLD_MAX);
        series.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(SeriesList { series, left_out })
}

/// One series between `from` and `to` (exclusive), in `points` equal stretches. Blocking.
pub(crate) fn points(
    sources: &[Arc<dyn Source>],
    streams: &[SessionId],
    (series, figure): (&str, Figure),
    (from, to): (Timestamp, Timestamp),
    points: u32,
) -> Result<SeriesPoints, StoreError> {
    let points = points.clamp(1, POINTS_MAX);
    let span = to.since(from).as_nanos().max(1);
    let mut found: BTreeMap<u32, (EventCursor, SeriesPoint)> = BTreeMap::new();
    let mut answer = SeriesPoints::default();
    each(sources, streams, series, &mut |sample| {
        let is_wanted = sample.key().is_some_and(|key| key.to_string() == series);
        let Some(value) = sample.figure(figure).filter(|_| is_wanted) else { return };
        answer.is_known = true;
        let time = sample.place.time;
        if time < from {
            answer.before = answer.before.filter(|(at, _)| *at > time).or(Some((time, value)));
        } else if time >= to {
            answer.after = answer.after.filter(|(at, _)| *at <= time).or(Some((time, value)));
        } else {
            let index = (time.since(from).as_nanos() * u128::from(points) / span) as u32;
            let new = SeriesPoint { index, at: time, samples: 0, least: value, most: value, last: value };
            let (last, point) = found.entry(index).or_insert((sample.place, new));
            point.samples += 1;
            (point.least, point.most) = (point.least.min(value), point.most.max(value));
            if (time, sample.place.sequence) >= (last.time, last.sequence) {
                (*last, point.at, point.last) = (sample.place, time, value);
            }
        }
    })?;
    answer.points = found.into_values().map(|(_, point)| point).collect();
    Ok(answer)
}

/// Tells every sample; with `series` only those that may be of it.
fn each(
    sources: &[Arc<dyn Source>],
    streams: &[SessionId],
    series: &str,
    tell: &mut dyn FnMut(&Sample<'_>),
) -> Result<(), StoreError> {
    let mut samples = 0;
    // The name stands in JSON as it is here, unless it has signs that JSON writes otherwise.
    let name = series.split('{').next().unwrap_or_default();
    let name =
        if name.chars().all(|sign| sign.is_alphanumeric() || "._-/".contains(sign)) { name } else { "" };
    for (kind, is_summary) in KINDS {
        let plain = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
        let hits = scan(sources, streams, &RowFilter::new(plain, None, Vec::new()), Tell::Nothing)?;
        samples += hits.len();
        if samples > SAMPLES_MAX {
            return Err(StoreError::input(format!(
                "the session has more than {SAMPLES_MAX} samples of metrics, which is as many as one question looks at"
            )));
        }
        for of_source in hits.chunk_by(|one, other| one.source == other.source) {
            for chunk in of_source.chunks(ROWS_READ) {
                let rows: Vec<u64> = chunk.iter().map(|hit| hit.row).collect();
                let mut places = chunk.iter().map(|hit| hit.place);
                for batch in sources[chunk[0].source].fetch(&rows, &[at::CATEGORY, at::ATTRIBUTES])? {
                    let (categories, attributes): (&StringArray, &StringArray) =
                        (batch.column(0).as_string(), batch.column(1).as_string());
                    for row in 0..batch.num_rows() {
                        let Some(place) = places.next() else { break };
                        let json = if attributes.is_null(row) { "" } else { attributes.value(row) };
                        if !json.contains(name) {
                            continue;
                        }
                        let Ok(attributes) = serde_json::from_str::<Attributes>(json) else { continue };
                        let category = (!categories.is_null(row)).then(|| categories.value(row));
                        tell(&Sample { place, is_summary, category, attributes });
                    }
                }
            }
        }
    }
    Ok(())
}
