//! What must hold for any post.

use std::collections::HashSet;
use std::path::Path;

use kymo_compat::loupe_web::{Decoded, Item, Request, Unreadable, decode_log, is_plausible_id};
use kymo_model::Timestamp;
use proptest::prelude::*;

fn decode(body: &[u8]) -> Decoded {
    decode_log(body, Timestamp::from_unix_nanos(0), &Request::default())
}

fn reported(decoded: &Decoded) -> usize {
    decoded.unreadable.iter().map(Unreadable::count).sum()
}

/// Member names that mean something somewhere, and some that do not.
const NAMES: [&str; 30] = [
    "logMessages",
    "session",
    "client",
    "os",
    "ua",
    "currentAgentSessionId",
    "severity",
    "category",
    "caption",
    "Caption",
    "description",
    "parameters",
    "exception",
    "message",
    "cause",
    "stackTrace",
    "stack",
    "url",
    "line",
    "column",
    "details",
    "methodSourceInfo",
    "file",
    "method",
    "timestamp",
    "timeStamp",
    "sequence",
    "agentSessionId",
    "sessionId",
    "own",
];

/// Texts that some member reads.
const TEXTS: [&str; 18] = [
    "",
    "null",
    "error",
    "JavaScript",
    "2026-11-20T16:25:32.07+00:00",
    "2026-11-20T16:25:32.07+00:0",
    "{0} {1,-5} {2:x} {{",
    "{0,999999}",
    "Uncaught TypeError: boom",
    "TypeError: boom\n    at f (http://h.test/a.js:1:2)",
    "    at async f (http://h.test:80:1:2)",
    "f/<@http://h.test/a.js:1:2",
    "eval (eval at f (:1:2), <anonymous>:3:4)",
    "t.logError (:370:30:)",
    "{\"caption\":\"in text\"}",
    "[[1],",
    "a\nb",
    "é{@}:",
];

/// JSON text, of forms that posts have and of forms they should not have.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        (0..20_u8).prop_map(|value| value.to_string()),
        Just("1e999".to_owned()),
        Just(r#""cut \ud83d""#.to_owned()),
        prop::sample::select(&TEXTS[..]).prop_map(quoted),
        "\\PC{0,12}".prop_map(|text| quoted(&text)),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| format!("[{}]", values.join(", "))),
            object(inner),
        ]
    })
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(&NAMES[..]), value), 0..8).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", entries.join(","))
    })
}

/// Messages that say something, so that none is reported as empty.
fn messages() -> impl Strategy<Value = Vec<String>> {
    let message =
        object(any_json()).prop_map(|json| json.replacen('{', "{\"says\":1,", 1).replace(",}", "}"));
    prop::collection::vec(message, 0..12)
}

/// Bodies as recorded.
fn recorded() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/loupe-web");
    let mut bodies = Vec::new();
    for name in ["02-uncaught-errors", "07-exceptions", "16-storage-full", "18-unicode", "25-angularjs-agent"]
    {
        let text =
            std::fs::read_to_string(folder.join(name).with_extension("json")).expect("the case is there");
        let case: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let posts = case["agents"].as_array().expect("a list").iter();
        let posts = posts.flat_map(|agent| agent["posts"].as_array().expect("a list"));
        bodies.extend(posts.map(|post| post["body"].as_str().expect("a text").to_owned()));
    }
    bodies
}

