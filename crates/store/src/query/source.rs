//! Where rows come from: a tail batch in memory or a stretch of a segment.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch, StringArray, UInt64Array};
use arrow_select::take::take_record_batch;
use kymo_model::{EventKind, SessionId, Severity, Timestamp};

use super::filter::{RowFilter, contains_folded};
use super::plan::RowPlan;
use super::rows::Rows;
use super::{EventCursor, Hit, Tell};
use crate::catalog::events::{NO_SESSION, RowRange};
use crate::columns::{at, schema};
use crate::error::StoreError;
use crate::segment::Segment;
use crate::tail::TailBatch;
use crate::views::View;

/// Takes a matching row; the number of its source is not known here and 0.
type Found<'found> = &'found mut dyn FnMut(Hit);

/// Rows of one session, somewhere. Its *streams* are the ids they are stored under: the session's own,
/// and those of its page loads.
pub(crate) trait Source: Send + Sync {
    fn rows_at_most(&self) -> u64;
    /// Tells the rows that match.
    fn scan(
        &self,
        streams: &[SessionId],
        filter: &RowFilter,
        tell: Tell,
        found: Found<'_>,
    ) -> Result<(), StoreError>;
    /// The rows of those numbers (ascending), of these columns (ascending).
    fn fetch(&self, rows: &[u64], columns: &[usize]) -> Result<Vec<RecordBatch>, StoreError>;
}

/// The places of a view that hold rows of the session. `None`: the ranges name a segment that the
/// view does not have, take a newer view.
pub(crate) fn sources(
    view: &View,
    streams: &[SessionId],
    ranges: &[(i64, RowRange)],
) -> Option<Vec<Arc<dyn Source>>> {
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for (pk, range) in ranges {
        let segment = view.segments.iter().find(|segment| segment.row.pk == *pk)?;
        sources.push(Arc::new(Stretch { segment: Arc::clone(segment), range: *range }));
    }
    let tail = view.tail.iter().filter(|batch| streams.iter().any(|id| batch.sessions.contains(id)));
    sources.extend(tail.map(|batch| Arc::clone(batch) as Arc<dyn Source>));
    Some(sources)
}

impl Source for TailBatch {
    fn rows_at_most(&self) -> u64 {
        self.batch.num_rows() as u64
    }

    fn scan(
        &self,
        streams: &[SessionId],
        filter: &RowFilter,
        tell: Tell,
        found: Found<'_>,
    ) -> Result<(), StoreError> {
        let ids: &StringArray = self.batch.column(at::SESSION_ID).as_string();
        let wanted: Vec<String> = streams.iter().map(ToString::to_string).collect();
        let wants_loose = streams.contains(&NO_SESSION);
        let matcher = Matcher::new(&self.batch, filter, tell)?;
        for row in 0..self.batch.num_rows() {
            let belongs =
                if ids.is_null(row) { wants_loose } else { wanted.iter().any(|id| ids.value(row) == id) };
            if belongs && matcher.matches(row) {
                found(matcher.hit(row, row as u64));
            }
        }
        Ok(())
    }

    fn fetch(&self, rows: &[u64], columns: &[usize]) -> Result<Vec<RecordBatch>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![take_record_batch(&self.batch.project(columns)?, &UInt64Array::from(rows.to_vec()))?])
    }
}

/// A session's rows in a segment.
struct Stretch {
    segment: Arc<Segment>,
    range: RowRange,
}

impl Source for Stretch {
    fn rows_at_most(&self) -> u64 {
        self.range.row_count
    }

    fn scan(
        &self,
        _streams: &[SessionId],
        filter: &RowFilter,
        tell: Tell,
        found: Found<'_>,
    ) -> Result<(), StoreError> {
        let columns = filter.columns(tell);
        let mut first = self.range.row_first;
        for batch in self.segment.file.read(&[(self.range.row_first, self.range.row_count)], &columns)? {
            let matcher = Matcher::new(&batch, filter, tell)?;
            for row in (0..batch.num_rows()).filter(|&row| matcher.matches(row)) {
                found(matcher.hit(row, first + row as u64));
            }
            first += batch.num_rows() as u64;
        }
        Ok(())
    }

    fn fetch(&self, rows: &[u64], columns: &[usize]) -> Result<Vec<RecordBatch>, StoreError> {
        fetch_columns_of(&self.segment, rows, columns)
    }
}

/// The rows of those numbers (ascending) of a tail batch, all columns.
pub(super) fn fetch_rows(tail: &TailBatch, rows: &[u64]) -> Result<Vec<RecordBatch>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![take_record_batch(&tail.batch, &UInt64Array::from(rows.to_vec()))?])
}

/// The same of a segment.
pub(super) fn fetch_rows_of(segment: &Segment, rows: &[u64]) -> Result<Vec<RecordBatch>, StoreError> {
    let columns: Vec<usize> = (0..schema().fields().len()).collect();
    fetch_columns_of(segment, rows, &columns)
}

