//! `GET /api/v2/events/count`: how many events or sessions match, and what can be added up of them (D15).
//!
//! | aggregation | |
//! |---|---|
//! | `cardinality:FIELD` | different values |
//! | `avg:FIELD`, `sum:FIELD`, `min:FIELD`, `max:FIELD` | of those that are numbers; of sessions `value` is the duration in seconds |
//! | `terms:FIELD`, `terms:(FIELD~20 …)` | the most frequent values, 10 unless said otherwise, with others of this table inside |
//! | `date:date`, `date:(date~1h^-60m …)` | by time; of sessions that of their start |
//!
//! Fields are those of the filter language. Anything else is a 400 that names it. Answers are those of the original:
//! `{"total": 3, "aggregations": {"terms_type": {"items": [{"key": "log", "total": 2, …}]}}}`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kymo_compat::exceptionless::type_of;
use kymo_filter::field::lookup;
use kymo_filter::{EventField, Field, FieldType, Subject};
use kymo_model::{EventKind, Timestamp};
use kymo_store::{
    Aggregate, Aggregated, Bucket, COUNT_BUCKETS_MAX, NESTING_MAX, SessionFilter, Statistic, TERMS_TOLD_MAX,
};
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
/// Values that are told of a field unless the request says how many (Exceptionless HTTP API).
const TERMS_DEFAULT: usize = 10;

/// One aggregation as it is asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    /// How the answer calls it: `terms_type`.
    name: String,
    what: What,
    inner: Vec<Asked>,
}

#[derive(Debug, PartialEq)]
enum What {
    Distinct(Field),
    Number(Statistic, Field),
    Terms(Field, usize),
    Dates(Field, Stretches),
}

/// How time is cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stretches {
    width: Option<Duration>,
    /// Added to UTC where days begin; west of Greenwich negative.
    offset_minutes: i64,
}

/// Reads what is asked about one subject.
struct Reader {
    subject: Subject,
    operations: usize,
}

impl Reader {
    fn read(text: &str, subject: Subject) -> Result<Vec<Asked>, String> {
        let mut reader = Self { subject, operations: 0 };
        parts(text).into_iter().map(|part| reader.one(part, 0)).collect()
    }

    fn one(&mut self, part: &str, depth: usize) -> Result<Asked, String> {
        self.operations += 1;
        if self.operations > OPERATIONS_MAX {
            return Err(format!("aggregations: expected at most {OPERATIONS_MAX}"));
        }
        let unknown = || {
            format!(
                "aggregations: {part} is not counted here: expected cardinality, avg, sum, min, max, terms or date, a \
                 colon and a field"
            )
        };
        let (operation, rest) = part.split_once(':').ok_or_else(unknown)?;
        let mut inside = match rest.strip_prefix('(') {
            Some(group) => parts(group.strip_suffix(')').ok_or_else(unknown)?),
            None => vec![rest],
        };
        if inside.is_empty() {
            return Err(unknown());
        }
        let target = inside.remove(0);
        let end = target.find(['~', '^']).unwrap_or(target.len());
        let (written, options) = target.split_at(end);
        let (field, field_type) = self.field(written, part)?;
        let what = match operation {
            "cardinality" => What::Distinct(field),
            "avg" => What::Number(Statistic::Average, field),
            "sum" => What::Number(Statistic::Sum, field),
            "min" => What::Number(Statistic::Least, field),
            "max" => What::Number(Statistic::Most, field),
            "terms" => What::Terms(field, terms_size(options).ok_or_else(unknown)?),
            "date" if field_type == FieldType::Time => {
                What::Dates(field, Stretches::read(options).ok_or_else(unknown)?)
            }
            _ => return Err(unknown()),
        };
        let is_group = matches!(what, What::Terms(..) | What::Dates(..));
        if !is_group && (!inside.is_empty() || !options.is_empty()) {
            return Err(unknown());
        }
        if is_group && depth >= NESTING_MAX {
            return Err(format!("aggregations: {part}: expected groups at most {NESTING_MAX} deep"));
        }
        let inner = inside.into_iter().map(|part| self.one(part, depth + 1)).collect::<Result<_, _>>()?;
        Ok(Asked { name: format!("{operation}_{written}"), what, inner })
    }

    fn field(&self, written: &str, part: &str) -> Result<(Field, FieldType), String> {
        let known = lookup(written, self.subject);
        match known {
            Some((field, field_type)) if field.subject() == self.subject => Ok((field, field_type)),
            // `value` alone is a session's duration in filters.
            Some(_) if self.subject == Subject::Event && written == "value" => {
                Ok((Field::Event(EventField::Attribute("@value".into())), FieldType::Value))
            }
            Some((field, _)) => {
                let (of, only) = (field.subject().as_str(), self.subject.as_str());
                let hint =
                    if self.subject == Subject::Event { "; add type:session to the filter" } else { "" };
                Err(format!("aggregations: {part}: {written} is said of {of}s, this counts {only}s{hint}"))
            }
            None => Err(format!("aggregations: {part}: there is no field {written}")),
        }
    }
}

