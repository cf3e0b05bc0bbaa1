//! Conditions on events, put to the rows of a batch.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch, StringArray};
use kymo_filter::evaluate::{any_named, holds_of_text, holds_of_value};
use kymo_filter::text::contains;
use kymo_filter::{EventField, Field, Test};
use kymo_model::{Attributes, EventKind, Severity, Value};
use serde::Deserialize;

use super::aggregate::Values;
use super::plan::RowPlan;
use crate::columns::{at, schema};
use crate::error::StoreError;

/// Texts of ids under which events of certain sessions are stored.
pub(crate) type Streams = HashSet<String>;

/// Columns that the plan looks at.
pub(crate) fn columns(plan: &RowPlan, into: &mut Vec<usize>) {
    match plan {
        RowPlan::And(plans) | RowPlan::Or(plans) => plans.iter().for_each(|plan| columns(plan, into)),
        RowPlan::Not(plan) => columns(plan, into),
        RowPlan::InSessions(_) => into.push(at::SESSION_ID),
        RowPlan::Term(field, _) => into.extend_from_slice(columns_of(field)),
    }
}

pub(crate) fn columns_of(field: &EventField) -> &'static [usize] {
    match field {
        EventField::Text => &[at::MESSAGE, at::CATEGORY, at::EXCEPTION],
        EventField::Time => &[at::TIME],
        EventField::Observed => &[at::OBSERVED_TIME],
        EventField::Severity => &[at::SEVERITY_NUMBER],
        EventField::Kind => &[at::KIND],
        EventField::Category => &[at::CATEGORY],
        EventField::Message => &[at::MESSAGE],
        EventField::Exception | EventField::ExceptionType | EventField::ExceptionMessage => &[at::EXCEPTION],
        EventField::Reference => &[at::REFERENCE_ID],
        EventField::User => &[at::USER_ID, at::USER_NAME],
        EventField::UserId => &[at::USER_ID],
        EventField::UserName => &[at::USER_NAME],
        EventField::Error => &[at::KIND, at::EXCEPTION],
        EventField::Sequence => &[at::SEQUENCE],
        EventField::Attribute(_) => &[at::ATTRIBUTES],
    }
}

/// A batch that has every column a plan looks at, found by name: a projection has fewer.
pub(crate) struct Rows<'batch> {
    columns: Vec<Option<&'batch dyn Array>>,
    sets: &'batch [Streams],
}

impl<'batch> Rows<'batch> {
    pub(crate) fn new(
        batch: &'batch RecordBatch,
        plans: &[RowPlan],
        sets: &'batch [Streams],
    ) -> Result<Self, StoreError> {
        let schema = schema();
        let found =
            schema.fields().iter().map(|field| batch.column_by_name(field.name()).map(|array| &**array));
        let rows = Self { columns: found.collect(), sets };
        let mut needed = Vec::new();
        for plan in plans {
            columns(plan, &mut needed);
        }
        match needed.into_iter().find(|&column| rows.columns[column].is_none()) {
            Some(column) => {
                let name = schema.field(column).name();
                Err(StoreError::corrupt(format!("a batch has no column {name}")))
            }
            None => Ok(rows),
        }
    }

    /// Hot: once per row of a scan.
    pub(crate) fn matches(&self, plan: &RowPlan, row: usize) -> bool {
        match plan {
            RowPlan::And(plans) => plans.iter().all(|plan| self.matches(plan, row)),
            RowPlan::Or(plans) => plans.iter().any(|plan| self.matches(plan, row)),
            RowPlan::Not(plan) => !self.matches(plan, row),
            RowPlan::InSessions(set) => {
                let id = self.text(at::SESSION_ID, row);
                id.zip(self.sets.get(*set)).is_some_and(|(id, set)| set.contains(id))
            }
            RowPlan::Term(field, test) => self.term(field, test, row),
        }
    }

