//! Events of whole projects: the newest that match, and the sessions that have some.
//!
//! Both look at *pieces*: a tail batch, or at most [`PIECE_ROWS`] rows of a segment. Newest first, a piece
//! is not read any more when all its rows are older than a full page of what was found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use kymo_filter::Field;
use kymo_model::{SessionId, Timestamp};

use super::aggregate::{Aggregate, Groups, Totals};
use super::filter::RowFilter;
use super::plan::RowPlan;
use super::rows::{self, Rows};
use super::source::{Matcher, fetch_rows, fetch_rows_of};
use super::{ROWS_SCANNED_MAX, Tell};
use crate::catalog::events::{NO_SESSION, RowRange};
use crate::catalog::projects::ProjectPk;
use crate::columns::{Reader, StoredEvent, at, session_at};
use crate::error::StoreError;
use crate::event_id::EventId;
use crate::segment::Segment;
use crate::tail::TailBatch;
use crate::views::View;

/// Rows read at a time: a row group of a segment, some ten MiB with its texts.
const PIECE_ROWS: u64 = 64 * 1024;

/// Sessions that a session query's terms about events may select, all terms together: their ids are bound
/// to the statement, which takes 32,766 values.
pub(crate) const SESSIONS_HAVING_MAX: usize = 20_000;

/// Place of an event among those of all projects, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundCursor {
    /// The agent's clock.
    pub time: Timestamp,
    /// Its project.
    pub project: ProjectPk,
    /// The id that it is stored under.
    pub stream: SessionId,
    /// Its place there.
    pub sequence: u64,
}

impl fmt::Display for FoundCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}~{}", self.time.as_unix_nanos(), self.project.0, self.stream, self.sequence)
    }
}

impl FromStr for FoundCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let mut parts = text.splitn(4, '~');
        let mut read = || {
            Some(Self {
                time: Timestamp::from_unix_nanos(parts.next()?.parse().ok()?),
                project: ProjectPk(parts.next()?.parse().ok()?),
                stream: parts.next()?.parse().ok()?,
                sequence: parts.next()?.parse().ok()?,
            })
        };
        read()
            .ok_or_else(|| StoreError::input(format!("cursor={text}: expected the next_cursor of an answer")))
    }
}

/// An event that was found, with its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEvent {
    /// Its project.
    pub project: ProjectPk,
    /// The id that it is stored under: its session's, or that of its page load.
    pub stream: SessionId,
    /// The event, under the id of its session.
    pub event: StoredEvent,
}

impl FoundEvent {
    /// Its id.
    pub fn id(&self) -> EventId {
        EventId::of(self.project, Some(self.stream), self.event.sequence)
    }
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPage {
    /// Newest first.
    pub events: Vec<FoundEvent>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<FoundCursor>,
}

/// Rows that lie together.
#[derive(Clone)]
pub(crate) struct Piece {
    project: ProjectPk,
    at: Place,
    rows: u64,
    /// Earliest and latest event time of its rows.
    times: (i64, i64),
}

#[derive(Clone)]
enum Place {
    Tail(Arc<TailBatch>),
    Segment(Arc<Segment>, u64),
}

impl Piece {
    fn tail(project: ProjectPk, batch: &Arc<TailBatch>) -> Self {
        let times = batch.batch.column(at::TIME).as_primitive::<TimestampNanosecondType>().values();
        let span = (times.iter().min().copied().unwrap_or(0), times.iter().max().copied().unwrap_or(0));
        let rows = batch.batch.num_rows() as u64;
        Self { project, at: Place::Tail(Arc::clone(batch)), rows, times: span }
    }