/// `~20`: how many values.
fn terms_size(options: &str) -> Option<usize> {
    if options.is_empty() {
        return Some(TERMS_DEFAULT);
    }
    let size = options.strip_prefix('~')?.parse().ok()?;
    (1..=TERMS_TOLD_MAX).contains(&size).then_some(size)
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

impl Stretches {
    /// `~1h^-60m`, either or nothing.
    fn read(options: &str) -> Option<Self> {
        let (width, offset) = options.split_once('^').unwrap_or((options, ""));
        let width = match width.strip_prefix('~') {
            Some(width) => Some(span(width).filter(|width| !width.is_zero())?),
            None if width.is_empty() => None,
            None => return None,
        };
        let offset = offset.trim_matches(['"', '\'']);
        let (sign, digits) = match offset.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, offset.trim_start_matches('+')),
        };
        let offset = if digits.is_empty() { Duration::ZERO } else { span(digits)? };
        let offset_minutes = sign * i64::try_from(offset.as_secs() / 60).ok()?;
        (offset_minutes.abs() <= OFFSET_MINUTES_MAX).then_some(Self { width, offset_minutes })
    }

    /// Beginning and width of the buckets, so many that they reach beyond `to`.
    fn grid(&self, from: Timestamp, to: Timestamp) -> Result<(Timestamp, Duration), String> {
        let span = to.since(from);
        let fits = |width: &Duration| span.as_nanos() / width.as_nanos() < u128::from(BUCKETS_WANTED);
        let width =
            self.width.or_else(|| WIDTHS.into_iter().find(fits)).unwrap_or_else(|| span / BUCKETS_WANTED);
        // Wide enough for any two moments and any width.
        let nanos = i128::try_from(width.as_nanos()).unwrap_or(i128::MAX);
        let offset = i128::from(self.offset_minutes) * 60 * 1_000_000_000;
        let begin = (i128::from(from.as_unix_nanos()) + offset).div_euclid(nanos) * nanos - offset;
        let count = (i128::from(to.as_unix_nanos()) - begin) / nanos + 1;
        match i64::try_from(begin) {
            Ok(begin) if count <= i128::from(COUNT_BUCKETS_MAX) => {
                Ok((Timestamp::from_unix_nanos(begin), width))
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
    let sessions = reading.session_filter(&state)?;
    let subject = if sessions.is_some() { Subject::Session } else { Subject::Event };
    let asked =
        reading.text("aggregations").map_or_else(|| Ok(Vec::new()), |text| Reader::read(text, subject));
    let asked = asked.map_err(Problem::input)?;
    let range = range(&state, &reading, sessions.as_ref()).await?;
    let aggregates = aggregates(&asked, range).map_err(Problem::input)?;
    let (total, told) = match sessions {
        Some(filter) if aggregates.is_empty() => {
            (state.store.session_summary(&filter).await?.sessions, Vec::new())
        }
        Some(filter) => state.store.aggregate_sessions(&filter, &aggregates).await?,
        None => {
            let filter = reading.events(state.store.now())?;
            state.store.aggregate_events(&reading.projects, filter, aggregates).await?
        }
    };
    Ok(Json(json!({"total": total, "aggregations": answer(&asked, told)})).into_response())
}

/// The time that is cut into stretches: what was asked for. All of time is as long as there are sessions.
async fn range(
    state: &AppState,
    reading: &Reading,
    sessions: Option<&SessionFilter>,
) -> Result<(Timestamp, Timestamp), Problem> {
    let to = reading.range.1.unwrap_or_else(|| state.store.now());
    if let Some(from) = reading.range.0 {
        return Ok((from.min(to), to));
    }
    let all = SessionFilter { projects: reading.projects.clone(), ..SessionFilter::default() };
    let first = SessionFilter { ascending: true, ..sessions.cloned().unwrap_or(all) };
    let first = state.store.sessions(&first, None, 1).await?;
    Ok((first.first().map_or(to, |(_, row)| row.started_at).min(to), to))
}

fn aggregates(asked: &[Asked], range: (Timestamp, Timestamp)) -> Result<Vec<Aggregate>, String> {
    let one = |asked: &Asked| {
        let inner = aggregates(&asked.inner, range)?;
        Ok(match &asked.what {
            What::Distinct(field) => Aggregate::Distinct(field.clone()),
            What::Number(statistic, field) => Aggregate::Number(*statistic, field.clone()),
            What::Terms(field, size) => Aggregate::Terms { field: field.clone(), size: *size, inner },
            What::Dates(field, stretches) => {
                let (begin, width) = stretches.grid(range.0, range.1)?;
                Aggregate::Dates { field: field.clone(), begin, width, inner }
            }
        })
    };
    asked.iter().map(one).collect()
}

fn answer(asked: &[Asked], told: Vec<Aggregated>) -> Map<String, Value> {
    let one = |(asked, told): (&Asked, Aggregated)| (asked.name.clone(), told_as_json(asked, told));
    asked.iter().zip(told).map(one).collect()
}

fn told_as_json(Asked { what, inner, .. }: &Asked, told: Aggregated) -> Value {
    match told {
        Aggregated::Number(value) => json!({"value": value}),
        Aggregated::Terms { buckets, others } => {
            let are_kinds = matches!(what, What::Terms(Field::Event(EventField::Kind), _));
            let item = |bucket: Bucket<String>| {
                let key = if are_kinds {
                    type_of(&EventKind::from_word(&bucket.key)).to_owned()
                } else {
                    bucket.key
                };
                json!({
                    "key": key,
                    "key_as_string": key,
                    "total": bucket.count,
                    "aggregations": answer(inner, bucket.inner),
                })
            };
            let items: Vec<Value> = buckets.into_iter().map(item).collect();
            json!({"items": items, "data": {"SumOtherDocCount": others}})
        }
        Aggregated::Dates(buckets) => {
            let item = |bucket: Bucket<Timestamp>| {
                json!({
                    "key": bucket.key.as_unix_millis(),
                    "key_as_string": bucket.key.to_string(),
                    "date": bucket.key.to_string(),
                    "total": bucket.count,
                    "aggregations": answer(inner, bucket.inner),
                })
            };
            json!({"items": buckets.into_iter().map(item).collect::<Vec<Value>>()})
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_filter::SessionField;

    use super::*;

    #[test]
    fn aggregations_as_the_dashboards_ask() {
        let read = |text| Reader::read(text, Subject::Session);
        let asked = read("avg:value cardinality:user date:(date^-60m cardinality:user)").unwrap();
        let names: Vec<&str> = asked.iter().map(|asked| asked.name.as_str()).collect();
        assert_eq!(names, ["avg_value", "cardinality_user", "date_date"]);
        let duration = Field::Session(SessionField::Duration);
        assert_eq!(asked[0].what, What::Number(Statistic::Average, duration));
        let stretches = Stretches { width: None, offset_minutes: -60 };
        assert_eq!(asked[2].what, What::Dates(Field::Session(SessionField::Started), stretches));
        assert_eq!(asked[2].inner, read("cardinality:user").unwrap());
        let hourly = Stretches { width: Some(Duration::from_hours(1)), ..Stretches::default() };
        let date = || Field::Session(SessionField::Started);
        assert_eq!(read("date:(date~1h)").unwrap()[0].what, What::Dates(date(), hourly));
        assert_eq!(read("date:date").unwrap()[0].what, What::Dates(date(), Stretches::default()));
        assert_eq!(read(" "), Ok(Vec::new()));
        let events = Reader::read("terms:(type~5 max:value) cardinality:user", Subject::Event).unwrap();
        assert_eq!(events[0].what, What::Terms(Field::Event(EventField::Kind), 5));
        let value = Field::Event(EventField::Attribute("@value".into()));
        assert_eq!(events[0].inner[0].what, What::Number(Statistic::Most, value));
    }

    #[test]
    fn what_cannot_be_counted_is_named() {
        for (wrong, named) in [
            ("terms:stack", "there is no field stack"),
            ("avg:value cardinality:organization", "cardinality:organization: there is no field"),
            ("terms:(type~0)", "terms:(type~0) is not counted here"),
            ("terms:(type~1001)", "is not counted here"),
            ("terms:(type", "is not counted here"),
            ("terms:()", "is not counted here"),
            ("median:value", "median:value is not counted here"),
            ("avg:(value type)", "is not counted here"),
            ("date:type", "date:type is not counted here"),
            ("date:(date~1x)", "date:(date~1x) is not counted here"),
            ("date:(date~0h)", "is not counted here"),
            ("date:(date~4294967295M)", "is not counted here"),
            ("date:(date^-99999d)", "is not counted here"),
            ("terms:version", "version is said of sessions, this counts events; add type:session"),
            ("terms:(type terms:(source terms:user))", "terms:user: expected groups at most 2 deep"),
        ] {
            let error = Reader::read(wrong, Subject::Event).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        let many = "avg:value ".repeat(11);
        assert!(Reader::read(&many, Subject::Event).unwrap_err().contains("at most 10"));
    }

    #[test]
    fn buckets_begin_where_days_do() {
        let at = |text: &str| {
            let moment: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_unix_nanos(moment.as_nanosecond() as i64)
        };
        let daily = Stretches { width: Some(Duration::from_hours(24)), offset_minutes: 60 };
        let (begin, _) = daily.grid(at("2026-11-20T10:00:00Z"), at("2026-11-21T10:00:00Z")).unwrap();
        assert_eq!(begin, at("2026-11-19T23:00:00Z"), "an hour east of Greenwich");
        let fine = Stretches { width: Some(Duration::from_secs(1)), ..Stretches::default() };
        assert!(fine.grid(at("2026-11-20T10:00:00Z"), at("2026-11-21T10:00:00Z")).is_err());
        let (first, last) = (Timestamp::from_unix_nanos(i64::MIN), Timestamp::from_unix_nanos(i64::MAX));
        assert!(daily.grid(first, last).is_err(), "all of time");
        let chosen =
            Stretches::default().grid(at("2026-11-14T00:00:00Z"), at("2026-11-21T00:00:00Z")).unwrap();
        assert_eq!(chosen.1, Duration::from_hours(3));
    }
}