    fn term(&self, field: &EventField, test: &Test, row: usize) -> bool {
        let text = |column: usize| self.text(column, row).is_some_and(|text| holds_of_text(text, test));
        match field {
            EventField::Text => {
                text(at::MESSAGE) || text(at::CATEGORY) || self.exception(row, test, Cause::texts)
            }
            EventField::Time => holds_of_moment(self.moment(at::TIME, row), test),
            EventField::Observed => holds_of_moment(self.moment(at::OBSERVED_TIME, row), test),
            EventField::Severity => match test {
                Test::Severity(from, to) => {
                    (i64::from(from.number())..=i64::from(to.number())).contains(&self.severity(row))
                }
                _ => *test == Test::Exists,
            },
            EventField::Kind => text(at::KIND),
            EventField::Category => text(at::CATEGORY),
            EventField::Message => text(at::MESSAGE),
            EventField::Exception => self.exception(row, test, Cause::texts),
            EventField::ExceptionType => {
                self.exception(row, test, |cause| [cause.type_name.as_deref(), None])
            }
            EventField::ExceptionMessage => {
                self.exception(row, test, |cause| [cause.message.as_deref(), None])
            }
            EventField::Reference => text(at::REFERENCE_ID),
            EventField::User => text(at::USER_ID) || text(at::USER_NAME),
            EventField::UserId => text(at::USER_ID),
            EventField::UserName => text(at::USER_NAME),
            EventField::Error => {
                let is_error = self.text(at::KIND, row) == Some(EventKind::Error.as_str())
                    || self.text(at::EXCEPTION, row).is_some();
                *test == Test::Exists || *test == Test::Flag(is_error)
            }
            EventField::Sequence => match test {
                Test::Number(range) => range.contains(self.sequence(row) as f64),
                _ => *test == Test::Exists,
            },
            EventField::Attribute(name) => self.attribute(row, name, test),
        }
    }

    /// The row's values, for aggregates.
    pub(super) fn values(&self, row: usize) -> RowValues<'_, 'batch> {
        RowValues { rows: self, row }
    }

    pub(super) fn text(&self, column: usize, row: usize) -> Option<&'batch str> {
        let texts: &StringArray = self.columns[column]?.as_string();
        if texts.is_null(row) { None } else { Some(texts.value(row)) }
    }

    fn moment(&self, column: usize, row: usize) -> i64 {
        self.columns[column].map_or(0, |times| times.as_primitive::<TimestampNanosecondType>().value(row))
    }

    fn severity(&self, row: usize) -> i64 {
        let numbers = self.columns[at::SEVERITY_NUMBER];
        numbers.map_or(0, |numbers| i64::from(numbers.as_primitive::<Int8Type>().value(row)))
    }

    fn sequence(&self, row: usize) -> i64 {
        self.columns[at::SEQUENCE].map_or(0, |numbers| numbers.as_primitive::<Int64Type>().value(row))
    }

    fn exception(&self, row: usize, test: &Test, texts: impl Fn(&Cause) -> [Option<&str>; 2]) -> bool {
        let Some(json) = self.text(at::EXCEPTION, row).filter(|json| may_hold_of_json(json, test)) else {
            return false;
        };
        let Ok(exception) = serde_json::from_str::<Cause>(json) else { return false };
        std::iter::successors(Some(&exception), |cause| cause.inner.as_deref())
            .any(|cause| texts(cause).into_iter().flatten().any(|text| holds_of_text(text, test)))
    }

    fn attribute(&self, row: usize, name: &str, test: &Test) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        let has_name = |json: &&str| !is_plain_in_json(first) || contains(json, first);
        let Some(json) = self.text(at::ATTRIBUTES, row).filter(has_name) else { return false };
        let Ok(attributes) = serde_json::from_str::<Attributes>(json) else { return false };
        any_named(&attributes, name, &|value| match value {
            Value::List(values) => values.iter().any(|value| holds_of_value(value, test)),
            value => holds_of_value(value, test),
        })
    }
}

/// One row's values.
pub(super) struct RowValues<'rows, 'batch> {
    rows: &'rows Rows<'batch>,
    row: usize,
}

impl RowValues<'_, '_> {
    /// The attribute of that name, if there is one.
    fn attribute(&self, name: &str, each: &mut dyn FnMut(&Value)) {
        let Some(json) = self.rows.text(at::ATTRIBUTES, self.row) else { return };
        let Ok(attributes) = serde_json::from_str::<Attributes>(json) else { return };
        let each = std::cell::RefCell::new(each);
        any_named(&attributes, name, &|value| {
            (each.borrow_mut())(value);
            true
        });
    }
}

