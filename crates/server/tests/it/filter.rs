//! The filter language over HTTP: lists, searches over all sessions, errors with a place.

use std::fmt::Write as _;

use kymo_model::Timestamp;
use serde_json::{Value, json};

use crate::stand::Stand;

/// 2026-11-20T12:05:00Z.
const NOW: Timestamp = Timestamp::from_unix_nanos(1_795_176_300_000_000_000);

struct Page(Stand);

impl Page {
    fn new() -> Self {
        let page = Self(Stand::new(NOW));
        let of = |user: &str, version: &str, minute: u32, rest: Value| {
            let mut event = json!({
                "date": format!("2026-11-20T12:0{minute}:00Z"),
                "data": {"@version": version, "@user": {"identity": user, "name": format!("{user} Okafor")}},
            });
            event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            event
        };
        let error = json!({"type": "error", "@error": {"type": "IOError", "message": "disk full"}});
        let events = [
            of(
                "ann@example.test",
                "2.1",
                0,
                json!({"type": "log", "source": "Http.Client", "message": "GET /cart"}),
            ),
            of("ann@example.test", "2.1", 1, error),
            of("bob", "1.9", 2, json!({"type": "log", "source": "Disk", "message": "the disk is FULL"})),
        ];
        page.post("ingest", &json!(events));
        page.post(
            "ingest",
            &json!([{"type": "log", "message": "of nobody", "date": "2026-11-20T12:03:00Z"}]),
        );
        page.post(
            "other",
            &json!([{"type": "log", "message": "full elsewhere", "date": "2026-11-20T12:04:00Z"}]),
        );
        page
    }

    fn post(&self, token: &str, events: &Value) {
        let bearer = format!("Bearer {}", self.0.token(token));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = self.0.send("POST", "/api/v2/events", &headers, Some(events.to_string().into_bytes()));
        assert_eq!(answer.map(|answer| answer.status), Ok(202));
    }

    fn get(&self, token: &str, path: &str, filter: &str, more: &str) -> (u16, Value) {
        let mut escaped = String::new();
        for byte in filter.bytes() {
            write!(escaped, "%{byte:02X}").unwrap();
        }
        let bearer = format!("Bearer {}", self.0.token(token));
        let path = format!("/api/v1/{path}?filter={escaped}{more}");
        let answer = self.0.send("GET", &path, &[("authorization", &bearer)], None).unwrap();
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    fn users(&self, filter: &str) -> Vec<String> {
        let (status, list) = self.get("read", "sessions", filter, "");
        assert_eq!(status, 200, "{filter}: {list}");
        let (_, summary) = self.get("read", "sessions/summary", filter, "");
        assert_eq!(summary["sessions"], list["items"].as_array().unwrap().len(), "{filter}");
        let user = |session: &Value| session["user"]["id"].as_str().unwrap_or_default().to_owned();
        list["items"].as_array().unwrap().iter().map(user).collect()
    }

    /// Messages, newest first.
    fn messages(&self, token: &str, filter: &str, more: &str) -> Vec<String> {
        let (status, list) = self.get(token, "events", filter, more);
        assert_eq!(status, 200, "{filter}: {list}");
        let text = |event: &Value| event["message"].as_str().unwrap_or_default().to_owned();
        list["items"].as_array().unwrap().iter().map(text).collect()
    }
}

#[test]
fn lists_and_searches_take_a_filter() {
    let page = Page::new();
    for round in ["tail", "segment"] {
        let users =
            |filter: &str, expected: &[&str]| assert_eq!(page.users(filter), expected, "{round} {filter}");
        let (ann, bob) = ("ann@example.test", "bob");
        users("", &[bob, ann]);
        users("user:okafor", &[bob, ann]);
        users("user:ann version:2.*", &[ann]);
        users("error:true", &[ann]);
        for (errors, expected) in [("true", ann), ("false", bob)] {
            let (_, list) = page.get("read", "sessions", "", &format!("&errors={errors}"));
            assert_eq!(list["items"].as_array().unwrap().len(), 1, "{errors}");
            assert_eq!(list["items"][0]["user"]["id"], expected, "{errors}");
        }
        users("\"disk is full\"", &[bob]);
        users("exception:disk", &[ann]);
        users("-category:Http*", &[bob]);
        users("category:http* level:error", &[]);
        users("(category:http*) (type:error)", &[]);
        users("category:http* OR type:error", &[ann]);
        users("started:[now-4m TO now]", &[bob]);
        users("type:session _missing_:data.sessionend", &[bob, ann]);

        let found = |token: &str, filter: &str, more: &str, expected: &[&str]| {
            assert_eq!(page.messages(token, filter, more), expected, "{round} {filter}");
        };
        found("read", "*", "", &["of nobody", "the disk is FULL", "disk full", "GET /cart"]);
        found("read", "full", "", &["the disk is FULL", "disk full"]);
        found("read", "full version:2.*", "", &["disk full"]);
        found("read", "-version:*", "", &["of nobody"]);
        found("read", "*", "&kind=error", &["disk full"]);
        found("other-read", "full", "", &["full elsewhere"]);
        let (status, _) = page.get("other-read", "events", "full", "&project=shop");
        assert_eq!(status, 404, "a project that the caller may not see");

        let (_, first) = page.get("read", "events", "*", "&limit=3");
        assert_eq!(first["total"], Value::Null);
        assert_eq!(first["items"][0]["session_id"], Value::Null);
        let session = first["items"][1]["session_id"].as_str().unwrap().to_owned();
        let cursor = first["next_cursor"].as_str().unwrap();
        found("read", "*", &format!("&limit=3&cursor={cursor}"), &["GET /cart"]);
        let (_, of_session) = page.get("read", &format!("sessions/{session}/events"), "disk user:bob", "");
        assert_eq!(
            (&of_session["total"], &of_session["items"][0]["message"]),
            (&json!(1), &json!("the disk is FULL"))
        );
        page.0.flush();
    }
    page.0.stop();
}

#[test]
fn an_error_has_a_place_and_a_suggestion() {
    let page = Page::new();
    for path in ["sessions", "sessions/summary", "events"] {
        let (status, problem) = page.get("read", path, "é lvel:warn", "");
        assert_eq!(status, 400, "{problem}");
        let expected = json!({"position": 2, "length": 4, "suggestion": "level"});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&problem[name], value, "{path} {problem}");
        }
        assert!(problem["detail"].as_str().unwrap().contains("no field lvel"), "{problem}");
    }
    let (status, problem) = page.get("read", "events", "*", "&cursor=nonsense");
    assert_eq!((status, problem.get("position")), (400, None), "{problem}");
    page.0.stop();
}

