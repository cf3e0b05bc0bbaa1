//! What the clients posted is found again in what their users' scripts read.

use kymo_compat::exceptionless::{EventAnswer, Submission, decode_events};
use kymo_model::Timestamp;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

/// Posted as JSON and answered again.
fn answered(posted: &Value) -> Vec<Value> {
    let decoded = decode_events(posted.to_string().as_bytes(), NOW, &Submission::default());
    let items = decoded.items.into_iter();
    let answer = |item: kymo_compat::exceptionless::Item| {
        let event = item.event;
        let exception =
            event.exception.as_ref().map(|exception| serde_json::to_string(exception).expect("JSON"));
        let attributes = serde_json::to_string(&event.attributes).expect("JSON");
        let user = event.user.as_ref();
        EventAnswer {
            id: "id".into(),
            project: "shop",
            session: item.session_id.as_deref(),
            time: event.time,
            observed_time: NOW,
            severity: event.severity,
            kind: event.kind.as_str(),
            category: event.category.as_deref(),
            message: event.body.as_deref(),
            user_id: user.and_then(|user| user.id.as_deref()),
            user_name: user.and_then(|user| user.name.as_deref()),
            reference_id: event.reference_id.as_deref(),
            exception: exception.as_deref(),
            attributes: Some(&attributes),
        }
        .whole()
    };
    items.map(answer).collect()
}

#[test]
fn recorded_events_come_back_as_they_were_posted() {
    let mut compared = 0;
    for name in ["node-autosession", "node-manualsession", "browser-autosession", "browser-manualsession"] {
        let path = format!("{}/../../conformance/exceptionless/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let bodies: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for body in bodies.iter().filter_map(|body| body.get("json")) {
            let one = std::slice::from_ref(body);
            let posted = body.as_array().map_or(one, Vec::as_slice);
            for (posted, answer) in posted.iter().zip(answered(body)) {
                compared += 1;
                is_contained(posted, &answer, name);
            }
        }
    }
    assert!(compared >= 30, "{compared} events");
}

/// Every member with something in it is there again, with the same value.
fn is_contained(posted: &Value, answer: &Value, at: &str) {
    match (posted, answer) {
        (Value::Object(posted), Value::Object(answer)) => {
            for (name, value) in posted.iter().filter(|(_, value)| says_something(value)) {
                let at = format!("{at}/{name}");
                if matches!(name.as_str(), "@submission_client") {
                    continue;
                }
                let found = answer.get(name).unwrap_or_else(|| panic!("{at} is missing: {answer:?}"));
                is_contained(value, found, &at);
            }
        }
        (Value::Array(posted), Value::Array(answer)) => {
            assert_eq!(posted.len(), answer.len(), "{at}");
            for (position, (posted, answer)) in posted.iter().zip(answer).enumerate() {
                is_contained(posted, answer, &format!("{at}/{position}"));
            }
        }
        // Levels in our words, dates in UTC.
        (Value::String(posted), Value::String(answer))
            if at.ends_with("/@level") || at.ends_with("/date") =>
        {
            assert!(!posted.is_empty() && !answer.is_empty(), "{at}");
        }
        (posted, answer) => assert_eq!(posted, answer, "{at}"),
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
        // Lines and columns are counted from one: zero means that none is known.
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(_) => true,
    }
}

#[test]
fn levels_users_and_root_members_are_where_they_were() {
    let posted = json!({"type": "404", "source": "/a", "tags": ["x"], "value": 3, "geo": "1,2", "reference_id": "reference1",
        "data": {"@user": {"identity": "ann", "name": "Ann", "data": {"plan": "gold"}}, "@ref:session": "12345678", "own": 1}});
    let answer = &answered(&posted)[0];
    assert_eq!(answer["type"], "404");
    assert_eq!(
        (&answer["tags"], &answer["value"], &answer["geo"]),
        (&json!(["x"]), &json!(3), &json!("1,2"))
    );
    assert_eq!(answer["data"]["@user"], posted["data"]["@user"]);
    assert_eq!((&answer["data"]["own"], &answer["data"]["@ref:session"]), (&json!(1), &json!("12345678")));
    assert!(answer["data"].get("@level").is_none(), "none was posted");
    let loud = answered(&json!({"type": "log", "message": "x", "data": {"@level": "Fatal"}}));
    assert_eq!(loud[0]["data"]["@level"], "fatal");
    let of_a_log = answered(
        &json!({"type": "error", "data": {"@simple_error": {"message": "m", "type": "T", "stack_trace": "at x"}}}),
    );
    assert_eq!(of_a_log[0]["data"]["@error"], json!({"message": "m", "type": "T", "stack_trace": "at x"}));
}