    /// Tells its batches, with the number of each one's first row.
    fn visit(
        &self,
        columns: &[usize],
        each: &mut dyn FnMut(&RecordBatch, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &self.at {
            Place::Tail(tail) => each(&tail.batch, 0),
            Place::Segment(segment, first) => {
                let mut next = *first;
                for batch in segment.file.read(&[(*first, self.rows)], columns)? {
                    each(&batch, next)?;
                    next += batch.num_rows() as u64;
                }
                Ok(())
            }
        }
    }

    /// Whole rows of those numbers, ascending.
    fn fetch(&self, rows: &[u64]) -> Result<Vec<RecordBatch>, StoreError> {
        match &self.at {
            Place::Tail(tail) => fetch_rows(tail, rows),
            Place::Segment(segment, _) => fetch_rows_of(segment, rows),
        }
    }
}

/// All rows of these views, newest pieces first. Blocking: reads footers.
pub(crate) fn pieces(views: &[(ProjectPk, View)], filter: &RowFilter) -> Result<Vec<Piece>, StoreError> {
    let mut pieces = Vec::new();
    let from = filter.plain.from.map_or(i64::MIN, Timestamp::as_unix_nanos);
    let to = filter.plain.to.map_or(i64::MAX, Timestamp::as_unix_nanos);
    for (project, view) in views {
        pieces.extend(view.tail.iter().map(|batch| Piece::tail(*project, batch)));
        for segment in &view.segments {
            for group in segment.file.groups()? {
                let place = Place::Segment(Arc::clone(segment), group.row_first);
                pieces.push(Piece {
                    project: *project,
                    at: place,
                    rows: group.row_count,
                    times: group.times,
                });
            }
        }
    }
    pieces.retain(|piece| piece.times.1 >= from && (piece.times.0 < to || to == i64::MAX));
    pieces.sort_by_key(|piece| Reverse(piece.times.1));
    Ok(pieces)
}

/// The rows of these ranges and of the views' tails. `None`: the ranges name a segment that the views do
/// not have, take newer ones.
pub(crate) fn pieces_of(views: &[(ProjectPk, View)], ranges: &[(i64, RowRange)]) -> Option<Vec<Piece>> {
    let listed = views.iter().flat_map(|(project, view)| view.segments.iter().map(|one| (*project, one)));
    let segments: HashMap<i64, _> = listed.map(|(project, one)| (one.row.pk, (project, one))).collect();
    let tails = views.iter().flat_map(|(project, view)| view.tail.iter().map(|batch| (*project, batch)));
    let mut pieces: Vec<Piece> = tails.map(|(project, batch)| Piece::tail(project, batch)).collect();
    let mut open: Option<(i64, Piece)> = None;
    for (pk, range) in ranges {
        let (project, segment) = segments.get(pk)?;
        for first in (range.row_first..range.row_first + range.row_count).step_by(PIECE_ROWS as usize) {
            let rows = PIECE_ROWS.min(range.row_first + range.row_count - first);
            match &mut open {
                // Sessions beside each other are read as one.
                Some((last, piece))
                    if last == pk && ends_at(piece) == Some(first) && piece.rows + rows <= PIECE_ROWS =>
                {
                    piece.rows += rows;
                }
                _ => {
                    let at = Place::Segment(Arc::clone(segment), first);
                    let piece = Piece { project: *project, at, rows, times: (i64::MIN, i64::MAX) };
                    pieces.extend(open.replace((*pk, piece)).map(|(_, piece)| piece));
                }
            }
        }
    }
    pieces.extend(open.map(|(_, piece)| piece));
    Some(pieces)
}

fn ends_at(piece: &Piece) -> Option<u64> {
    match &piece.at {
        Place::Segment(_, first) => Some(first + piece.rows),
        Place::Tail(_) => None,
    }
}

/// Counts rows against the bound of one query.
#[derive(Default)]
struct Looked(u64);

impl Looked {
    fn at(&mut self, piece: &Piece) -> Result<(), StoreError> {
        self.0 += piece.rows;
        if self.0 <= ROWS_SCANNED_MAX {
            return Ok(());
        }
        Err(StoreError::input(format!(
            "the filter has to look at more than {ROWS_SCANNED_MAX} events: narrow the time"
        )))
    }
}

/// The newest rows that match, before the place `after`. Blocking.
pub(crate) fn newest(
    pieces: &[Piece],
    filter: &RowFilter,
    after: Option<FoundCursor>,
    limit: usize,
) -> Result<FoundPage, StoreError> {
    let mut columns = filter.columns(Tell::Nothing);
    columns.push(at::SESSION_ID);
    columns.sort_unstable();
    columns.dedup();
    let mut looked = Looked::default();
    // One more than asked for tells whether there is a next page; the oldest is on top.
    let mut kept: BinaryHeap<Reverse<(FoundCursor, usize, u64)>> = BinaryHeap::new();
    for (position, piece) in pieces.iter().enumerate() {
        let is_full = kept.len() > limit;
        if is_full && kept.peek().is_some_and(|Reverse(oldest)| piece.times.1 < oldest.0.time.as_unix_nanos())
        {
            break;
        }
        if after.is_some_and(|after| piece.times.0 > after.time.as_unix_nanos()) {
            continue;
        }
        looked.at(piece)?;
        piece.visit(&columns, &mut |batch, first| {
            let matcher = Matcher::new(batch, filter, Tell::Nothing)?;
            let ids = session_ids(batch)?;
            for row in (0..batch.num_rows()).filter(|&row| matcher.matches(row)) {
                let number = first + row as u64;
                let place = matcher.hit(row, number).place;
                let stream = session_at(ids, row).unwrap_or(NO_SESSION);
                let key = FoundCursor {
                    time: place.time,
                    project: piece.project,
                    stream,
                    sequence: place.sequence,
                };
                if after.is_some_and(|after| key >= after) {
                    continue;
                }
                kept.push(Reverse((key, position, number)));
                if kept.len() > limit + 1 {
                    kept.pop();
                }
            }
            Ok(())
        })?;
    }
    let mut found: Vec<(FoundCursor, usize, u64)> = kept.into_iter().map(|Reverse(found)| found).collect();
    found.sort_unstable_by_key(|(key, ..)| Reverse(*key));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(key, ..)| *key);
    Ok(FoundPage { events: fetch(pieces, &found)?, next })
}

/// The whole rows of what was found, in its order; each piece is read once.
fn fetch(pieces: &[Piece], found: &[(FoundCursor, usize, u64)]) -> Result<Vec<FoundEvent>, StoreError> {
    let mut by_piece: BTreeMap<usize, Vec<(u64, usize)>> = BTreeMap::new();
    for (to, (_, piece, row)) in found.iter().enumerate() {
        by_piece.entry(*piece).or_default().push((*row, to));
    }
    let mut events: Vec<Option<FoundEvent>> = vec![None; found.len()];
    for (piece, mut wanted) in by_piece {
        wanted.sort_unstable();
        let rows: Vec<u64> = wanted.iter().map(|(row, _)| *row).collect();
        let mut targets = wanted.iter().map(|(_, to)| *to);
        for batch in pieces[piece].fetch(&rows)? {
            let reader = Reader::new(&batch);
            for row in 0..batch.num_rows() {
                if let Some(to) = targets.next() {
                    let (project, stream) = (pieces[piece].project, found[to].0.stream);
                    events[to] = Some(FoundEvent { project, stream, event: reader.event(row)? });
                }
            }
        }
    }
    let complete: Option<Vec<FoundEvent>> = events.into_iter().collect();
    complete.ok_or_else(|| StoreError::corrupt("a segment has fewer rows than the catalog says"))
}

/// Adds up the rows that match. Blocking.
pub(crate) fn aggregate<'ask>(
    pieces: &[Piece],
    filter: &RowFilter,
    asked: &'ask [Aggregate],
) -> Result<Totals<'ask>, StoreError> {
    let mut columns = filter.columns(Tell::Nothing);
    columns.push(at::SESSION_ID);
    columns_asked(asked, &mut columns);
    columns.sort_unstable();
    columns.dedup();
    let (mut looked, mut groups, mut totals) = (Looked::default(), Groups::default(), Totals::new(asked));
    for piece in pieces {
        looked.at(piece)?;
        piece.visit(&columns, &mut |batch, _| {
            let (matcher, rows) = (Matcher::new(batch, filter, Tell::Nothing)?, Rows::new(batch, &[], &[])?);
            let mut found = (0..batch.num_rows()).filter(|&row| matcher.matches(row));
            found.try_for_each(|row| totals.add(&rows.values(row), &mut groups))
        })?;
    }
    Ok(totals)
}

