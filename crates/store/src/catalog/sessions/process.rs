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
    /// From here on in no row of before, and written where there is something to say.
    #[serde(default, skip_serializing_if = "is_zero")]
    messages: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    awaited_errors: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    requested: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(super) fn to_json(process: &Process, end: Option<End>) -> String {
    let stored = StoredProcess {
        stored: process.stored.iter().map(|stretch| (stretch.first, stretch.last)).collect(),
        recorded: process.recorded,
        lost: process.lost.clone(),
        previous: process.previous.map(|id| id.to_string()),
        recovered: matches!(end, Some(End::Told(end)) if end.recovered),
        messages: process.messages,
        awaited_errors: process.awaited_errors,
        requested: process.is_requested,
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// The process, and whether its end was found out afterwards. `None` if it is not what [`to_json`] writes.
pub(in crate::catalog) fn from_json(json: &str) -> Option<(Process, bool)> {
    let stored: StoredProcess = serde_json::from_str(json).ok()?;
    let process = Process {
        stored: stored.stored.into_iter().map(|(first, last)| Stretch { first, last }).collect(),
        recorded: stored.recorded,
        lost: stored.lost,
        previous: stored.previous.map(|id| id.parse::<SessionId>().map_err(drop)).transpose().ok()?,
        messages: stored.messages,
        awaited_errors: stored.awaited_errors,
        is_requested: stored.requested,
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
            messages: 1200,
            awaited_errors: 2,
            is_requested: true,
        };
        let end =
            |recovered| End::Told(ToldEnd { at: Timestamp::default(), reason: EndReason::Killed, recovered });
        for (end, recovered) in [(None, false), (Some(end(true)), true), (Some(end(false)), false)] {
            assert_eq!(from_json(&to_json(&process, end)), Some((process.clone(), recovered)));
        }
        let none = Process::default();
        let text = to_json(&none, None);
        assert!(!text.contains("requested"), "{text}");
        assert_eq!(from_json(&text), Some((none, false)));
        for bad in ["", "{}", r#"{"stored":[],"recorded":1,"lost":{},"previous":"x","recovered":false}"#] {
            assert_eq!(from_json(bad), None, "{bad}");
        }
    }
}
