//! Every decoder on damaged recordings: it never panics, loses no element, and gives back nothing out of
//! proportion. A few thousand inputs each as a test; `cargo xtask fuzz` goes on for a given time.

#![cfg(test)]

mod inputs;

use std::collections::BTreeMap;

use kymo_compat::exceptionless::{
    Privacy, Submission, credentials, decode_description, decode_events, decode_submit, inflate,
    parse_heartbeat, to_utf8,
};
use kymo_compat::loupe_web::{self, Request, decode_log};
use kymo_model::Timestamp;
use serde_json::value::RawValue;

use self::inputs::fuzz;

const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
/// Most bytes an inflated body may have here.
const INFLATED_MAX: usize = 1 << 20;

/// How many elements a list has, if the input is a list at all.
fn elements(input: &[u8]) -> Option<usize> {
    let list: Vec<&RawValue> = serde_json::from_slice(input).ok()?;
    Some(list.len())
}

#[test]
fn events() {
    let settings = [("@@DataExclusions", "*a*,pass*"), ("@@IncludePrivateInformation", "false")];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let privacy = Privacy::of_settings(&BTreeMap::from(settings));
    fuzz("events", |input| {
        for privacy in [None, Some(&privacy)] {
            let client = Submission { client: Some("agent/1.2"), privacy, ..Submission::default() };
            let decoded = decode_events(input, NOW, &client);
            let reported: usize = decoded.unreadable.iter().map(kymo_compat::Unreadable::count).sum();
            if let Some(elements) = elements(input) {
                assert_eq!(decoded.items.len() + reported, elements, "elements lost");
            }
        }
    });
}

#[test]
fn log() {
    fuzz("log", |input| {
        let decoded = decode_log(input, NOW, &Request::default());
        let reported: usize = decoded.unreadable.iter().map(kymo_compat::Unreadable::count).sum();
        if let Some(elements) = elements(input) {
            assert_eq!(decoded.items.len() + reported, elements, "elements lost");
        }
        for item in &decoded.items {
            let said = item.event.body.as_ref().map_or(0, String::len);
            assert!(said <= 11 * input.len() + 1000, "a text out of proportion");
            for id in [&item.agent_session_id, &item.page_load_id].into_iter().flatten() {
                assert!(loupe_web::is_plausible_id(id), "{id:?}");
            }
        }
    });
}

#[test]
fn descriptions() {
    // Refused or read: both are fine.
    fuzz("descriptions", |input| drop(decode_description(input, None)));
}

#[test]
fn submissions() {
    fuzz("submissions", |input| {
        let query = String::from_utf8_lossy(input);
        drop(decode_submit(&query, Some("usage"), NOW, &Submission::default()));
    });
}

#[test]
fn heartbeats() {
    fuzz("heartbeats", |input| {
        let query = String::from_utf8_lossy(input);
        if let Some(beat) = parse_heartbeat(&query) {
            assert!(!beat.id.is_empty() && beat.id.len() <= 3 * query.len());
        }
    });
}

#[test]
fn secrets() {
    fuzz("secrets", |input| {
        let text = String::from_utf8_lossy(input);
        for header in ["Bearer ", "Basic ", ""] {
            let found = credentials(Some(&format!("{header}{text}")), Some(&text));
            assert!(found.is_none_or(|secret| !secret.is_empty()));
        }
    });
}

#[test]
fn bodies() {
    fuzz("bodies", |input| {
        for encoding in [None, Some("gzip"), Some("deflate"), Some("br")] {
            if let Ok(plain) = inflate(input, encoding, INFLATED_MAX) {
                assert!(plain.len() <= INFLATED_MAX);
            }
        }
    });
}

#[test]
fn charsets() {
    fuzz("charsets", |input| {
        for charset in ["utf-8", "utf-16", "utf-16be", "iso-8859-1", "klingon"] {
            let utf8 = to_utf8(input, Some(&format!("application/json; charset={charset}")));
            assert!(utf8.len() <= 3 * input.len() + 3, "{charset}");
        }
    });
}