fn columns_asked(asked: &[Aggregate], columns: &mut Vec<usize>) {
    for aggregate in asked {
        let (field, inner) = match aggregate {
            Aggregate::Distinct(field) | Aggregate::Number(_, field) => (field, &[][..]),
            Aggregate::Terms { field, inner, .. } | Aggregate::Dates { field, inner, .. } => {
                (field, &inner[..])
            }
        };
        if let Field::Event(field) = field {
            columns.extend_from_slice(rows::columns_of(field));
        }
        columns_asked(inner, columns);
    }
}

fn session_ids(batch: &RecordBatch) -> Result<&arrow_array::StringArray, StoreError> {
    let column = batch.column_by_name("session_id");
    Ok(column.ok_or_else(|| StoreError::corrupt("a batch has no column session_id"))?.as_string())
}

/// For each plan, the ids under which some event that fits it is stored. Blocking.
pub(crate) fn having(pieces: &[Piece], plans: &[RowPlan]) -> Result<Vec<HashSet<SessionId>>, StoreError> {
    let mut columns = vec![at::SESSION_ID];
    for plan in plans {
        rows::columns(plan, &mut columns);
    }
    columns.sort_unstable();
    columns.dedup();
    let mut found: Vec<HashSet<SessionId>> = vec![HashSet::new(); plans.len()];
    let mut looked = Looked::default();
    for piece in pieces {
        looked.at(piece)?;
        piece.visit(&columns, &mut |batch, _| {
            let (rows, ids) = (Rows::new(batch, plans, &[])?, session_ids(batch)?);
            let mut previous: Option<(&str, SessionId)> = None;
            for row in 0..batch.num_rows() {
                let Some(text) = rows.text(at::SESSION_ID, row) else { continue };
                let id = match previous {
                    Some((known, id)) if known == text => id,
                    _ => session_at(ids, row).unwrap_or(NO_SESSION),
                };
                previous = Some((text, id));
                for (plan, found) in plans.iter().zip(&mut found) {
                    // One event is enough.
                    if !found.contains(&id) && rows.matches(plan, row) {
                        found.insert(id);
                    }
                }
            }
            Ok(())
        })?;
        let total: usize = found.iter().map(HashSet::len).sum();
        if total > SESSIONS_HAVING_MAX {
            return Err(StoreError::input(format!(
                "what the filter says about events holds of more than {SESSIONS_HAVING_MAX} sessions: narrow the time"
            )));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use kymo_filter::{EventField, Test};
    use kymo_model::{Event, EventKind};

    use super::*;
    use crate::columns::BatchBuilder;

    fn piece(sessions: usize) -> Piece {
        let moment = Timestamp::from_unix_nanos(7);
        let mut builder = BatchBuilder::with_capacity(sessions);
        for session in 1..=sessions {
            let event = Event::new(EventKind::Log, moment, moment);
            builder.push(Some(SessionId::from_u128(session as u128)), 1, &event);
        }
        let batch = TailBatch::new(1, moment, builder.finish().unwrap());
        Piece::tail(ProjectPk(1), &Arc::new(batch))
    }

    #[test]
    fn more_rows_than_a_query_may_look_at_are_refused() {
        let older = Piece { rows: ROWS_SCANNED_MAX, times: (6, 6), ..piece(1) };
        let filter = RowFilter::default();
        assert!(newest(std::slice::from_ref(&older), &filter, None, 10).is_ok());
        let pieces = [piece(2), older];
        let error = newest(&pieces, &filter, None, 10).unwrap_err();
        assert!(error.to_string().contains("narrow the time"), "{error}");
        // Two fill a page of one and tell that there is a next: the older piece is not looked at.
        let page = newest(&pieces, &filter, None, 1).unwrap();
        assert!(page.events.len() == 1 && page.next.is_some());
    }

    #[test]
    fn more_sessions_than_a_statement_takes_are_refused() {
        let plans = [RowPlan::Term(EventField::Severity, Test::Exists)];
        let found = having(&[piece(SESSIONS_HAVING_MAX)], &plans).unwrap();
        assert_eq!(found[0].len(), SESSIONS_HAVING_MAX);
        let error = having(&[piece(SESSIONS_HAVING_MAX + 1)], &plans).unwrap_err();
        assert!(error.to_string().contains("20000 sessions: narrow the time"), "{error}");
    }

    #[test]
    fn a_cursor_is_read_back() {
        let (time, stream) = (Timestamp::from_unix_nanos(-5), SessionId::from_u128(9));
        let cursor = FoundCursor { time, project: ProjectPk(3), stream, sequence: 4 };
        assert_eq!(cursor.to_string().parse::<FoundCursor>().unwrap(), cursor);
        for bad in ["", "1~2~3", "1~2~x~4", "1~2~00000000-0000-0000-0000-000000000009~-1"] {
            assert!(bad.parse::<FoundCursor>().is_err(), "{bad}");
        }
    }
}
