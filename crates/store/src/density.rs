//! A session's events over time, counted in equal buckets.

use kymo_model::{Severity, Timestamp};

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
    use super::*;
    use crate::query::EventCursor;

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
