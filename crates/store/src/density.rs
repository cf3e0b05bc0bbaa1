//! A session's events over time, counted in equal buckets.

use std::collections::HashMap;

use kymo_model::{Severity, Timestamp};
use kymo_tracker::Process;

use crate::query::Hit;

/// Most buckets of one answer: twice the pixels a wide screen gives each at full width.
pub const DENSITY_BUCKETS_MAX: u32 = 512;

/// Events of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DensityBucket {
    /// Number of the stretch, from 0.
    pub index: u32,
    /// Events in it.
    pub count: u32,
    /// Of these, errors: of kind `error` or with an exception.
    pub errors: u32,
    /// The worst of them.
    pub worst: Severity,
}

/// Most gaps of one answer, the largest: more are not told apart on a screen.
pub const GAPS_TOLD_MAX: usize = 64;

/// Events of a program that are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of the event before, or the start of the session.
    pub from: Timestamp,
    /// Of the event behind, or the last time that is known of.
    pub to: Timestamp,
    /// How many are missing.
    pub events: u64,
}

/// What lies between the stretches that are stored; `hits` are all events of the session, `ends` its own.
pub(crate) fn gaps(process: &Process, ends: (Timestamp, Timestamp), hits: &[Hit]) -> Vec<Gap> {
    // First and last sequence that are missing; 0 and beyond the last there is no event.
    let mut missing = Vec::new();
    let mut next = 1;
    for stretch in &process.stored {
        if stretch.first > next {
            missing.push((next, stretch.first - 1));
        }
        next = stretch.last + 1;
    }
    if next <= process.recorded {
        missing.push((next, process.recorded));
    }
    missing.sort_by_key(|(first, last)| std::cmp::Reverse(last - first));
    missing.truncate(GAPS_TOLD_MAX);
    let mut times: HashMap<u64, Option<Timestamp>> =
        missing.iter().flat_map(|(first, last)| [(first - 1, None), (last + 1, None)]).collect();
    for hit in hits {
        if let Some(time) = times.get_mut(&hit.place.sequence) {
            *time = Some(hit.place.time);
        }
    }
    let time =
        |sequence: u64, otherwise: Timestamp| times.get(&sequence).copied().flatten().unwrap_or(otherwise);
    let mut gaps: Vec<Gap> = missing
        .iter()
        .map(|&(first, last)| {
            let from = time(first - 1, ends.0);
            // Clocks of threads may differ by a little.
            Gap { from, to: time(last + 1, ends.1).max(from), events: last - first + 1 }
        })
        .collect();
    gaps.sort_by_key(|gap| (gap.from, gap.to));
    gaps
}

/// Counts hits between `from` and `to` (exclusive) in `buckets` equal stretches; empty ones are
/// left out.
pub(crate) fn density(hits: &[Hit], from: Timestamp, to: Timestamp, buckets: u32) -> Vec<DensityBucket> {
    let buckets = buckets.clamp(1, DENSITY_BUCKETS_MAX);
    let span = to.since(from).as_nanos().max(1);
    let mut counted: Vec<Option<DensityBucket>> = vec![None; buckets as usize];
    for hit in hits.iter().filter(|hit| hit.place.time >= from && hit.place.time < to) {
        let index = (hit.place.time.since(from).as_nanos() * u128::from(buckets) / span) as usize;
        let new = DensityBucket { index: index as u32, count: 0, errors: 0, worst: Severity::TRACE };
        let Some(slot) = counted.get_mut(index) else { continue };
        let bucket = slot.get_or_insert(new);
        bucket.count += 1;
        bucket.errors += u32::from(hit.is_error);
        bucket.worst = bucket.worst.max(hit.severity);
    }
    counted.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use kymo_tracker::Stretch;

    use super::*;
    use crate::query::EventCursor;

    #[test]
    fn gaps_lie_between_the_events_around_them() {
        let hit = |sequence: u64| Hit {
            place: EventCursor { time: Timestamp::from_unix_nanos(sequence as i64 * 10), sequence },
            source: 0,
            row: 0,
            severity: Severity::INFO,
            is_error: false,
        };
        let hits: Vec<Hit> = [3, 4, 7, 8].into_iter().map(hit).collect();
        let stored = vec![Stretch { first: 3, last: 4 }, Stretch { first: 7, last: 8 }];
        let process = Process { stored, recorded: 9, ..Process::default() };
        let ends = (Timestamp::from_unix_nanos(1), Timestamp::from_unix_nanos(99));
        let nanos = |gap: &Gap| (gap.from.as_unix_nanos(), gap.to.as_unix_nanos(), gap.events);
        let found: Vec<_> = gaps(&process, ends, &hits).iter().map(nanos).collect();
        assert_eq!(found, [(1, 30, 2), (40, 70, 2), (80, 99, 1)]);
        assert_eq!(gaps(&Process::default(), ends, &hits), []);
    }

    #[test]
    fn every_event_in_range_is_counted_once() {
        let hit = |nanos: i64, severity| Hit {
            place: EventCursor { time: Timestamp::from_unix_nanos(nanos), sequence: 1 },
            source: 0,
            row: 0,
            severity,
            is_error: severity == Severity::ERROR,
        };
        let hits = [
            hit(0, Severity::INFO),
            hit(9, Severity::ERROR),
            hit(5, Severity::WARN),
            hit(10, Severity::FATAL),
        ];
        let found = density(&hits, Timestamp::from_unix_nanos(0), Timestamp::from_unix_nanos(10), 2);
        let rows: Vec<_> = found.iter().map(|b| (b.index, b.count, b.errors, b.worst.text())).collect();
        assert_eq!(rows, [(0, 1, 0, "info"), (1, 2, 1, "error")]);
    }
}
