//! The column `process` of a session row: a process's part, as JSON.

use std::collections::BTreeMap;

use kymo_model::SessionId;
use kymo_tracker::{End, Process, Stretch};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct StoredProcess {
    /// First, last.
    stored: Vec<(u64, u64)>,
    recorded: u64,
    lost: BTreeMap<String, u64>,
    previous: Option<String>,
    /// Of the end: it was found out afterwards.
    recovered: bool,
}

pub(super) fn to_json(process: &Process, end: Option<End>) -> String {
    let stored = StoredProcess {
        stored: process.stored.iter().map(|stretch| (stretch.first, stretch.last)).collect(),
        recorded: process.recorded,
        lost: process.lost.clone(),
        previous: process.previous.map(|id| id.to_string()),
        recovered: matches!(end, Some(End::Told(end)) if end.recovered),
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// The process, and whether its end was found out afterwards. `None` if it is not what [`to_json`] writes.
pub(super) fn from_json(json: &str) -> Option<(Process, bool)> {
    let stored: StoredProcess = serde_json::from_str(json).ok()?;
    let process = Process {
        stored: stored.stored.into_iter().map(|(first, last)| Stretch { first, last }).collect(),
        recorded: stored.recorded,
        lost: stored.lost,
        previous: stored.previous.map(|id| id.parse::<SessionId>().map_err(drop)).transpose().ok()?,
    };
    Some((process, stored.recovered))
}

#[cfg(test)]
mod tests {
    use kymo_model::{EndReason, Timestamp};
    use kymo_tracker::ToldEnd;

    use super::*;

    #[test]
    fn a_process_reads_back() {
        let process = Process {
            stored: vec![Stretch { first: 1, last: 9 }, Stretch { first: 12, last: 1 << 53 }],
            recorded: 1 << 53,
            lost: BTreeMap::from([("ring \"full\"".to_owned(), 7)]),
            previous: Some(SessionId::from_u128(77)),
        };
        let end =
            |recovered| End::Told(ToldEnd { at: Timestamp::default(), reason: EndReason::Killed, recovered });
        for (end, recovered) in [(None, false), (Some(end(true)), true), (Some(end(false)), false)] {
            assert_eq!(from_json(&to_json(&process, end)), Some((process.clone(), recovered)));
        }
        let none = Process::default();
        assert_eq!(from_json(&to_json(&none, None)), Some((none, false)));
        for bad in ["", "{}", r#"{"stored":[],"recorded":1,"lost":{},"previous":"x","recovered":false}"#] {
            assert_eq!(from_json(bad), None, "{bad}");
        }
    }
}
