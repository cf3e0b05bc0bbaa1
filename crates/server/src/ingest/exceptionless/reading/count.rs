//! `GET /api/v2/events/count`: how many, and what can be said of sessions without looking at their events.
//!
//! | aggregation | of sessions |
//! |---|---|
//! | `cardinality:user` | different users |
//! | `avg:value`, `sum:value`, `min:value`, `max:value` | duration in seconds |
//! | `date:date`, `date:(date~1h^-60m cardinality:user avg:value)` | by the time of their start, with those above inside |
//!
//! Anything else is a 400 that names it (D15). Of events there is the total only.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kymo_model::Timestamp;
use kymo_store::{COUNT_BUCKETS_MAX, SessionCount, SessionFilter, SessionSummary};
use serde_json::{Map, Value, json};

use super::{Named, Reading};
use crate::access::Address;
use crate::problem::Problem;
use crate::state::AppState;

/// Widths of buckets to choose from, and how many buckets there are at most if the request names no width.
const WIDTHS: [Duration; 9] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(12),
    Duration::from_hours(24),
    Duration::from_hours(7 * 24),
    Duration::from_hours(30 * 24),
];
const BUCKETS_WANTED: u32 = 100;
/// Longest width of a bucket: a hundred years. More is a slip, and times have an end.
const SPAN_MAX: Duration = Duration::from_hours(100 * 366 * 24);
/// Furthest offset from UTC, either way: time zones go to 14 hours.
const OFFSET_MINUTES_MAX: i64 = 24 * 60;
/// Aggregations of a request (Exceptionless HTTP API: at most ten operations).
const OPERATIONS_MAX: usize = 10;

/// One figure of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Users,
    Average,
    Sum,
    Least,
    Most,
}

impl Metric {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "cardinality:user" => Self::Users,
            "avg:value" => Self::Average,
            "sum:value" => Self::Sum,
            "min:value" => Self::Least,
            "max:value" => Self::Most,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Users => "cardinality_user",
            Self::Average => "avg_value",
            Self::Sum => "sum_value",
            Self::Least => "min_value",
            Self::Most => "max_value",
        }
    }
}

/// What is to be told beside the total.
#[derive(Debug, Default, PartialEq, Eq)]
struct Aggregations {
    metrics: Vec<Metric>,
    histogram: Option<Histogram>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Histogram {
    width: Option<Duration>,
    /// Added to UTC where days begin; west of Greenwich negative.
    offset_minutes: i64,
    metrics: Vec<Metric>,
}

impl Aggregations {
    fn read(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        let parts = parts(text);
        if parts.len() > OPERATIONS_MAX {
            return Err(format!("aggregations: expected at most {OPERATIONS_MAX}, found {}", parts.len()));
        }
        for part in parts {
            if let Some(metric) = Metric::read(part) {
                all.metrics.push(metric);
            } else if let Some(inner) = part.strip_prefix("date:") {
                all.histogram = Some(Histogram::read(inner).ok_or_else(|| unknown(part))?);
            } else {
                return Err(unknown(part));
            }
        }
        Ok(all)
    }
}

fn unknown(part: &str) -> String {
    format!(
        "aggregations: {part} is not counted here: expected cardinality:user, avg:value, sum:value, min:value, \
         max:value or date:(date …) of these"
    )
}

/// Cut at spaces outside of groups.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|letter: char| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter.is_whitespace() && depth == 0
    })
    .filter(|part| !part.is_empty())
    .collect()
}