#[test]
fn the_fields_are_told_to_who_may_read() {
    let page = Page::new();
    let (status, fields) = page.get("read", "filter/fields", "", "");
    assert_eq!(status, 200);
    let level = fields["items"].as_array().unwrap().iter().find(|field| field["name"] == "level").unwrap();
    assert_eq!(
        (&level["of"], &level["type"], &level["words"][3]),
        (&json!("event"), &json!("level"), &json!("warn"))
    );
    let (status, _) = page.get("ingest", "filter/fields", "", "");
    assert_eq!(status, 403);
    page.0.stop();
}

/// Values with the number of their sessions.
fn values(page: &Page, token: &str, query: &str) -> (u16, Vec<(String, u64)>) {
    let answer = page.0.get(&format!("/api/v1/filter/values?{query}"), token);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let value =
        |item: &Value| (item["value"].as_str().unwrap().to_owned(), item["sessions"].as_u64().unwrap());
    (
        answer.status,
        body["items"].as_array().map(|items| items.iter().map(value).collect()).unwrap_or_default(),
    )
}

#[test]
fn values_of_a_field_are_those_of_its_sessions() {
    let page = Page::new();
    let carol = json!({
        "type": "log", "message": "hello", "date": "2026-11-20T12:04:00Z",
        "data": {"@version": "2.1", "service.name": "Till", "@user": {"identity": "carol"}},
    });
    page.post("ingest", &json!([carol]));
    let check = |query: &str, expected: &[(&str, u64)]| {
        let (status, found) = values(&page, "read", query);
        let found: Vec<(&str, u64)> = found.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        assert_eq!((status, found.as_slice()), (200, expected), "{query}");
    };
    check("field=version", &[("2.1", 2), ("1.9", 1)]);
    check("field=Version&prefix=1", &[("1.9", 1), ("2.1", 2)]);
    check("field=properties.service.version&prefix=9", &[("1.9", 1)]);
    check("field=version&from=2026-11-20T12:02:00Z", &[("1.9", 1), ("2.1", 1)]);
    check("field=version&to=2026-11-20T12:02:00Z", &[("2.1", 1)]);
    // A session without a name of its application goes by its project's.
    check("field=app", &[("shop", 2), ("Till", 1)]);
    check("field=user&prefix=OKA", &[("ann@example.test Okafor", 1), ("bob Okafor", 1)]);
    check("field=user.id&prefix=example", &[("ann@example.test", 1)]);
    check("field=project", &[("shop", 3)]);
    check("field=duration", &[]);
    check("field=host&prefix=*", &[]);
    assert_eq!(values(&page, "other-read", "field=version").1, []);
    assert_eq!(values(&page, "other-read", "field=version&project=shop").0, 404);
    for wrong in ["", "field=vers", "field=level", "field=version&from=x"] {
        assert_eq!(values(&page, "read", wrong).0, 400, "{wrong}");
    }
    page.0.stop();
}
