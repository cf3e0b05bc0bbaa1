//! Whatever an event holds and whatever is excluded: no excluded name is left, and nothing else is changed.

use std::collections::BTreeMap;

use kymo_compat::exceptionless::{Item, Privacy, Submission, decode_events};
use kymo_model::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Names of the application's. None of them is one of the protocol's.
const NAMES: [&str; 9] =
    ["password", "PassWord", "accessToken", "x-token", "token", "zip", "Zip Code", "straße", "@note"];

/// What the protocol calls things, wherever it stands in these events.
const PROTOCOL: [&str; 14] = [
    "@error",
    "@request",
    "@environment",
    "@stack",
    "title",
    "host",
    "o_s_name",
    "machine_name",
    "name",
    "is_native",
    "parameters",
    "modules",
    "type",
    "@version",
];

fn patterns() -> impl Strategy<Value = Vec<String>> {
    let stem = prop::sample::select(vec![
        "password", "PASS", "token", "zip", "o", "STRASSE", "ße", "data", "-", "@",
    ]);
    let pattern = (any::<bool>(), stem, any::<bool>()).prop_map(|(before, stem, after)| {
        let star = |open| if open { "*" } else { "" };
        format!("{}{stem}{}", star(before), star(after))
    });
    prop::collection::vec(pattern, 0..4)
}

/// A tree with names of the application's on every level.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["", "password", "token=1&zip=2"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from), object(inner)]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop::sample::select(&NAMES[..]), value, 0..4).prop_map(|entries| {
        Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

/// An event that has such trees wherever the application may put one.
fn event() -> impl Strategy<Value = Value> {
    prop::collection::vec(object(tree()), 8).prop_map(|mut trees| {
        let mut next = || trees.pop().expect("as many as are taken");
        let mut event = json!({
            "type": "error",
            "@version": "1",
            "@error": {
                "type": "T", "message": "m", "data": {"@ext": next()}, "modules": [{"name": "n", "data": next()}],
                "stack_trace": [{"name": "f", "data": {"is_native": true}, "parameters": [{"name": "p", "data": next()}]}],
                "inner": {"message": "i", "data": next()},
            },
            "@request": {"host": "h", "headers": next(), "cookies": next(), "data": {"more": next()}},
            "@environment": {"o_s_name": "os", "machine_name": "vm", "data": {"zip": 1}},
            "@stack": {"title": "t"},
        });
        event["data"] = next();
        event
    })
}

fn decode(event: &Value, privacy: &Privacy) -> Item {
    let client = Submission { privacy: Some(privacy), ..Submission::default() };
    decode_events(event.to_string().as_bytes(), Timestamp::from_unix_nanos(0), &client).items.remove(0)
}

fn seen(item: &Item) -> Value {
    json!({
        "attributes": serde_json::to_value(&item.event.attributes).expect("JSON"),
        "exception": serde_json::to_value(&item.event.exception).expect("JSON"),
    })
}

/// As plain as it can be: every place of the pattern's middle in the name is tried.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let middle = pattern.trim_matches('*');
    name.match_indices(middle).any(|(at, _)| {
        (pattern.starts_with('*') || at == 0) && (pattern.ends_with('*') || at + middle.len() == name.len())
    })
}

/// The whole without entries whose name is excluded, below what the model itself names.
fn pruned(value: &Value, patterns: &[String], is_model: bool) -> Value {
    const MODEL: [&str; 7] = ["attributes", "exception", "frames", "inner", "function", "message", "code"];
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(name, _)| {
                let is_named = PROTOCOL.contains(&name.as_str())
                    || (is_model
                        && (MODEL.contains(&name.as_str())
                            || ["file", "line", "column", "stack_text"].contains(&name.as_str())));
                is_named || !patterns.iter().any(|pattern| matches(pattern, name))
            });
            Value::Object(
                kept.map(|(name, value)| {
                    let is_model = is_model && name != "attributes" || name == "frames";
                    (name.clone(), pruned(value, patterns, is_model))
                })
                .collect(),
            )
        }
        Value::Array(values) => values.iter().map(|value| pruned(value, patterns, is_model)).collect(),
        plain => plain.clone(),
    }
}

/// Agents' models leave empty objects away here and there.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| (name, without_empty(value)))
                .filter(|(_, value)| *value != json!({}))
                .collect(),
        ),
        Value::Array(values) => values.into_iter().map(without_empty).collect(),
        plain => plain,
    }
}

fn privacy(patterns: &[String]) -> Privacy {
    Privacy::of_settings(&BTreeMap::from([("@@DataExclusions".to_owned(), patterns.join(","))]))
}

proptest! {
    #[test]
    fn what_is_excluded_goes_and_nothing_else(event in event(), patterns in patterns()) {
        let whole = decode(&event, &Privacy::default());
        let left = decode(&event, &privacy(&patterns));
        let expected = pruned(&seen(&whole), &patterns, true);
        prop_assert_eq!(without_empty(seen(&left)), without_empty(expected));

        let excluded = |name: &str| patterns.iter().any(|pattern| matches(pattern, name));
        let is_foreign = |name: &str| NAMES.contains(&name);
        let expected: Vec<_> = whole.properties.iter().filter(|(name, _)| !is_foreign(name) || !excluded(name)).collect();
        prop_assert_eq!(left.properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn nothing_panics_and_no_event_is_lost(body in "\\PC{0,80}", patterns in patterns()) {
        let privacy = privacy(&patterns);
        let client = Submission { privacy: Some(&privacy), ..Submission::default() };
        let body = format!("[{{\"@request\":{body}}},{{\"data\":{body}}}]");
        let with = decode_events(body.as_bytes(), Timestamp::from_unix_nanos(0), &client);
        let without = decode_events(body.as_bytes(), Timestamp::from_unix_nanos(0), &Submission::default());
        prop_assert_eq!(with.items.len(), without.items.len());
        let fingerprints = |items: Vec<Item>| items.into_iter().map(|item| item.fingerprint).collect::<Vec<_>>();
        prop_assert_eq!(fingerprints(with.items), fingerprints(without.items));
    }
}