impl Histogram {
    /// `date`, `date~1h^-60m`, or a group of that and metrics.
    fn read(text: &str) -> Option<Self> {
        let inner = match text.strip_prefix('(') {
            Some(inner) => inner.strip_suffix(')')?,
            None => text,
        };
        let mut parts = parts(inner).into_iter();
        let rest = parts.next()?.strip_prefix("date")?;
        let (rest, offset) = rest.split_once('^').map_or((rest, ""), |(rest, offset)| (rest, offset));
        let width = match rest.strip_prefix('~') {
            Some(width) => Some(span(width).filter(|width| !width.is_zero())?),
            None if rest.is_empty() => None,
            None => return None,
        };
        let offset = offset.trim_matches(['"', '\'']);
        let (sign, digits) = match offset.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, offset.trim_start_matches('+')),
        };
        let offset = if digits.is_empty() { Duration::ZERO } else { span(digits)? };
        let offset_minutes = sign * i64::try_from(offset.as_secs() / 60).ok()?;
        if offset_minutes.abs() > OFFSET_MINUTES_MAX {
            return None;
        }
        let metrics = parts.map(Metric::read).collect::<Option<Vec<Metric>>>()?;
        Some(Self { width, offset_minutes, metrics })
    }

    /// Beginning and width of the buckets, so many that they reach beyond `to`.
    fn grid(&self, from: Timestamp, to: Timestamp) -> Result<(Timestamp, Duration, u32), String> {
        let span = to.since(from);
        let fits = |width: &Duration| span.as_nanos() / width.as_nanos() < u128::from(BUCKETS_WANTED);
        let width =
            self.width.or_else(|| WIDTHS.into_iter().find(fits)).unwrap_or_else(|| span / BUCKETS_WANTED);
        // Wide enough for any two moments and any width.
        let nanos = i128::try_from(width.as_nanos()).unwrap_or(i128::MAX);
        let offset = i128::from(self.offset_minutes) * 60 * 1_000_000_000;
        let begin = (i128::from(from.as_unix_nanos()) + offset).div_euclid(nanos) * nanos - offset;
        let count = (i128::from(to.as_unix_nanos()) - begin) / nanos + 1;
        match (i64::try_from(begin), u32::try_from(count)) {
            (Ok(begin), Ok(count)) if count <= COUNT_BUCKETS_MAX => {
                Ok((Timestamp::from_unix_nanos(begin), width, count))
            }
            _ => Err(format!("aggregations: expected at most {COUNT_BUCKETS_MAX} buckets, found {count}")),
        }
    }
}

/// `60m`, `1h`, `day`.
fn span(text: &str) -> Option<Duration> {
    let at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: u32 = if number.is_empty() { 1 } else { number.parse().ok()? };
    let one = match unit {
        "s" | "second" => Duration::from_secs(1),
        "m" | "minute" => Duration::from_mins(1),
        "h" | "hour" => Duration::from_hours(1),
        "d" | "day" => Duration::from_hours(24),
        "w" | "week" => Duration::from_hours(7 * 24),
        "M" | "month" => Duration::from_hours(30 * 24),
        _ => return None,
    };
    one.checked_mul(number).filter(|span| *span <= SPAN_MAX)
}

/// The count of `GET /api/v2/events/count`, and below a project.
pub(in crate::ingest) async fn count(
    State(state): State<AppState>,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
    address: Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reading = Reading::new(&state, &headers, query.as_deref(), &named, address)?;
    let asked = reading.text("aggregations").map_or_else(|| Ok(Aggregations::default()), Aggregations::read);
    let asked = asked.map_err(Problem::input)?;
    let Some(filter) = reading.session_filter(&state)? else {
        if asked != Aggregations::default() {
            let detail = "aggregations: only sessions are added up; add type:session to the filter";
            return Err(Problem::input(detail));
        }
        let filter = reading.events(state.store.now())?;
        let total = state.store.count_events(&reading.projects, filter).await?;
        return Ok(Json(json!({"total": total})).into_response());
    };
    let summary = state.store.session_summary(&filter).await?;
    let mut told = Map::new();
    for metric in &asked.metrics {
        told.insert(metric.name().to_owned(), json!({"value": of_summary(&summary, *metric)}));
    }
    if let Some(histogram) = &asked.histogram {
        told.insert("date_date".to_owned(), buckets(&state, &filter, histogram).await?);
    }
    Ok(Json(json!({"total": summary.sessions, "aggregations": told})).into_response())
}

fn of_summary(summary: &SessionSummary, metric: Metric) -> f64 {
    match metric {
        Metric::Users => summary.users as f64,
        Metric::Average => summary.average_duration_seconds,
        Metric::Sum => summary.average_duration_seconds * summary.sessions as f64,
        Metric::Least => summary.least_duration_seconds,
        Metric::Most => summary.most_duration_seconds,
    }
}

