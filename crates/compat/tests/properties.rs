//! What must hold for any body.

use std::collections::HashSet;

use kymo_compat::exceptionless::{Decoded, Submission, decode_events, inflate, parse_heartbeat, to_utf8};
use kymo_model::Timestamp;
use proptest::prelude::*;

fn decode(body: &[u8]) -> Decoded {
    decode_events(body, Timestamp::from_unix_nanos(0), &Submission::default())
}

/// Property names that mean something, and some that do not.
const NAMES: [&str; 28] = [
    "date",
    "Type",
    "type",
    "message",
    "source",
    "data",
    "Data",
    "tags",
    "reference_id",
    "ReferenceId",
    "id",
    "value",
    "geo",
    "count",
    "@user",
    "identity",
    "@error",
    "inner",
    "stack_trace",
    "line_number",
    "@simple_error",
    "@level",
    "@environment",
    "@request",
    "@version",
    "@ref:session",
    "_@user",
    "own",
];

/// JSON text, of forms that events have and of forms they should not have.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        Just("1e999".to_owned()),
        Just(r#""cut \ud83d""#.to_owned()),
        Just(r#""2026-11-20T12:00:00.123Z""#.to_owned()),
        Just(r#""sess-00000001""#.to_owned()),
        Just(r#""{\"identity\":\"a\"}""#.to_owned()),
        prop::sample::select(vec!["log", "error", "session", "404", "Fatal", "Critical", ""])
            .prop_map(|word| format!("{word:?}")),
        "\\PC{0,12}".prop_map(|text| serde_json::to_string(&text).expect("a text is JSON")),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| format!("[{}]", values.join(", "))),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(&NAMES[..]), value), 0..6).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", entries.join(","))
    })
}

fn events() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(object(any_json()), 0..12)
}

proptest! {
    #[test]
    fn any_bytes_are_decoded(body in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&body);
    }

    #[test]
    fn any_text_is_decoded_without_loss(body in "\\PC{0,60}(\n\\PC{0,20}){0,4}") {
        let decoded = decode(body.as_bytes());
        let is_blank = body.trim().is_empty() || serde_json::from_str::<Vec<()>>(&body).is_ok();
        prop_assert!(is_blank || !decoded.items.is_empty() || !decoded.unreadable.is_empty());
    }

    #[test]
    fn damaged_bodies_are_decoded(
        events in events(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = format!("[{}]", events.join(",")).into_bytes();
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        decode(&body);
        body.truncate(cut.index(body.len() + 1));
        decode(&body);
    }

    #[test]
    fn every_object_is_an_item(events in events()) {
        let decoded = decode(format!("[{}]", events.join(" ,\n")).as_bytes());
        prop_assert_eq!(decoded.items.len(), events.len());
        prop_assert!(decoded.unreadable.is_empty());
    }

    #[test]
    fn every_element_is_an_item_or_reported(elements in prop::collection::vec(any_json(), 0..12)) {
        let decoded = decode(format!("[{}]", elements.join(",")).as_bytes());
        let reported: usize = decoded.unreadable.iter().map(kymo_compat::exceptionless::Unreadable::count).sum();
        prop_assert_eq!(decoded.items.len() + reported, elements.len());
    }

    #[test]
    fn fingerprints_know_events_again(
        messages in prop::collection::hash_set("[a-z]{0,4}", 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let events: Vec<String> = messages
            .iter()
            .map(|message| format!(r#"{{"date":"2026-11-20T12:00:00Z","message":"{message}"}}"#))
            .collect();
        let fingerprints = |events: &[String]| -> Vec<Option<[u8; 16]>> {
            let decoded = decode(format!("[{}]", events.join(",")).as_bytes());
            decoded.items.iter().map(|item| item.fingerprint).collect()
        };
        let whole = fingerprints(&events);
        let distinct: HashSet<_> = whole.iter().collect();
        prop_assert_eq!(distinct.len(), events.len());
        prop_assert!(whole.iter().all(Option::is_some));

        let (first, second) = events.split_at(cut.index(events.len() + 1));
        let recut = [fingerprints(first), fingerprints(second)].concat();
        prop_assert_eq!(recut, whole);
        prop_assert_eq!(decode(events[0].as_bytes()).items[0].fingerprint, fingerprints(&events)[0]);
    }

    #[test]
    fn equal_events_of_a_body_are_told_apart(count in 1_usize..20) {
        let event = r#"{"date":"2026-11-20T12:00:00Z","message":"m"}"#;
        let decoded = decode(format!("[{}]", vec![event; count].join(",")).as_bytes());
        let distinct: HashSet<_> = decoded.items.iter().map(|item| item.fingerprint).collect();
        prop_assert_eq!(distinct.len(), count);
    }

    #[test]
    fn other_inputs_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "\\PC{0,40}") {
        for encoding in [None, Some("gzip"), Some("deflate"), Some("br")] {
            let limit = 20;
            let is_within = inflate(&bytes, encoding, limit).map_or(true, |body| body.len() <= limit);
            prop_assert!(is_within, "{:?}", encoding);
        }
        for charset in ["utf-8", "latin1", "utf-16", "utf-16le", "utf-16be"] {
            to_utf8(&bytes, Some(&format!("text/plain; charset={charset}")));
        }
        parse_heartbeat(&text);
        parse_heartbeat(&format!("id={text}&close=true"));
    }
}

#[test]
fn too_many_elements_are_reported() {
    use kymo_compat::exceptionless::ITEMS_MAX;
    for body in [format!("[{}1]", "1,".repeat(ITEMS_MAX + 9)), "x\n".repeat(ITEMS_MAX + 10)] {
        let decoded = decode(body.as_bytes());
        assert_eq!(decoded.items.len(), ITEMS_MAX);
        assert_eq!(decoded.unreadable.len(), 1);
        assert_eq!(decoded.unreadable[0].count(), 10);
    }
    let whole = decode("x\n".repeat(ITEMS_MAX).as_bytes());
    assert_eq!((whole.items.len(), whole.unreadable.len()), (ITEMS_MAX, 0));
}
