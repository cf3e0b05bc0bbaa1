//! By what an event that is sent again is known again.
//!
//! It is the JSON as sent, but for a few figures: the agent for Node (3.2.1) keeps one description of
//! its environment for all its events, and with each new event brings memory, load and uptime in it up
//! to date - in events that wait to be sent again as well.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Makes the fingerprints of one body's items; counts the equal ones.
#[derive(Default)]
pub(super) struct Fingerprints<'a> {
    seen: HashMap<Cow<'a, str>, u32>,
}

impl<'a> Fingerprints<'a> {
    /// The fingerprint of the body's next item. Layout: see [`Item::fingerprint`](super::Item). The
    /// seconds come first because a day's keys then stay together in an index.
    pub(super) fn next(&mut self, json: &'a str, seconds: u32) -> [u8; 16] {
        let essence = essence(json);
        let hash = Sha256::new().chain_update(essence.as_bytes());
        let ordinal = self.seen.entry(essence).or_default();
        let hash = hash.chain_update(ordinal.to_be_bytes()).finalize();
        *ordinal += 1;
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&hash[..12]);
        bytes
    }
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "@environment")]
    environment: Environment<'a>,
}

/// What changes in it while a process runs; process and machine still tell events apart.
#[derive(Deserialize)]
struct Environment<'a> {
    #[serde(borrow)]
    process_memory_size: Option<&'a RawValue>,
    total_physical_memory: Option<&'a RawValue>,
    available_physical_memory: Option<&'a RawValue>,
    #[serde(default)]
    data: EnvironmentData<'a>,
}

#[derive(Default, Deserialize)]
struct EnvironmentData<'a> {
    #[serde(borrow)]
    loadavg: Option<&'a RawValue>,
    uptime: Option<&'a RawValue>,
}

/// The item without the figures that change. What is written in another form than the agent's is
/// taken as it is.
fn essence(json: &str) -> Cow<'_, str> {
    if !json.contains("\"@environment\"") {
        return json.into();
    }
    let Ok(Item { data: Data { environment } }) = serde_json::from_str::<Item<'_>>(json) else {
        return json.into();
    };
    let mut figures: Vec<&str> = [
        environment.process_memory_size,
        environment.total_physical_memory,
        environment.available_physical_memory,
        environment.data.loadavg,
        environment.data.uptime,
    ]
    .into_iter()
    .flatten()
    .map(RawValue::get)
    .collect();
    figures.sort_by_key(|figure| figure.as_ptr());
    let mut kept = String::with_capacity(json.len());
    let mut from = 0;
    for figure in figures {
        // Each is a piece of the item's own text.
        let at = figure.as_ptr().addr() - json.as_ptr().addr();
        kept.push_str(&json[from..at]);
        from = at + figure.len();
    }
    kept.push_str(&json[from..]);
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = r#"{"message":"m","data":{"@environment":{"process_id":"1","process_memory_size":12,
        "available_physical_memory":5, "total_physical_memory":9,"data":{"loadavg":[0.1,0.2],"uptime":9.5}},"a":1}}"#;

    #[test]
    fn figures_that_change_do_not_count() {
        assert_eq!(
            essence(SENT),
            r#"{"message":"m","data":{"@environment":{"process_id":"1","process_memory_size":,
        "available_physical_memory":, "total_physical_memory":,"data":{"loadavg":,"uptime":}},"a":1}}"#
        );
        let later = SENT.replace("[0.1,0.2]", "[2, 3, 4]").replace("9.5", "10").replace(":5,", ":70000,");
        assert_eq!(essence(&later), essence(SENT));
        let again = |json| Fingerprints::default().next(json, 7);
        assert_eq!(again(&later), again(SENT));
    }

    #[test]
    fn everything_else_counts() {
        for (part, other) in [("\"m\"", "\"n\""), (":\"1\"", ":\"2\""), ("\"a\":1", "\"a\":2")] {
            assert_ne!(essence(&SENT.replace(part, other)), essence(SENT), "{part}");
        }
    }

    #[test]
    fn other_forms_are_taken_as_they_are() {
        for json in [
            r#"{"message":"@environment"}"#,
            r#"{"@environment":{"process_memory_size":12}}"#,
            r#"{"data":{"@environment":"{\"process_memory_size\":12}"}}"#,
            r#"{"data":{"@environment":{"data":{"uptime":1,"uptime":2}}}}"#,
            r#"{"data":{"@environment":null}}"#,
            r#"{"data":{"@environment":{}}}"#,
        ] {
            assert_eq!(essence(json), json);
        }
    }

    #[test]
    fn equal_items_of_a_body_are_told_apart() {
        let later = SENT.replace("9.5", "10");
        let mut fingerprints = Fingerprints::default();
        let first = fingerprints.next(SENT, 7);
        assert_eq!(first[..4], [0, 0, 0, 7]);
        assert_ne!(first, fingerprints.next(&later, 7));
    }
}