fn of_bucket(count: &SessionCount, metric: Metric) -> f64 {
    match metric {
        Metric::Users => count.users as f64,
        Metric::Average => count.duration_seconds / count.sessions.max(1) as f64,
        Metric::Sum => count.duration_seconds,
        Metric::Least => count.least_duration_seconds,
        Metric::Most => count.most_duration_seconds,
    }
}

async fn buckets(state: &AppState, filter: &SessionFilter, histogram: &Histogram) -> Result<Value, Problem> {
    let to = filter.to.unwrap_or_else(|| state.store.now());
    // All of time is as long as there are sessions.
    let first = SessionFilter { ascending: true, ..filter.clone() };
    let from = match filter.from {
        Some(from) => from,
        None => state.store.sessions(&first, None, 1).await?.first().map_or(to, |(_, row)| row.started_at),
    };
    let (begin, width, count) = histogram.grid(from.min(to), to).map_err(Problem::input)?;
    let end = begin.plus(width * count);
    let counted = state.store.session_counts_over_time(filter, begin, end, count).await?;
    let items: Vec<Value> = counted
        .iter()
        .map(|bucket| {
            let date = begin.plus(width * bucket.index);
            let metrics: Map<String, Value> = histogram
                .metrics
                .iter()
                .map(|metric| (metric.name().to_owned(), json!({"value": of_bucket(bucket, *metric)})))
                .collect();
            json!({
                "key": date.as_unix_millis(),
                "key_as_string": date.to_string(),
                "date": date.to_string(),
                "total": bucket.sessions,
                "aggregations": metrics,
            })
        })
        .collect();
    Ok(json!({"items": items}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregations_as_the_dashboards_ask() {
        let asked = "avg:value cardinality:user date:(date^-60m cardinality:user)";
        let expected = Aggregations {
            metrics: vec![Metric::Average, Metric::Users],
            histogram: Some(Histogram { width: None, offset_minutes: -60, metrics: vec![Metric::Users] }),
        };
        assert_eq!(Aggregations::read(asked), Ok(expected));
        let hourly = Histogram { width: Some(Duration::from_hours(1)), ..Histogram::default() };
        assert_eq!(Aggregations::read("date:(date~1h)").unwrap().histogram, Some(hourly));
        assert_eq!(Aggregations::read("date:date").unwrap().histogram, Some(Histogram::default()));
        assert_eq!(Aggregations::read(" "), Ok(Aggregations::default()));
        for (wrong, named) in [
            ("terms:type", "terms:type"),
            ("avg:value cardinality:stack", "cardinality:stack"),
            ("date:(date~1x)", "date:(date~1x)"),
            ("date:(date~0h)", "date:(date~0h)"),
            ("date:(date~4294967295M)", "date:(date~4294967295M)"),
            ("date:(date^-99999d)", "date:(date^-99999d)"),
            ("date:(date terms:type)", "date:(date terms:type)"),
        ] {
            let error = Aggregations::read(wrong).unwrap_err();
            assert!(error.contains(&format!("{named} is not counted here")), "{error}");
        }
        assert!(Aggregations::read(&"avg:value ".repeat(11)).unwrap_err().contains("at most 10, found 11"));
    }

    #[test]
    fn buckets_begin_where_days_do() {
        let at = |text: &str| {
            let moment: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_unix_nanos(moment.as_nanosecond() as i64)
        };
        let daily =
            Histogram { width: Some(Duration::from_hours(24)), offset_minutes: 60, ..Histogram::default() };
        let (begin, _, count) = daily.grid(at("2026-11-20T10:00:00Z"), at("2026-11-21T10:00:00Z")).unwrap();
        assert_eq!((begin, count), (at("2026-11-19T23:00:00Z"), 2), "an hour east of Greenwich");
        let fine = Histogram { width: Some(Duration::from_secs(1)), ..Histogram::default() };
        assert!(fine.grid(at("2026-11-20T10:00:00Z"), at("2026-11-21T10:00:00Z")).is_err());
        let (first, last) = (Timestamp::from_unix_nanos(i64::MIN), Timestamp::from_unix_nanos(i64::MAX));
        assert!(daily.grid(first, last).is_err(), "all of time");
        let chosen =
            Histogram::default().grid(at("2026-11-14T00:00:00Z"), at("2026-11-21T00:00:00Z")).unwrap();
        assert_eq!(chosen.1, Duration::from_hours(3));
    }
}
