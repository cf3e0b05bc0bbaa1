//! Recorded traffic of the JavaScript clients and hand-made odd requests, each with the model it
//! must become. Data: `conformance/exceptionless/`; its README says what the members mean.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use kymo_compat::exceptionless::{self, INFLATED_BYTES_MAX, Item, Submission};
use kymo_model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyCase {
    name: String,
    json: Option<serde_json::Value>,
    text: Option<String>,
    base64: Option<String>,
    content_encoding: Option<String>,
    expected: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestCase {
    name: String,
    authorization: Option<String>,
    query: Option<String>,
    content_type: Option<String>,
    path_type: Option<String>,
    expected: ExpectedRequest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a member that is null says something, an absent one nothing")]
struct ExpectedRequest {
    key: Option<String>,
    content_type_allowed: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    heartbeat: Option<Option<(String, bool)>>,
    #[serde(default, deserialize_with = "present")]
    submit: Option<Option<Expected>>,
    config_up_to_date: Option<bool>,
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// What a case says about an item.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: String,
    severity: String,
    time: Option<String>,
    category: Option<String>,
    body: Option<String>,
    user: Option<(Option<String>, Option<String>)>,
    session_id: Option<String>,
    reference_id: Option<String>,
    /// Type, message and number of frames, from the outside in.
    #[serde(default)]
    exceptions: Vec<(Option<String>, Option<String>, usize)>,
    stack_text: Option<String>,
    /// Sorted names.
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    fingerprint: bool,
}

const OBSERVED: Timestamp = Timestamp::from_unix_nanos(1);

fn seen(item: Item) -> Expected {
    let event = item.event;
    let exception = event.exception.as_ref();
    let mut attributes: Vec<String> = event.attributes.iter().map(|(name, _)| name.clone()).collect();
    attributes.sort();
    Expected {
        kind: event.kind.to_string(),
        severity: event.severity.to_string(),
        time: Some(event.time).filter(|&time| time != OBSERVED).map(|time| time.to_string()),
        category: event.category,
        body: event.body,
        user: event.user.map(|user| (user.id, user.name)),
        session_id: item.session_id,
        reference_id: event.reference_id,
        exceptions: exception
            .iter()
            .flat_map(|exception| exception.chain())
            .map(|link| (link.type_name.clone(), link.message.clone(), link.frames.len()))
            .collect(),
        stack_text: exception.and_then(|exception| exception.stack_text.clone()),
        attributes,
        properties: item.properties.into_iter().collect(),
        fingerprint: item.fingerprint.is_some(),
    }
}

fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/exceptionless").join(file);
    let text = std::fs::read_to_string(&path).expect("the case file is there");
    let cases: Vec<T> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(!cases.is_empty(), "{file}");
    cases
}

fn check_bodies(file: &str) {
    for case in read::<BodyCase>(file) {
        let bytes = match (case.json, case.text, case.base64) {
            (Some(json), None, None) => json.to_string().into_bytes(),
            (None, Some(text), None) => text.into_bytes(),
            (None, None, Some(base64)) => base64::prelude::BASE64_STANDARD.decode(base64).expect("base64"),
            _ => panic!("{}: exactly one of json, text and base64", case.name),
        };
        let encoding = case.content_encoding.as_deref();
        let body = exceptionless::inflate(&bytes, encoding, INFLATED_BYTES_MAX).expect("a known encoding");
        let decoded = exceptionless::decode_events(&body, OBSERVED, &Submission::default());
        assert_eq!(decoded.unreadable, [], "{}", case.name);
        let found: Vec<Expected> = decoded.items.into_iter().map(seen).collect();
        assert_eq!(found.len(), case.expected.len(), "{}: number of items", case.name);
        for (index, (found, expected)) in found.iter().zip(&case.expected).enumerate() {
            assert_eq!(found, expected, "{}: item {index}", case.name);
        }
    }
}

#[test]
fn bodies_of_the_node_client() {
    check_bodies("node-autosession.json");
    check_bodies("node-manualsession.json");
    check_bodies("node-config.json");
}

#[test]
fn bodies_of_the_browser_client() {
    check_bodies("browser-autosession.json");
    check_bodies("browser-manualsession.json");
    check_bodies("browser-reload.json");
    check_bodies("browser-error-503.json");
}

#[test]
fn handmade_bodies() {
    check_bodies("handmade-bodies.json");
}

#[test]
fn requests() {
    for case in read::<RequestCase>("requests.json") {
        let name = case.name;
        let query = case.query.as_deref();
        let key = exceptionless::credentials(case.authorization.as_deref(), query);
        assert_eq!(key, case.expected.key, "{name}: key");
        let allowed = case.content_type.as_deref().map(exceptionless::is_allowed_content_type);
        assert_eq!(allowed, case.expected.content_type_allowed, "{name}: content type");
        if let Some(expected) = case.expected.heartbeat {
            let found = exceptionless::parse_heartbeat(query.unwrap_or_default());
            assert_eq!(found.map(|beat| (beat.id, beat.close)), expected, "{name}: heartbeat");
        }
        if let Some(expected) = case.expected.submit {
            let path_type = case.path_type.as_deref();
            let query = query.unwrap_or_default();
            let found = exceptionless::decode_submit(query, path_type, OBSERVED, &Submission::default());
            assert_eq!(found.map(seen), expected, "{name}: submit");
        }
        if let Some(expected) = case.expected.config_up_to_date {
            let known = query.and_then(|query| query.strip_prefix("v="));
            let answer = exceptionless::config_answer(known, 1, &BTreeMap::new());
            assert_eq!(answer.is_none(), expected, "{name}: config");
        }
    }
}
