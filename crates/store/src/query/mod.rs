//! Events of one session: a pruned scan over `tail | segment` by one path.
//!
//! Two passes. The first reads the few columns that order and filter need, of that session's rows
//! only, and gives the keys of what matches; the second reads whole rows, of one page only. So a
//! page of a session of a hundred thousand events costs little more than one of fifty.

pub(crate) mod aggregate;
mod filter;
pub(crate) mod find;
pub(crate) mod lanes;
pub(crate) mod plan;
mod rows;
pub(crate) mod series;
mod source;

use std::sync::Arc;
use std::time::Duration;

use kymo_model::{SessionId, Severity, Timestamp};

pub(crate) use self::source::{Source, sources};
pub use filter::EventFilter;
pub(crate) use filter::RowFilter;

use crate::columns::{Reader, StoredEvent, schema};
use crate::error::StoreError;

/// Rows one query looks at. A session larger than that is asked for in parts of time.
pub(crate) const ROWS_SCANNED_MAX: u64 = 5_000_000;

/// Place of an event in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// The agent's clock.
    pub time: Timestamp,
    /// Order of arrival, or the agent's own.
    pub sequence: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStart {
    /// With the first of all.
    First,
    /// Behind that place: holds while events come and go.
    After(EventCursor),
    /// With the event that so many come before: for who looks at the middle without having read up to it.
    Index(u64),
}

impl From<Option<EventCursor>> for EventStart {
    fn from(after: Option<EventCursor>) -> Self {
        after.map_or(Self::First, Self::After)
    }
}

/// What a session's events are in order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOrder {
    /// Event time, then sequence.
    Time,
    /// Sequence: the agent's own order, where it numbers its events.
    Sequence,
    /// Newest first.
    TimeReversed,
    /// Largest sequence first.
    SequenceReversed,
}

impl EventOrder {
    fn key(self, place: EventCursor) -> (i64, i64) {
        let (time, sequence) = (place.time.as_unix_nanos(), place.sequence as i64);
        match self {
            Self::Time => (time, sequence),
            Self::Sequence => (sequence, time),
            // Cursors come from outside: any number.
            Self::TimeReversed => (time.saturating_neg(), sequence.saturating_neg()),
            Self::SequenceReversed => (sequence.saturating_neg(), time.saturating_neg()),
        }
    }

    /// The other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Time => Self::TimeReversed,
            Self::TimeReversed => Self::Time,
            Self::Sequence => Self::SequenceReversed,
            Self::SequenceReversed => Self::Sequence,
        }
    }

    /// The place that comes directly before.
    pub(crate) fn just_before(self, place: EventCursor) -> EventCursor {
        let EventCursor { time, sequence } = place;
        let moment = Duration::from_nanos(1);
        match self {
            Self::Time => EventCursor { time, sequence: sequence.saturating_sub(1) },
            Self::TimeReversed => EventCursor { time, sequence: sequence + 1 },
            Self::Sequence => EventCursor { time: time.minus(moment), sequence },
            Self::SequenceReversed => EventCursor { time: time.plus(moment), sequence },
        }
    }
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// In the order asked for.
    pub events: Vec<StoredEvent>,
    /// Events that match, on all pages.
    pub total: u64,
    /// How many of these come before the page.
    pub index: u64,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<EventCursor>,
}

/// A matching row: its place in the order, and where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) place: EventCursor,
    pub(crate) source: usize,
    pub(crate) row: u64,
    pub(crate) severity: Severity,
    /// Told for [`Tell::Errors`] and error filters; else false.
    pub(crate) is_error: bool,
}

/// What a scan tells of a hit beside its place and severity; it costs two more columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    Nothing,
    Errors,
}

/// Every row of the session that matches. Blocking.
pub(crate) fn scan(
    sources: &[Arc<dyn Source>],
    streams: &[SessionId],
    filter: &RowFilter,
    tell: Tell,
) -> Result<Vec<Hit>, StoreError> {
    let rows: u64 = sources.iter().map(|source| source.rows_at_most()).sum();
    if rows > ROWS_SCANNED_MAX {
        return Err(StoreError::input(format!(
            "the session has {rows} events, one query looks at {ROWS_SCANNED_MAX}: ask for a shorter time"
        )));
    }
    let mut hits = Vec::new();
    for (position, source) in sources.iter().enumerate() {
        source.scan(streams, filter, tell, &mut |hit| hits.push(Hit { source: position, ..hit }))?;
    }
    Ok(hits)
}

/// One page of what matches. Blocking.
pub(crate) fn page(
    sources: &[Arc<dyn Source>],
    streams: &[SessionId],
    filter: &RowFilter,
    order: EventOrder,
    start: EventStart,
    limit: usize,
) -> Result<EventPage, StoreError> {
    let mut hits = scan(sources, streams, filter, Tell::Nothing)?;
    let total = hits.len() as u64;
    let skipped = match start {
        EventStart::First => 0,
        EventStart::After(after) => {
            hits.retain(|hit| order.key(hit.place) > order.key(after));
            0
        }
        EventStart::Index(index) => usize::try_from(index).unwrap_or(usize::MAX).min(hits.len()),
    };
    let index = total - (hits.len() - skipped) as u64;
    let end = skipped.saturating_add(limit);
    let more = hits.len() > end;
    if more {
        hits.select_nth_unstable_by_key(end, |hit| order.key(hit.place));
        hits.truncate(end);
    }
    if skipped > 0 && skipped < hits.len() {
        hits.select_nth_unstable_by_key(skipped, |hit| order.key(hit.place));
    }
    hits.drain(..skipped);
    hits.sort_unstable_by_key(|hit| order.key(hit.place));
    let events = fetch(sources, &hits)?;
    let next = if more { hits.last().map(|hit| hit.place) } else { None };
    Ok(EventPage { events, total, index, next })
}

/// The whole rows of the hits, in their order.
fn fetch(sources: &[Arc<dyn Source>], hits: &[Hit]) -> Result<Vec<StoredEvent>, StoreError> {
    let columns: Vec<usize> = (0..schema().fields().len()).collect();
    let mut events: Vec<Option<StoredEvent>> = vec![None; hits.len()];
    for (position, source) in sources.iter().enumerate() {
        let mut wanted: Vec<(u64, usize)> = hits
            .iter()
            .enumerate()
            .filter(|(_, hit)| hit.source == position)
            .map(|(to, hit)| (hit.row, to))
            .collect();
        wanted.sort_unstable();
        let rows: Vec<u64> = wanted.iter().map(|(row, _)| *row).collect();
        let mut targets = wanted.iter().map(|(_, to)| *to);
        for batch in source.fetch(&rows, &columns)? {
            let reader = Reader::new(&batch);
            for row in 0..batch.num_rows() {
                if let Some(to) = targets.next() {
                    events[to] = Some(reader.event(row)?);
                }
            }
        }
    }
    events
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| StoreError::corrupt("a segment has fewer rows than the catalog says"))
}
