//! The column `tab` of a session row: a browser tab's part, as JSON.

use kymo_model::{Kymogram, SessionId, Timestamp};
use kymo_tracker::{LoadId, PageLoad, Part, Run, Tab, Visit};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct StoredTab {
    visit: Option<StoredVisit>,
    earlier: Option<StoredPart>,
    loads: Vec<StoredLoad>,
    /// First, last, page load.
    runs: Vec<(u64, u64, u32)>,
}

#[derive(Serialize, Deserialize)]
struct StoredVisit {
    id: String,
    from_cookie: bool,
    seen_at: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredLoad {
    id: u32,
    stream: String,
    part: Option<StoredPart>,
}

/// Start, last activity, events, errors, kymogram (hexadecimal).
#[derive(Serialize, Deserialize)]
struct StoredPart(i64, i64, u64, u64, String);

pub(super) fn to_json(tab: &Tab) -> String {
    let stored = StoredTab {
        visit: tab.visit.as_ref().map(|visit| StoredVisit {
            id: visit.id.clone(),
            from_cookie: visit.from_cookie,
            seen_at: visit.seen_at.as_unix_nanos(),
        }),
        earlier: tab.earlier.as_ref().map(stored_part),
        loads: tab
            .loads
            .iter()
            .map(|load| StoredLoad {
                id: load.id.0,
                stream: load.stream.to_string(),
                part: load.part.as_ref().map(stored_part),
            })
            .collect(),
        runs: tab.runs.iter().map(|run| (run.first, run.last, run.load.0)).collect(),
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// `None` if it is not what [`to_json`] writes.
pub(super) fn from_json(json: &str) -> Option<Tab> {
    let stored: StoredTab = serde_json::from_str(json).ok()?;
    let loads = stored.loads.into_iter().map(|load| {
        Some(PageLoad {
            id: LoadId(load.id),
            stream: load.stream.parse::<SessionId>().ok()?,
            part: load.part.map(part).transpose().ok()?,
        })
    });
    Some(Tab {
        visit: stored.visit.map(|visit| Visit {
            id: visit.id,
            from_cookie: visit.from_cookie,
            seen_at: Timestamp::from_unix_nanos(visit.seen_at),
        }),
        earlier: stored.earlier.map(part).transpose().ok()?,
        loads: loads.collect::<Option<Vec<_>>>()?,
        runs: stored
            .runs
            .into_iter()
            .map(|(first, last, load)| Run { first, last, load: LoadId(load) })
            .collect(),
    })
}

fn stored_part(part: &Part) -> StoredPart {
    use std::fmt::Write as _;
    let mut kymogram = String::new();
    for byte in part.kymogram.to_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(kymogram, "{byte:02x}");
    }
    StoredPart(
        part.started_at.as_unix_nanos(),
        part.last_activity_at.as_unix_nanos(),
        part.event_count,
        part.error_count,
        kymogram,
    )
}

/// The kymogram is not one.
struct Damaged;

fn part(stored: StoredPart) -> Result<Part, Damaged> {
    let StoredPart(started_at, last_activity_at, event_count, error_count, hex) = stored;
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(Damaged));
    Ok(Part {
        started_at: Timestamp::from_unix_nanos(started_at),
        last_activity_at: Timestamp::from_unix_nanos(last_activity_at),
        event_count,
        error_count,
        kymogram: Kymogram::from_bytes(&bytes.collect::<Result<Vec<_>, _>>()?).ok_or(Damaged)?,
    })
}

#[cfg(test)]
mod tests {
    use kymo_model::Severity;

    use super::*;

    #[test]
    fn a_tab_reads_back() {
        let at = Timestamp::from_unix_nanos;
        let mut kymogram = Kymogram::default();
        kymogram.add(at(1_790_000_000_000_000_000), Severity::WARN);
        let part = |event_count| Part {
            started_at: at(1),
            last_activity_at: at(2),
            event_count,
            error_count: 1,
            kymogram: kymogram.clone(),
        };
        let load = |id, part| PageLoad { id: LoadId(id), stream: SessionId::from_u128(u128::MAX - 7), part };
        let tab = Tab {
            visit: Some(Visit { id: "ü\"1".into(), from_cookie: true, seen_at: at(5) }),
            earlier: Some(part(4)),
            loads: vec![load(7, Some(part(2))), load(9, None)],
            runs: vec![Run { first: 0, last: 1 << 53, load: LoadId(7) }],
        };
        assert_eq!(from_json(&to_json(&tab)), Some(tab));
        assert_eq!(from_json(&to_json(&Tab::default())), Some(Tab::default()));
        for bad in ["", "{}", r#"{"visit":null,"earlier":[1,2,3,4,"zz"],"loads":[],"runs":[]}"#] {
            assert_eq!(from_json(bad), None, "{bad}");
        }
    }
}
