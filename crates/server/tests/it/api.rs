//! The API as scripts meet it: its description, exports, conditional requests.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use kymo_model::Timestamp;
use serde_json::{Value, json};

use crate::stand::{PROJECT, Stand};

const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

/// What is served equals `docs/openapi.json`; `KYMO_GOLDEN=write` writes it anew.
#[test]
fn the_description_is_the_golden_one() {
    let stand = Stand::new(NOW);
    let answer = stand.get("/api/v1/openapi.json", "");
    assert_eq!(answer.status, 200, "for everybody");
    let served: Value = serde_json::from_str(&answer.body).unwrap();
    let text = serde_json::to_string_pretty(&served).unwrap() + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if env::var("KYMO_GOLDEN").as_deref() == Ok("write") {
        fs::write(&golden, &text).unwrap();
    }
    let is_same = fs::read_to_string(&golden).unwrap_or_default() == text;
    assert!(is_same, "docs/openapi.json differs from what is served: look at it, then KYMO_GOLDEN=write");
    let ids: Vec<&Value> = operations(&served).map(|(_, _, operation)| &operation["operationId"]).collect();
    let different: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), ids.len(), "operation ids are unique: {ids:?}");
    for (path, method, operation) in operations(&served) {
        assert!(operation["summary"].is_string(), "{method} {path} says what it does");
    }
    for name in references(&served) {
        let path = name.trim_start_matches('#');
        assert!(served.pointer(path).is_some(), "{name} leads to something");
    }
    stand.stop();
}

/// Every `$ref`.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let stand = Stand::new(NOW);
    send(&stand, 3);
    let token = format!("Bearer {}", stand.token("read"));
    let get = |known: Option<&str>| {
        let mut headers = vec![("authorization", token.as_str())];
        headers.extend(known.map(|known| ("if-none-match", known)));
        stand.send("GET", "/api/v1/sessions", &headers, None).unwrap()
    };
    let first = get(None);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = get(Some(&tag));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(get(Some("\"other\"")).status, 200);
    send(&stand, 1);
    let changed = get(Some(&tag));
    assert_eq!(changed.status, 200, "there is another session");
    stand.stop();
}

#[test]
fn every_list_is_exported_whole() {
    let stand = Stand::new(NOW);
    send(&stand, 1203);
    let paged = pages(&stand, "/api/v1/sessions?limit=500");
    assert_eq!(paged.len(), 1203);
    let lines = stand.get("/api/v1/sessions?format=ndjson", "read");
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let exported: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(exported == paged, "the same, in the same order");

    let id = paged[5]["id"].as_str().unwrap();
    let table = stand.get(&format!("/api/v1/sessions/{id}/events?format=csv"), "read");
    assert!(table.header("content-type").unwrap().starts_with("text/csv"));
    let mut records = table.body.split("\r\n");
    assert!(records.next().unwrap().starts_with("id,session_id,sequence,time,"));
    assert!(records.next().unwrap().contains("'=1+1"), "{}", table.body);
    let log = stand.get("/api/v1/audit", "admin");
    let log: Value = serde_json::from_str(&log.body).unwrap();
    let told: Vec<(&Value, &Value)> =
        log["items"].as_array().unwrap().iter().map(|row| (&row["action"], &row["target"])).collect();
    assert!(told.contains(&(&json!("export"), &json!("sessions"))), "{told:?}");
    assert!(told.contains(&(&json!("export"), &json!("events"))), "{told:?}");
    let wrong = stand.get("/api/v1/sessions?format=xml", "read");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("expected json, ndjson or csv"), "{}", wrong.body);
    stand.stop();
}

