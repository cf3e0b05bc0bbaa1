//! A new session.

use std::collections::BTreeMap;

use kymo_model::{Kymogram, SessionId, SessionKind, Timestamp};
use sha2::{Digest, Sha256};

use super::Incoming;
use crate::key::SessionKey;
use crate::row::SessionRow;

/// The row that `incoming` opens, before it has joined.
pub(super) fn session(key: &SessionKey, incoming: &Incoming, now: Timestamp) -> SessionRow {
    let event = &incoming.event;
    let row = at(key, event.time, incoming.arrival, now);
    SessionRow { clock_skew_nanos: super::join::skew_nanos(&row.key, event), ..row }
}

/// The row of a session that begins at `time`.
pub(super) fn at(key: &SessionKey, time: Timestamp, arrival: u64, now: Timestamp) -> SessionRow {
    let kind = key.kind();
    SessionRow {
        id: id(kind, key, time, arrival),
        kind,
        key: key.clone(),
        started_at: time,
        last_activity_at: time,
        last_observed_at: now,
        end: None,
        visible: false,
        start_event_at: None,
        event_count: 0,
        error_count: 0,
        dropped: BTreeMap::new(),
        next_sequence: 1,
        users: Vec::new(),
        properties: Vec::new(),
        clock_skew_nanos: 0,
        kymogram: Kymogram::default(),
        tab: None,
        process: None,
    }
}

/// Shaped like a UUID of version 8, so that a replayed journal gives the same ids:
///
/// ```text
/// 127        80 79  76 75     64 63  62 61        0
/// | ms, 48 bits | 1000 | 12 bits | 10 | 62 bits   |    12 + 62 bits of SHA-256(kind, key, arrival)
/// ```
///
/// `arrival` keeps ids apart where two projects use the same foreign id.
pub(super) fn id(kind: SessionKind, key: &SessionKey, opened_at: Timestamp, arrival: u64) -> SessionId {
    let mut hasher = Sha256::new();
    hasher.update(kind.as_str());
    hasher.update(key.hash());
    hasher.update(arrival.to_le_bytes());
    let digest = hasher.finalize();
    let hashed = digest.iter().take(16).fold(0u128, |bits, &byte| bits << 8 | u128::from(byte));

    // Any `Timestamp` from the epoch on fits: 2^63 ns are less than 2^44 ms.
    let millis = u128::from(opened_at.as_unix_millis().max(0).unsigned_abs());
    let high = hashed >> 116;
    let low = hashed & ((1 << 62) - 1);
    SessionId::from_u128(millis << 80 | 8 << 76 | high << 64 | 0b10 << 62 | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_8_and_sort_by_birth() {
        let key = SessionKey::Identity("A".into());
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let make = |key: &SessionKey, millis, arrival| id(SessionKind::User, key, at(millis), arrival);
        let text = make(&key, 1_790_000_000_061, 7).to_string();
        assert!(text.starts_with("01a0c450-6c3d-"), "{text}");
        assert_eq!(&text[14..15], "8", "{text}");
        assert!("89ab".contains(&text[19..20]), "{text}");
        assert_eq!(make(&key, 1, 7), make(&key, 1, 7));
        assert_ne!(make(&key, 1, 7), make(&key, 1, 8), "another arrival");
        assert_ne!(make(&key, 1, 7), make(&SessionKey::External("A".into()), 1, 7), "another sort of key");
        assert!(make(&key, 1, 7) < make(&key, 2, 6));
        assert_eq!(make(&key, -5, 7), make(&key, 0, 7), "before the epoch counts as the epoch");
    }
}