fn check_item(item: &Item) {
    for id in [&item.agent_session_id, &item.page_load_id].into_iter().flatten() {
        assert!(is_plausible_id(id), "{id:?}");
    }
    assert!(item.sequence.is_none_or(|number| number <= 1 << 53));
    let mut names = HashSet::new();
    for (name, text) in &item.properties {
        assert!(names.insert(name), "{name} twice");
        assert!(!text.is_empty() && text.chars().count() <= 200, "{name}: {text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded(body in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&body);
    }

    #[test]
    fn any_text_is_an_item_or_reported(body in "\\PC{0,60}") {
        let decoded = decode(body.as_bytes());
        let says_nothing = matches!(body.trim(), "" | "null") || body.starts_with(['{', '[']);
        prop_assert!(says_nothing || decoded.items.len() + reported(&decoded) == 1, "{:?}", decoded);
    }

    #[test]
    fn damaged_bodies_are_decoded(
        body in prop::sample::select(recorded()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = body.into_bytes();
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        decode(&body).items.iter().for_each(check_item);
        body.truncate(cut.index(body.len() + 1));
        decode(&body).items.iter().for_each(check_item);
    }

    #[test]
    fn whole_messages_before_a_break_are_taken(messages in messages(), cut in any::<prop::sample::Index>()) {
        let body = format!(r#"{{"logMessages":[{}]}}"#, messages.join(","));
        let whole = decode(body.as_bytes());
        prop_assert_eq!((whole.items.len(), reported(&whole)), (messages.len(), 0));
        whole.items.iter().for_each(check_item);

        let opening = body.find('[').expect("a list") + 1;
        let mut end = cut.index(body.len() - 1) + 1;
        while !body.is_char_boundary(end) {
            end += 1;
        }
        let (mut at, mut expected) = (opening, 0);
        for message in &messages {
            at += message.len();
            if at > end {
                break;
            }
            (at, expected) = (at + 1, expected + 1);
        }
        let broken = decode(&body.as_bytes()[..end]);
        prop_assert_eq!((broken.items.len(), reported(&broken)), (expected, usize::from(end < body.len())));
        for (broken, whole) in broken.items.iter().zip(&whole.items) {
            prop_assert_eq!(broken, whole);
        }
    }

    #[test]
    fn every_element_is_an_item_or_reported(elements in prop::collection::vec(any_json(), 0..12)) {
        let list = elements.join(",");
        for body in [format!("[{list}]"), format!(r#"{{"session":null,"logMessages":[{list}]}}"#)] {
            let decoded = decode(body.as_bytes());
            prop_assert_eq!(decoded.items.len() + reported(&decoded), elements.len());
            decoded.items.iter().for_each(check_item);
        }
    }

    #[test]
    fn sessions_of_any_form_spoil_no_message(session in any_json(), other in any_json()) {
        let body = format!(r#"{{"session":{session},"x":{other},"logMessages":[{{"caption":"a"}},{{"caption":"b"}}]}}"#);
        let decoded = decode(body.as_bytes());
        let bodies: Vec<_> = decoded.items.iter().map(|item| item.event.body.as_deref()).collect();
        prop_assert_eq!(bodies, [Some("a"), Some("b")]);
        decoded.items.iter().for_each(check_item);
    }

    #[test]
    fn fingerprints_do_not_depend_on_the_post(
        captions in prop::collection::hash_set("[a-z]{0,4}", 1..12),
        cut in any::<prop::sample::Index>(),
        as_text in any::<bool>(),
    ) {
        let messages: Vec<String> =
            captions.iter().map(|caption| format!(r#"{{"sequence":1,"caption":{caption:?},"own":1}}"#)).collect();
        let fingerprints = |messages: &[String], as_text: bool| -> Vec<_> {
            let elements = messages.iter().map(|json| if as_text { quoted(json) } else { json.clone() });
            let decoded = decode(format!("[{}]", elements.collect::<Vec<_>>().join(",")).as_bytes());
            decoded.items.iter().map(|item| item.fingerprint).collect()
        };
        let whole = fingerprints(&messages, false);
        prop_assert!(whole.iter().all(Option::is_some));
        prop_assert_eq!(whole.iter().collect::<HashSet<_>>().len(), messages.len());
        let (first, second) = messages.split_at(cut.index(messages.len() + 1));
        let recut = [fingerprints(second, as_text), fingerprints(first, as_text)].concat();
        prop_assert_eq!(recut.iter().collect::<HashSet<_>>(), whole.iter().collect());
    }

    #[test]
    fn texts_stay_in_proportion(holes in 0..2000_usize, width in 0..1_000_000_u32, value in "x{0,2000}") {
        let description = format!("{{0,{width}}}").repeat(holes);
        let body = format!(r#"[{{"description":"{description}","parameters":["{value}"]}}]"#);
        let decoded = decode(body.as_bytes());
        let length = decoded.items[0].event.body.as_ref().map_or(0, String::len);
        prop_assert!(length <= 10 * body.len() + 1000, "{} of {}", length, body.len());
    }
}
