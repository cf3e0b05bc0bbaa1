//! The reading routes of Exceptionless, as scripts written for it use them.

use kymo_model::Timestamp;
use serde_json::{Value, json};

use crate::stand::{PROJECT, Stand};

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

fn post(stand: &Stand, events: &Value) {
    let token = format!("Bearer {}", stand.token("ingest"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let answer =
        stand.send("POST", "/api/v2/events", &headers, Some(events.to_string().into_bytes())).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// Five sessions of two users: one runs, the others ended; one has an error.
fn stand() -> Stand {
    let stand = Stand::new(NOW);
    for number in 0..5 {
        let id = format!("session-{number}");
        let user = json!({"identity": if number % 2 == 0 { "ann" } else { "bob" }});
        let at = |second: u32| format!("2026-09-21T1{number}:00:{second:02}Z");
        let data = |more: Value| {
            let mut data = json!({"@ref:session": id, "@user": user, "@version": "1.2"});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            data
        };
        post(
            &stand,
            &json!([
                {"type": "session", "reference_id": id, "date": at(0), "data": data(json!({}))},
                {"type": "log", "source": "cart", "message": "put in", "date": at(1), "data": data(json!({"@level": "warn"}))},
                {"type": if number == 3 { "error" } else { "log" }, "message": "last", "date": at(30),
                    "reference_id": format!("reference-{number}"), "tags": ["t"], "data": data(json!({}))},
            ]),
        );
        if number != 4 {
            post(&stand, &json!([{"type": "sessionend", "date": at(40), "data": data(json!({}))}]));
        }
    }
    stand
}

fn list(stand: &Stand, path: &str) -> (Vec<Value>, Option<String>, Option<String>) {
    let answer = stand.get(path, "read");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let header = |name: &str| answer.header(name).map(str::to_owned);
    (serde_json::from_str(&answer.body).unwrap(), header("link"), header("x-result-count"))
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["reference_id"].as_str().unwrap_or_default()).collect()
}

#[test]
fn sessions_are_events_of_type_session() {
    let stand = stand();
    let (all, _, total) = list(&stand, "/api/v2/events/sessions?include=total");
    assert_eq!(ids(&all), ["session-4", "session-3", "session-2", "session-1", "session-0"]);
    assert_eq!(total.as_deref(), Some("5"));
    let ended = &all[1];
    assert_eq!(
        (&ended["type"], &ended["value"], &ended["project_id"]),
        (&json!("session"), &json!(40.0), &json!(PROJECT))
    );
    assert_eq!(ended["data"]["sessionend"], "2026-09-21T13:00:40Z");
    assert_eq!(
        (&ended["data"]["@user"]["identity"], &ended["data"]["haserror"]),
        (&json!("bob"), &json!(true))
    );
    assert!(all[0]["data"].get("sessionend").is_none(), "it runs");

    let filtered = |filter: &str| {
        let (items, ..) =
            list(&stand, &format!("/api/v2/projects/{PROJECT}/events/sessions?filter={filter}"));
        ids(&items).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(filtered("type:session%20_missing_:data.sessionend"), ["session-4"]);
    assert_eq!(filtered("user:bob"), ["session-3", "session-1"]);
    assert_eq!(filtered("value:%3E35%20user:ann"), ["session-2", "session-0"]);
    assert_eq!(
        filtered("type:session&time=2026-09-21T10:30:00-2026-09-21T12:30:00"),
        ["session-2", "session-1"]
    );
    assert_eq!(filtered("user:nobody"), [] as [&str; 0]);
    let (turned, ..) = list(&stand, "/api/v2/events/sessions?sort=date&limit=2");
    assert_eq!(ids(&turned), ["session-0", "session-1"]);
    let wrong = stand.get("/api/v2/events/sessions?filter=usr:ann", "read");
    assert!(wrong.status == 400 && wrong.body.contains("\"suggestion\""), "{}", wrong.body);
    stand.stop();
}

#[test]
fn pages_are_linked_forwards_and_back() {
    let stand = stand();
    let follow = |link: Option<String>, relation: &str| -> Option<String> {
        let link = link?;
        let one = link.split(", ").find(|one| one.ends_with(&format!("rel=\"{relation}\"")))?;
        Some(format!("/api/v2/events/sessions{}", &one[1..one.find('>')?]))
    };
    let (first, link, _) = list(&stand, "/api/v2/events/sessions?limit=2");
    assert_eq!(ids(&first), ["session-4", "session-3"]);
    assert_eq!(follow(link.clone(), "previous"), None);
    let (second, link, _) = list(&stand, &follow(link, "next").unwrap());
    assert_eq!(ids(&second), ["session-2", "session-1"]);
    let (back, ..) = list(&stand, &follow(link.clone(), "previous").unwrap());
    assert_eq!(ids(&back), ids(&first));
    let (third, link, _) = list(&stand, &follow(link, "next").unwrap());
    assert_eq!((ids(&third), follow(link, "next")), (vec!["session-0"], None));
    let (by_number, ..) = list(&stand, "/api/v2/events/sessions?limit=2&page=2");
    assert_eq!(ids(&by_number), ids(&second));
    let far = stand.get("/api/v2/events/sessions?limit=100&page=50", "read");
    assert_eq!(far.status, 400, "{}", far.body);
    stand.stop();
}

#[test]
fn rows_of_lists_are_short() {
    let stand = stand();
    let (rows, ..) = list(&stand, "/api/v2/events/sessions?mode=summary&limit=1");
    assert_eq!(rows[0]["template_key"], "event-session-summary");
    assert_eq!(rows[0]["version"], "1.2");
    let expected = json!({"SessionId": "session-4", "Type": "session", "Identity": "ann", "Name": null,
        "Value": "30", "SessionEnd": null});
    assert_eq!(rows[0]["data"], expected);
    stand.stop();
}

#[test]
fn a_session_and_single_events_are_found() {
    let stand = stand();
    for flushed in [false, true] {
        if flushed {
            stand.flush();
        }
        let (events, _, total) = list(&stand, "/api/v2/events/sessions/session-3?include=total");
        let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((kinds, total.as_deref()), (vec!["sessionend", "error", "log", "session"], Some("4")));
        assert_eq!(events[2]["data"]["@ref:session"], "session-3");
        assert_eq!((&events[2]["data"]["@level"], &events[2]["source"]), (&json!("warn"), &json!("cart")));
        let (level, ..) = list(&stand, "/api/v2/events/sessions/session-3?filter=level:warn");
        assert_eq!(level, [events[2].clone()]);

        let id = events[1]["id"].as_str().unwrap();
        let one = stand.get(&format!("/api/v2/events/{id}"), "read");
        assert_eq!(serde_json::from_str::<Value>(&one.body).unwrap(), events[1]);
        let (found, ..) = list(&stand, "/api/v2/events/by-ref/reference-3");
        assert_eq!(found, [events[1].clone()]);
        assert_eq!(stand.get(&format!("/api/v2/events/{id}"), "other-read").status, 404);
    }
    assert_eq!(list(&stand, "/api/v2/events/by-ref/nothing").0, [] as [Value; 0]);
    assert_eq!(list(&stand, "/api/v2/events/sessions/nothing").0, [] as [Value; 0]);
    assert_eq!(stand.get("/api/v2/events/nothing", "read").status, 404);
    for (token, status) in [("", 401), ("ingest", 403), ("other-read", 404)] {
        let path = format!("/api/v2/projects/{PROJECT}/events/sessions");
        assert_eq!(stand.get(&path, token).status, status, "{token}");
    }
    stand.stop();
}

#[test]
fn the_dashboards_count_is_answered() {
    let stand = stand();
    let asked = "filter=type:session&time=[2026-09-21T00:00:00%20TO%20now]&aggregations=\
        avg:value%20cardinality:user%20date:(date~1h^-0m%20cardinality:user)";
    let answer = stand.get(&format!("/api/v2/events/count?{asked}"), "read");
    let count: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
    assert_eq!(count["total"], 5, "{count}");
    assert_eq!(count["aggregations"]["cardinality_user"]["value"], 2.0);
    assert_eq!(count["aggregations"]["avg_value"]["value"], 38.0);
    let items = count["aggregations"]["date_date"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert_eq!(items[0]["date"], "2026-09-21T10:00:00Z");
    assert_eq!(
        (&items[0]["total"], &items[0]["aggregations"]["cardinality_user"]["value"]),
        (&json!(1), &json!(1.0))
    );
    let errors = stand.get("/api/v2/events/count?filter=type:error", "read");
    assert_eq!(serde_json::from_str::<Value>(&errors.body).unwrap(), json!({"total": 1, "aggregations": {}}));
    let other = stand.get("/api/v2/events/count?filter=type:session&aggregations=terms:tags", "read");
    assert!(other.status == 400 && other.body.contains("tags is said of events"), "{}", other.body);
    stand.stop();
}

#[test]
fn events_and_sessions_are_added_up() {
    let stand = stand();
    let sold = |value: f64| json!({"type": "usage", "source": "cart", "value": value, "date": "2026-09-21T14:00:00Z"});
    post(&stand, &json!([sold(3.0), sold(4.5)]));
    for flushed in [false, true] {
        if flushed {
            stand.flush();
        }
        let told = |query: &str| {
            let answer = stand.get(&format!("/api/v2/events/count?{query}"), "read");
            serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body))
        };
        let count = told("aggregations=terms:(type~3%20cardinality:user%20terms:source)");
        assert_eq!(count["total"], 21);
        let types = &count["aggregations"]["terms_type"];
        let keys: Vec<(&str, u64)> = types["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["key"].as_str().unwrap(), item["total"].as_u64().unwrap()))
            .collect();
        assert_eq!(keys, [("log", 9), ("session", 5), ("sessionend", 4)], "{types}");
        assert_eq!(types["data"]["SumOtherDocCount"], 3, "an error and two usages");
        let of_log = &types["items"][0]["aggregations"];
        assert_eq!(of_log["cardinality_user"]["value"], 2.0);
        assert_eq!(of_log["terms_source"]["items"][0]["total"], 5);
        let sums = told(
            "filter=type:usage&aggregations=sum:value%20avg:value%20min:value%20max:value%20terms:level",
        );
        let figure = |name: &str| sums["aggregations"][name]["value"].as_f64();
        assert_eq!((figure("sum_value"), figure("avg_value")), (Some(7.5), Some(3.75)));
        assert_eq!((figure("min_value"), figure("max_value")), (Some(3.0), Some(4.5)));
        let tags = told(
            "aggregations=terms:tags%20terms:level%20date:(date~1h%20terms:type)&time=2026-09-21T10:00:00-now",
        );
        assert_eq!(tags["aggregations"]["terms_tags"]["items"][0]["total"], 5, "{tags}");
        let first_hour = &tags["aggregations"]["date_date"]["items"][0];
        assert_eq!((&first_hour["date"], &first_hour["total"]), (&json!("2026-09-21T10:00:00Z"), &json!(4)));
        let versions = told("filter=type:session&aggregations=terms:version%20terms:user%20max:value");
        assert_eq!(versions["aggregations"]["terms_version"]["items"][0]["key"], "1.2");
        assert_eq!(versions["aggregations"]["terms_user"]["items"][0]["key"], "ann");
        assert_eq!(versions["aggregations"]["max_value"]["value"], 40.0);
    }
    let wrong = stand.get("/api/v2/events/count?aggregations=terms:version", "read");
    assert!(wrong.status == 400 && wrong.body.contains("add type:session"), "{}", wrong.body);
    stand.stop();
}

#[test]
fn a_session_that_sent_no_start_has_one_all_the_same() {
    let stand = Stand::new(NOW);
    let event = |number: u32| {
        json!({"type": "log", "message": format!("line {number}"), "reference_id": format!("reference-{}", number / 2),
        "date": format!("2026-09-21T14:00:0{number}Z"), "data": {"@ref:session": "unannounced"}})
    };
    post(&stand, &json!([event(1), event(2), event(3)]));
    let kinds = |query: &str| {
        let (items, link, total) =
            list(&stand, &format!("/api/v2/events/sessions/unannounced?include=total{query}"));
        let kinds: Vec<String> = items.iter().map(|item| item["type"].as_str().unwrap().to_owned()).collect();
        (kinds, link.is_some_and(|link| link.contains("rel=\"next\"")), total)
    };
    let four = Some("4".to_owned());
    let of = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(""), (of(&["log", "log", "log", "session"]), false, four.clone()));
    assert_eq!(kinds("&sort=date"), (of(&["session", "log", "log", "log"]), false, four.clone()));
    assert_eq!(kinds("&limit=2"), (of(&["log", "log"]), true, four));
    assert_eq!(kinds("&filter=type:log").0, of(&["log", "log", "log"]));
    let (found, _, total) = list(&stand, "/api/v2/events/by-ref/reference-1?limit=1&include=total");
    assert_eq!((found.len(), total.as_deref()), (1, Some("2")));
    assert_eq!(list(&stand, "/api/v2/events/by-ref/reference-1").2, None, "only if it is asked for");
    let far = "after=9223372036854775807~9223372036854775807&sort=-date";
    assert_eq!(stand.get(&format!("/api/v2/events/sessions/unannounced?{far}"), "read").status, 200);
    stand.stop();
}