fn fetch_columns_of(
    segment: &Segment,
    rows: &[u64],
    columns: &[usize],
) -> Result<Vec<RecordBatch>, StoreError> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &row in rows {
        match ranges.last_mut() {
            Some((first, count)) if *first + *count == row => *count += 1,
            _ => ranges.push((row, 1)),
        }
    }
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    segment.file.read(&ranges, columns)
}

/// A filter bound to a batch's columns, found by name: a projection has fewer.
pub(super) struct Matcher<'batch> {
    plan: Option<(Rows<'batch>, &'batch RowPlan)>,
    sequence: &'batch arrow_array::Int64Array,
    time: &'batch arrow_array::TimestampNanosecondArray,
    severity: &'batch arrow_array::Int8Array,
    kind: Option<(&'batch StringArray, String)>,
    reference_id: Option<(&'batch StringArray, String)>,
    number: Option<i64>,
    /// Kinds and exceptions, when errors are wanted or told.
    errors: Option<[&'batch StringArray; 2]>,
    texts: Option<([&'batch StringArray; 3], String)>,
    errors_only: bool,
    severity_least: i8,
    from: i64,
    to: i64,
}

impl<'batch> Matcher<'batch> {
    pub(super) fn new(
        batch: &'batch RecordBatch,
        filter: &'batch RowFilter,
        tell: Tell,
    ) -> Result<Self, StoreError> {
        let plan = match &filter.plan {
            Some(plan) => Some((Rows::new(batch, std::slice::from_ref(plan), &filter.sets)?, plan)),
            None => None,
        };
        let filter = &filter.plain;
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .ok_or_else(|| StoreError::corrupt(format!("a batch has no column {name}")))
        };
        let kind = match &filter.kind {
            Some(kind) => Some((column("kind")?.as_string(), kind.clone())),
            None => None,
        };
        let reference_id = match &filter.reference_id {
            Some(id) => Some((column("reference_id")?.as_string(), id.clone())),
            None => None,
        };
        let errors = if filter.errors_only || tell == Tell::Errors {
            Some([column("kind")?.as_string(), column("exception")?.as_string()])
        } else {
            None
        };
        let texts = match filter.folded_text() {
            Some(folded) => {
                let of = |name| Ok::<_, StoreError>(column(name)?.as_string());
                Some(([of("message")?, of("category")?, of("exception")?], folded))
            }
            None => None,
        };
        Ok(Self {
            plan,
            sequence: column("sequence")?.as_primitive::<Int64Type>(),
            time: column("time")?.as_primitive::<TimestampNanosecondType>(),
            severity: column("severity_number")?.as_primitive::<Int8Type>(),
            kind,
            reference_id,
            number: filter.sequence.map(|sequence| sequence as i64),
            errors,
            errors_only: filter.errors_only,
            texts,
            severity_least: filter.severity.map_or(i8::MIN, |severity| severity.number() as i8),
            from: filter.from.map_or(i64::MIN, Timestamp::as_unix_nanos),
            to: filter.to.map_or(i64::MAX, Timestamp::as_unix_nanos),
        })
    }

    pub(super) fn matches(&self, row: usize) -> bool {
        let time = self.time.value(row);
        let in_time = time >= self.from && (time < self.to || self.to == i64::MAX);
        in_time
            && self.number.is_none_or(|wanted| self.sequence.value(row) == wanted)
            && self.severity.value(row) >= self.severity_least
            && self.kind.as_ref().is_none_or(|(kinds, wanted)| kinds.value(row) == wanted)
            && self
                .reference_id
                .as_ref()
                .is_none_or(|(ids, wanted)| !ids.is_null(row) && ids.value(row) == wanted)
            && (!self.errors_only || self.is_error(row))
            && self.texts.as_ref().is_none_or(|(texts, folded)| {
                texts.iter().any(|text| !text.is_null(row) && contains_folded(text.value(row), folded))
            })
            && self.plan.as_ref().is_none_or(|(rows, plan)| rows.matches(plan, row))
    }

    fn is_error(&self, row: usize) -> bool {
        self.errors.is_some_and(|[kinds, exceptions]| {
            kinds.value(row) == EventKind::Error.as_str() || !exceptions.is_null(row)
        })
    }

    /// Row `row` of the batch, number `number` of its source.
    pub(super) fn hit(&self, row: usize, number: u64) -> Hit {
        Hit {
            place: self.place(row),
            source: 0,
            row: number,
            severity: self.severity(row),
            is_error: self.is_error(row),
        }
    }

    fn place(&self, row: usize) -> EventCursor {
        EventCursor {
            time: Timestamp::from_unix_nanos(self.time.value(row)),
            sequence: self.sequence.value(row) as u64,
        }
    }

    fn severity(&self, row: usize) -> Severity {
        u8::try_from(self.severity.value(row)).ok().and_then(Severity::from_number).unwrap_or(Severity::INFO)
    }
}