fn json(stand: &Stand, path: &str) -> Value {
    let answer = stand.get(path, "read");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn sessions_are_sorted_and_paged_by_any_figure() {
    let stand = Stand::new(NOW);
    for (id, events, errors) in
        [("aaaaaaaa", 4, 0), ("bbbbbbbb", 3, 2), ("cccccccc", 9, 1), ("dddddddd", 3, 3)]
    {
        post(&stand, id, "ann", events, errors);
    }
    let ids = |sort: &str| -> Vec<String> {
        let found = pages(&stand, &format!("/api/v1/sessions?limit=1&sort={sort}"));
        found.iter().map(|session| session["external_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("-events"), ["cccccccc", "dddddddd", "bbbbbbbb", "aaaaaaaa"]);
    let mut turned = ids("-errors");
    turned.reverse();
    assert_eq!(ids("errors"), turned);
    assert_eq!(turned, ["aaaaaaaa", "cccccccc", "bbbbbbbb", "dddddddd"]);
    assert_eq!(ids("-duration").len(), 4);
    let wrong = stand.get("/api/v1/sessions?sort=colour", "read");
    assert!(wrong.status == 400 && wrong.body.contains("expected started, last_activity"), "{}", wrong.body);
    stand.stop();
}

#[test]
fn events_have_ids_and_surroundings() {
    let stand = Stand::new(NOW);
    post(&stand, "aaaaaaaa", "ann", 20, 0);
    for flushed in [false, true] {
        if flushed {
            stand.flush();
        }
        let all = pages(&stand, "/api/v1/sessions/aaaaaaaa/events?limit=7");
        assert_eq!(all.len(), 20);
        let one = json(&stand, &format!("/api/v1/events/{}", all[4]["id"].as_str().unwrap()));
        assert_eq!(one, all[4]);
        let mut turned = pages(&stand, "/api/v1/sessions/aaaaaaaa/events?limit=7&order=desc");
        turned.reverse();
        assert!(turned == all, "the other way round");

        let around = json(&stand, "/api/v1/sessions/aaaaaaaa/events?around=10&limit=5");
        assert_eq!(around["items"].as_array().unwrap(), &all[7..12]);
        let cursor = |name: &str| around[name].as_str().unwrap().to_owned();
        let on = json(&stand, &format!("/api/v1/sessions/aaaaaaaa/events?cursor={}", cursor("next_cursor")));
        assert_eq!(on["items"].as_array().unwrap(), &all[12..]);
        assert_eq!(on["next_cursor"], Value::Null);
        let back =
            format!("/api/v1/sessions/aaaaaaaa/events?order=desc&cursor={}", cursor("previous_cursor"));
        let mut back = json(&stand, &back)["items"].as_array().unwrap().clone();
        back.reverse();
        assert_eq!(back, all[..7]);
        let at_start = json(&stand, "/api/v1/sessions/aaaaaaaa/events?around=1&limit=6");
        assert_eq!(
            (at_start["items"].as_array().unwrap().len(), &at_start["previous_cursor"]),
            (6, &Value::Null)
        );

        assert_eq!((&around["first_index"], &on["first_index"]), (&json!(7), &json!(12)));
        let offset = |rest: &str| json(&stand, &format!("/api/v1/sessions/aaaaaaaa/events?{rest}"));
        let middle = offset("offset=13&limit=4");
        assert_eq!(
            (middle["items"].as_array().unwrap(), &middle["first_index"]),
            (&all[13..17].to_vec(), &json!(13))
        );
        assert!(middle["next_cursor"].is_string());
        let turned_end = offset("offset=18&limit=4&order=desc");
        assert_eq!(turned_end["items"].as_array().unwrap(), &[all[1].clone(), all[0].clone()]);
        let filtered = offset("offset=2&limit=1&filter=sequence:%3E10");
        assert_eq!((&filtered["items"][0], &filtered["total"]), (&all[12], &json!(10)));
        let beyond = offset("offset=99");
        assert_eq!(
            (&beyond["items"], &beyond["first_index"], &beyond["next_cursor"]),
            (&json!([]), &json!(20), &Value::Null)
        );

        let end = on["last_cursor"].as_str().unwrap();
        let later = json(&stand, &format!("/api/v1/sessions/aaaaaaaa/events?cursor={end}"));
        assert_eq!((&later["items"], &later["last_cursor"]), (&json!([]), &json!(end)), "to be asked again");
    }
    assert_eq!(stand.get("/api/v1/sessions/aaaaaaaa/events?around=99", "read").status, 404);
    assert_eq!(stand.get("/api/v1/sessions/aaaaaaaa/events?around=9&offset=9", "read").status, 400);
    assert_eq!(stand.get("/api/v1/sessions/aaaaaaaa/events?offset=-1", "read").status, 400);
    let loose = json!([{"type": "log", "message": "alone", "date": "2026-09-21T14:13:19Z"}]);
    post_events(&stand, loose.as_array().unwrap());
    let loose = pages(&stand, "/api/v1/events?limit=5");
    let path = format!("/api/v1/events/{}", loose[0]["id"].as_str().unwrap());
    assert_eq!(json(&stand, &path), loose[0]);
    assert_eq!(stand.get(&path, "other-read").status, 404, "another project's");
    assert_eq!(stand.get("/api/v1/events/x", "read").status, 400);
    stand.stop();
}

#[test]
fn users_are_added_up_over_their_sessions() {
    let stand = Stand::new(NOW);
    post(&stand, "aaaaaaaa", "ann", 2, 1);
    post(&stand, "bbbbbbbb", "ann", 1, 0);
    post(&stand, "cccccccc", "Bob & co", 4, 0);
    let list = pages(&stand, "/api/v1/users?limit=1");
    let figures = |user: &Value| {
        let name = |name: &str| user[name].as_u64().unwrap();
        (
            user["key"].as_str().unwrap().to_owned(),
            name("session_count"),
            name("sessions_with_errors"),
            name("event_count"),
        )
    };
    let mut found: Vec<_> = list.iter().map(figures).collect();
    found.sort();
    assert_eq!(found, [("Bob & co".to_owned(), 1, 0, 4), ("ann".to_owned(), 2, 1, 4)]);
    let ann = list.iter().find(|user| user["key"] == "ann").unwrap();
    let last = json(&stand, &format!("/api/v1/sessions/{}", ann["last_session_id"].as_str().unwrap()));
    assert_eq!((&last["user"]["id"], &last["last_activity_at"]), (&json!("ann"), &ann["last_seen_at"]));
    assert_eq!((&ann["application"], &ann["version"]), (&last["application"], &last["version"]));
    assert_eq!(figures(&json(&stand, "/api/v1/users/Bob%20%26%20co")).1, 1);
    assert_eq!(json(&stand, "/api/v1/users?user=BOB")["items"].as_array().unwrap().len(), 1);
    assert_eq!(stand.get("/api/v1/users/nobody", "read").status, 404);
    assert_eq!(stand.get("/api/v1/users/ann", "other-read").status, 404, "another project's");
    assert!(stand.get("/api/v1/users?format=csv", "read").body.contains("\r\nann,,2,"));
    stand.stop();
}

#[test]
fn sessions_are_counted_over_time() {
    let stand = Stand::new(NOW);
    send(&stand, 7);
    let counts =
        json(&stand, "/api/v1/sessions/counts?from=2026-09-21T14:00:00Z&to=2026-09-21T15:00:00Z&buckets=60");
    assert_eq!(counts["width_seconds"], 60.0);
    assert_eq!(counts["buckets"], json!([{"index": 13, "sessions": 7, "users": 7, "with_errors": 0}]));
    let wrong =
        stand.get("/api/v1/sessions/counts?from=2026-09-21T14:00:00Z&to=2026-09-20T14:00:00Z", "read");
    assert_eq!(wrong.status, 400);
    stand.stop();
}

#[test]
fn worth_opening_says_why() {
    let stand = Stand::new(NOW);
    post(&stand, "aaaaaaaa", "ann", 1, 9);
    post(&stand, "bbbbbbbb", "ann", 1, 1);
    post(&stand, "cccccccc", "ann", 1, 1);
    let found = json(&stand, "/api/v1/sessions/worth-opening");
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{found}");
    assert_eq!(items[0]["rule"], "error_burst");
    assert_eq!(items[0]["reason"], "9 errors; sessions with errors usually have 1");
    assert_eq!(items[0]["session"]["external_id"], "aaaaaaaa");
    stand.stop();
}

#[test]
fn an_error_type_is_worth_opening_the_first_time() {
    let stand = Stand::new(NOW);
    let post = |session: &str, number: usize, error_type: &str| {
        post_events(
            &stand,
            &[json!({"type": "error", "date": "2026-09-21T14:13:19Z",
            "reference_id": format!("{session}{number:02}"),
            "data": {"@ref:session": session, "@simple_error": {"type": error_type, "message": "no"}}})],
        );
    };
    post("aaaaaaaa", 1, "TypeError");
    post("bbbbbbbb", 1, "TypeError");
    let found = || json(&stand, "/api/v1/sessions/worth-opening")["items"].take();
    assert_eq!(found()[0]["rule"], "new_error_type");
    assert_eq!(found()[0]["session"]["external_id"], "aaaaaaaa", "not where it came the second time");
    post("bbbbbbbb", 2, "RangeError");
    assert_eq!(found()[0]["reason"], "RangeError was never seen before");
    assert_eq!(found()[0]["session"]["external_id"], "bbbbbbbb");
    // Known from the catalog, not from memory only.
    stand.pass_time(Duration::from_mins(2));
    stand.upkeep();
    post("cccccccc", 1, "TypeError");
    assert_eq!(found()[0]["session"]["external_id"], "bbbbbbbb");
    stand.stop();
}

#[test]
fn a_request_with_a_key_is_done_once() {
    let stand = Stand::new(NOW);
    let admin = format!("Bearer {}", stand.token("admin"));
    let path = format!("/api/v1/projects/{PROJECT}/tokens");
    let add = |key: &str, name: &str| {
        let headers = [("authorization", admin.as_str()), ("idempotency-key", key)];
        let body = json!({"scope": "read", "name": name}).to_string().into_bytes();
        stand.send("POST", &path, &headers, Some(body)).unwrap()
    };
    let first = add("one", "script");
    assert_eq!(first.status, 201, "{}", first.body);
    let again = add("one", "script");
    assert_eq!((again.status, &again.body), (201, &first.body), "the same secret");
    let other = add("one", "another");
    assert!(other.status == 409 && other.body.contains("another request"), "{}", other.body);
    assert_eq!(add("two", "script").status, 409, "the name is taken");
    assert_eq!(add("", "script").status, 400);
    assert_eq!(add(&"k".repeat(101), "script").status, 400);
    // Whoever may not ask any more is not answered from memory either.
    let send = |bearer: &str, key: &str, body: &Value| {
        let headers = [("authorization", bearer), ("idempotency-key", key)];
        stand.send("POST", &path, &headers, Some(body.to_string().into_bytes())).unwrap()
    };
    let made = send(&admin, "three", &json!({"scope": "admin"}));
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let own = format!("Bearer {}", made["secret"].as_str().unwrap());
    let ask = || send(&own, "own", &json!({"scope": "read"})).status;
    assert_eq!((ask(), ask()), (201, 201));
    let revoke = format!("{path}/{}", made["token"]["id"].as_str().unwrap());
    let revoked = stand.send("DELETE", &revoke, &[("authorization", admin.as_str())], None);
    assert_eq!(revoked.unwrap().status, 204);
    assert_eq!(ask(), 401);
    let headers = [("authorization", "Bearer other"), ("idempotency-key", "one")];
    let body = json!({"scope": "read", "name": "script"}).to_string().into_bytes();
    assert_eq!(
        stand.send("POST", &path, &headers, Some(body)).unwrap().status,
        401,
        "a key is its caller's own"
    );
    stand.stop();
}

#[test]
fn views_are_kept_by_people_and_shared_if_they_want() {
    let stand = Stand::new(NOW);
    let cookie = stand.sign_in();
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let path = "/api/v1/views/0192f0c1-2b3c-8d4e-9f50-61728394a5b6";
    let put = |name: &str, shared: bool| {
        let view =
            json!({"project": PROJECT, "name": name, "is_shared": shared, "view": {"filter": "error:true"}});
        stand.send("PUT", path, &headers, Some(view.to_string().into_bytes())).unwrap()
    };
    assert_eq!(put("Errors", false).status, 200);
    assert_eq!(put("Errors", false).status, 200, "again is the same view");
    assert_eq!(json(&stand, "/api/v1/views")["items"], json!([]), "not shared");
    assert_eq!(put("Errors of today", true).status, 200);
    let seen = json(&stand, "/api/v1/views");
    assert_eq!(seen["items"][0]["name"], "Errors of today");
    assert_eq!(seen["items"][0]["view"], json!({"filter": "error:true"}));
    let foreign = stand.get("/api/v1/views", "other-read");
    assert!(foreign.body.contains("\"items\":[]"), "of another project: {}", foreign.body);
    let bearer = format!("Bearer {}", stand.token("read"));
    let by_token = stand.send("DELETE", path, &[("authorization", &bearer)], None).unwrap();
    assert_eq!(by_token.status, 403);
    assert_eq!(put("", true).status, 400);
    for _ in 0..2 {
        assert_eq!(stand.send("DELETE", path, &headers, None).unwrap().status, 204);
    }
    assert_eq!(json(&stand, "/api/v1/views")["items"], json!([]));
    stand.stop();
}

/// A session of so many lines and errors.
fn post(stand: &Stand, session: &str, user: &str, lines: usize, errors: usize) {
    let event = |number: usize| {
        let (kind, name) = if number < lines { ("log", "line") } else { ("error", "wrong") };
        json!({"type": kind, "message": format!("{name} {number}"), "date": "2026-09-21T14:13:19Z",
            "reference_id": format!("{session}{number:02}"),
            "data": {"@ref:session": session, "@user": {"identity": user}}})
    };
    post_events(stand, &(0..lines + errors).map(event).collect::<Vec<_>>());
}

fn post_events(stand: &Stand, events: &[Value]) {
    let token = format!("Bearer {}", stand.token("ingest"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let body = serde_json::to_vec(events).unwrap();
    let answer =
        stand.send("POST", &format!("/api/v2/projects/{PROJECT}/events"), &headers, Some(body)).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// All items of a list, page by page.
fn pages(stand: &Stand, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = stand.get(&format!("{path}{cursor}"), "read");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut page: Value = serde_json::from_str(&answer.body).unwrap();
        items.append(page["items"].as_array_mut().unwrap());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// That many new sessions of an event each.
fn send(stand: &Stand, count: usize) {
    let event = |_| {
        let id = format!("session-{}", next_number());
        json!({"type": "log", "message": "=1+1", "date": "2026-09-21T14:13:20Z",
            "data": {"@ref:session": id, "@user": {"identity": format!("user-{id}")}}})
    };
    post_events(stand, &(0..count).map(event).collect::<Vec<_>>());
}

/// A number that no call before gave.
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}