impl Values for RowValues<'_, '_> {
    fn texts(&self, field: &Field, each: &mut dyn FnMut(&str)) {
        let Field::Event(field) = field else { return };
        let mut text = |column: usize| self.rows.text(column, self.row).into_iter().for_each(&mut *each);
        match field {
            EventField::Kind => text(at::KIND),
            EventField::Category => text(at::CATEGORY),
            EventField::Message => text(at::MESSAGE),
            EventField::Reference => text(at::REFERENCE_ID),
            EventField::UserId => text(at::USER_ID),
            EventField::UserName => text(at::USER_NAME),
            EventField::User => {
                let id = self.rows.text(at::USER_ID, self.row);
                id.or_else(|| self.rows.text(at::USER_NAME, self.row)).into_iter().for_each(each);
            }
            EventField::Severity => {
                let number = u8::try_from(self.rows.severity(self.row)).ok();
                number.and_then(Severity::from_number).iter().for_each(|severity| each(severity.text()));
            }
            EventField::Error => {
                let is_error = self.rows.term(&EventField::Error, &Test::Flag(true), self.row);
                each(if is_error { "true" } else { "false" });
            }
            // Of the outermost exception: one group for each event.
            EventField::ExceptionType | EventField::ExceptionMessage => {
                let cause = self.rows.text(at::EXCEPTION, self.row).map(serde_json::from_str::<Cause>);
                let Some(Ok(cause)) = cause else { return };
                let is_type = *field == EventField::ExceptionType;
                let text = if is_type { cause.type_name } else { cause.message };
                if let Some(text) = text {
                    each(&text);
                }
            }
            EventField::Attribute(name) => self.attribute(name, &mut |value| match value {
                Value::List(values) => {
                    values.iter().filter_map(Value::to_scalar_text).for_each(|text| each(&text));
                }
                value => value.to_scalar_text().iter().for_each(|text| each(text)),
            }),
            // No words: nobody wants one group for each.
            EventField::Text
            | EventField::Exception
            | EventField::Time
            | EventField::Observed
            | EventField::Sequence => {}
        }
    }

    fn number(&self, field: &Field) -> Option<f64> {
        match field {
            Field::Event(EventField::Sequence) => Some(self.rows.sequence(self.row) as f64),
            Field::Event(EventField::Attribute(name)) => {
                let mut found = None;
                self.attribute(name, &mut |value| {
                    found = match value {
                        Value::Int(number) => Some(*number as f64),
                        Value::Float(number) => Some(*number),
                        Value::Text(text) => text.parse().ok(),
                        _ => None,
                    }
                    .filter(|number: &f64| number.is_finite());
                });
                found
            }
            _ => None,
        }
    }

    fn moment(&self, field: &Field) -> Option<i64> {
        match field {
            Field::Event(EventField::Time) => Some(self.rows.moment(at::TIME, self.row)),
            Field::Event(EventField::Observed) => Some(self.rows.moment(at::OBSERVED_TIME, self.row)),
            _ => None,
        }
    }
}

/// What a filter looks at of an exception.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Cause {
    #[serde(rename = "type")]
    type_name: Option<String>,
    message: Option<String>,
    inner: Option<Box<Cause>>,
}

impl Cause {
    fn texts(&self) -> [Option<&str>; 2] {
        [self.type_name.as_deref(), self.message.as_deref()]
    }
}

fn holds_of_moment(nanos: i64, test: &Test) -> bool {
    match test {
        Test::Time { from, to } => {
            from.is_none_or(|from| nanos >= from.as_unix_nanos())
                && to.is_none_or(|to| nanos < to.as_unix_nanos())
        }
        _ => *test == Test::Exists,
    }
}

/// False only if a text inside the JSON cannot hold either: spares reading it.
fn may_hold_of_json(json: &str, test: &Test) -> bool {
    let may_contain = |part: &str| !is_plain_in_json(part) || contains(json, part);
    match test {
        Test::Words(words) => words.words().iter().all(|word| may_contain(word)),
        Test::Matches(pattern) => pattern.pieces().iter().all(|piece| may_contain(piece)),
        Test::Contains(part) => may_contain(part),
        _ => true,
    }
}

/// JSON writes the text as it is.
fn is_plain_in_json(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_control() && letter != '"' && letter != '\\')
}
