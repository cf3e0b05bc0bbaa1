//! What people set for a project: by command and by API, for the next request, for agents and for the server.

use kymo_testkit::kymo::wait_for;
use kymo_testkit::{Kymo, Script};
use serde_json::{Value, json};

use crate::KYMO;

type Headers<'headers> = &'headers [(&'headers str, &'headers str)];

/// A request and its answer: status, version of the configuration, body.
fn ask(
    kymo: &Kymo,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: Option<&str>,
) -> (u16, Option<String>, String) {
    let url = format!("{}{path}", kymo.url());
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = match body {
        Some(body) => agent.run(request.body(body.to_owned()).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    }
    .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let version = answer.headers().get("x-exceptionless-configversion");
    let version = version.map(|version| version.to_str().expect("a number").to_owned());
    (answer.status().as_u16(), version, answer.body_mut().read_to_string().expect("text"))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn admin(kymo: &Kymo) -> String {
    kymo.command(&["token", "add", "--project", "shop", "--scope", "admin"])
}

fn set(kymo: &Kymo, words: &[&str]) {
    let printed = kymo.command(&[&["project", "set", "Shop"], words].concat());
    assert_eq!(printed, "");
}

fn shown(kymo: &Kymo) -> Value {
    serde_json::from_str(&kymo.command(&["project", "show", "shop", "--json"])).expect("JSON")
}

/// What an agent that knows version `v` is answered.
fn config(kymo: &Kymo, v: u64) -> (u16, String) {
    let path = format!("/api/v2/projects/config?v={v}");
    let (status, _, body) = ask(kymo, "GET", &path, &[("authorization", &bearer(&kymo.ingest_token))], None);
    (status, body)
}

fn loose_events(kymo: &Kymo, query: &str) -> Vec<Value> {
    let page = kymo.get(&format!("/api/v1/events?project=shop{query}"));
    page["items"].as_array().expect("a list").clone()
}

#[test]
fn commands_change_settings_with_the_server_running_and_stopped() {
    let mut kymo = Kymo::with_project(KYMO);
    set(
        &kymo,
        &["client:@@log:*=warn", "client:feature=on", "split_after=20m", "origins=https://shop.example"],
    );
    let expected = r#"{"version":2,"settings":{"@@log:*":"warn","feature":"on"}}"#;
    assert_eq!(config(&kymo, 1), (200, expected.to_owned()));
    assert_eq!(config(&kymo, 2).0, 304);
    let (_, version, _) = ask(
        &kymo,
        "POST",
        "/api/v2/events",
        &[("authorization", &bearer(&kymo.ingest_token)), ("content-type", "application/json")],
        Some("{}"),
    );
    assert_eq!(version.as_deref(), Some("2"));
    let project_scoped = "/api/v2/projects/shop/config?v=0";
    assert_eq!(
        ask(&kymo, "GET", project_scoped, &[("authorization", &bearer(&kymo.ingest_token))], None).0,
        200
    );

    assert!(kymo.stop().success());
    set(&kymo, &["--unset", "client:feature", "--unset", "split_after", "name=My Shop", "close_grace=1h30m"]);
    let lines = kymo.command(&["project", "show", "My Shop"]);
    let lines: Vec<&str> = lines.lines().collect();
    let expected = [
        "id                   shop",
        "name                 My Shop",
        "origins              https://shop.example",
        "split_after          15m (default)",
        "idle_after           5m (default)",
        "close_grace          1h30m",
        "browser_idle_after   30m (default)",
        "retention_days       (as the server)",
        "upload.wanted        all",
        "live.enabled         false",
        "config_version       3",
        "client:@@log:*       warn",
    ];
    assert_eq!(lines, expected);
    kymo.start();
    assert_eq!(config(&kymo, 0).1, r#"{"version":3,"settings":{"@@log:*":"warn"}}"#);
    // What agents do not fetch is no new version for them.
    assert_eq!(kymo.command(&["project", "set", "shop", "name=Shop", "client:@@log:*=warn"]), "");
    assert_eq!(config(&kymo, 3).0, 304);
    assert_eq!(shown(&kymo)["sessions"]["close_grace_seconds"], 5400);
}

#[test]
fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "add", "Other"]);
    let before = shown(&kymo);
    let long_key = format!("client:{}=1", "k".repeat(301));
    let long_value = format!("client:k={}", "v".repeat(2001));
    let many: Vec<String> = (0..101).map(|number| format!("client:k{number}=v")).collect();
    let rows: [(&[&str], &str); 13] = [
        (&["retention_days=0"], "retention_days is 0: expected 1 to 36500"),
        (&["idle_after=16m"], "idle_after is 960 s: expected at most split_after, which is 900 s"),
        (&["split_after=0s"], "split_after is 0 s: expected 1 s to 604800 s"),
        (&["browser_idle_after=8d"], "browser_idle_after is 691200 s"),
        (
            &["client:@@IncludePrivateInformation=maybe"],
            "@@IncludePrivateInformation: expected true or false",
        ),
        (
            &["client:@@DataExclusion=password"],
            "there is no client setting @@DataExclusion: expected @@DataExclusions",
        ),
        (&["client:good=1", "client:@@log:a=loud"], "@@log:a: expected trace, debug, info"),
        (&["client:=1"], "expected a client setting with a key"),
        (&[&long_key], "the key of a client setting has 301 characters, expected at most 300"),
        (&[&long_value], "the value of a client setting has 2001 characters"),
        (&["name=Other"], "there is a project named Other already"),
        (&["name= "], "expected a name"),
        (&["origins=shop.example"], "is not a web origin"),
    ];
    let refused = |words: &[&str], expected: &str| {
        let output = kymo.run(&[&["project", "set", "shop"], words].concat());
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && reason.contains(expected), "{words:?}: {reason}");
    };
    for (words, expected) in rows {
        refused(words, expected);
    }
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(&many, "expected at most 100 client settings, found 101");
    assert_eq!(shown(&kymo), before);
    set(&kymo, &many[1..]);
    assert_eq!(shown(&kymo)["client_settings"].as_object().map(serde_json::Map::len), Some(100));
    let unknown = kymo.run(&["project", "set", "nothing", "name=x"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no project \"nothing\""));
}

#[test]
fn the_api_changes_what_a_body_names() {
    let kymo = Kymo::with_project(KYMO);
    let admin = bearer(&admin(&kymo));
    let path = "/api/v1/projects/shop";
    let (status, _, body) = ask(&kymo, "GET", path, &[("authorization", &admin)], None);
    let mut expected = json!({
        "id": "shop", "name": "Shop", "origins": [], "client_settings": {}, "config_version": 1,
        "retention_days": null,
        "upload": {"wanted": "all"},
        "live": {"enabled": false},
        "sessions": {
            "split_after_seconds": 900, "idle_after_seconds": 300, "close_grace_seconds": 120, "browser_idle_after_seconds": 1800,
            "defaults": ["split_after_seconds", "idle_after_seconds", "close_grace_seconds", "browser_idle_after_seconds"],
        },
    });
    let found = without_default(&body);
    expected["created_at"] = found["created_at"].clone();
    assert_eq!((status, &found), (200, &expected));
    assert_eq!(shown(&kymo), expected, "the command says the same");

    let patch = |body: &str| {
        let (status, _, body) = ask(&kymo, "PATCH", path, &[("authorization", &admin)], Some(body));
        (status, body)
    };
    let change = json!({
        "name": "Store", "origins": ["https://a.test"], "client_settings": {"a": "1", "b": "2"},
        "sessions": {"idle_after_seconds": 60, "browser_idle_after_seconds": 60},
        "retention_days": 30, "upload": {"wanted": "none"}, "live": {"enabled": true},
    });
    assert_eq!(patch(&change.to_string()).0, 200);
    let (status, body) =
        patch(r#"{"client_settings":{"a":null,"c":"3"},"sessions":{"browser_idle_after_seconds":null}}"#);
    expected["name"] = json!("Store");
    expected["origins"] = json!(["https://a.test"]);
    expected["client_settings"] = json!({"b": "2", "c": "3"});
    expected["retention_days"] = json!(30);
    expected["upload"]["wanted"] = json!("none");
    expected["live"]["enabled"] = json!(true);
    expected["config_version"] = json!(3);
    expected["sessions"]["idle_after_seconds"] = json!(60);
    expected["sessions"]["defaults"] =
        json!(["split_after_seconds", "close_grace_seconds", "browser_idle_after_seconds"]);
    assert_eq!((status, without_default(&body)), (200, expected.clone()));
    assert_eq!(config(&kymo, 0).1, r#"{"version":3,"settings":{"b":"2","c":"3"}}"#);

    let rows = [
        ("", "expected JSON"),
        ("[1]", "the change: expected an object"),
        (
            r#"{"name":"Ok","color":"red"}"#,
            "color: expected name, origins, sessions, client_settings, retention_days, upload or live",
        ),
        (r#"{"sessions":{"split_after":5}}"#, "sessions.split_after: expected split_after_seconds"),
        (
            r#"{"name":"Ok","sessions":{"split_after_seconds":59}}"#,
            "idle_after is 60 s: expected at most split_after",
        ),
        (r#"{"client_settings":{"d":"4","@@error:x":"1"}}"#, "@@error:x: expected true or false"),
    ];
    for (body, expected) in rows {
        let (status, answer) = patch(body);
        assert!(status == 400 && answer.contains(expected), "{body}: {status} {answer}");
    }
    assert_eq!(shown(&kymo), expected, "nothing of it was done");
    assert_eq!(patch(&format!("{{\"name\":\"{}\"}}", "x".repeat(2 * 1024 * 1024))).0, 413);
}

/// An answer of the API without what is not the project's, and nothing here.
fn without_default(body: &str) -> Value {
    let mut found: Value = serde_json::from_str(body).expect("JSON");
    let default = found.as_object_mut().and_then(|found| found.remove("retention_default_days"));
    assert_eq!(default, Some(Value::Null));
    found
}

#[test]
fn the_api_says_after_how_many_days_the_server_removes() {
    let mut kymo = Kymo::with_project(KYMO);
    assert!(kymo.stop().success());
    kymo.start_with(&[("KYMO__RETENTION__DEFAULT_DAYS", "90")]);
    let admin = bearer(&admin(&kymo));
    let (_, _, body) = ask(&kymo, "GET", "/api/v1/projects/shop", &[("authorization", &admin)], None);
    let found: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&found["retention_days"], &found["retention_default_days"]), (&Value::Null, &json!(90)));
}

#[test]
fn settings_are_for_people_and_admin_tokens() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "add", "Other"]);
    let admin = bearer(&admin(&kymo));
    let (ingest, read) = (bearer(&kymo.ingest_token), bearer(&kymo.read_token));
    let cookie = sign_in(&kymo);
    let change = r#"{"name":"Changed"}"#;
    let rows: [(&str, &str, Headers<'_>, u16); 13] = [
        ("GET", "shop", &[], 401),
        ("PATCH", "shop", &[], 401),
        ("GET", "shop", &[("authorization", &ingest)], 403),
        ("GET", "shop", &[("authorization", &read)], 403),
        ("PATCH", "shop", &[("authorization", &read)], 403),
        ("PATCH", "other", &[("authorization", &read)], 404),
        ("PATCH", "other", &[("authorization", &admin)], 404),
        ("PATCH", "nothing", &[("authorization", &admin)], 404),
        ("GET", "nothing", &[("authorization", &admin)], 404),
        ("PATCH", "shop", &[("cookie", &cookie)], 403),
        ("PATCH", "shop", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], 403),
        ("PATCH", "shop", &[("cookie", &cookie), ("origin", "https://evil.example")], 403),
        ("GET", "other", &[("cookie", &cookie)], 200),
    ];
    for (method, id, headers, expected) in rows {
        let body = if method == "PATCH" { Some(change) } else { None };
        let (status, _, answer) = ask(&kymo, method, &format!("/api/v1/projects/{id}"), headers, body);
        assert_eq!(status, expected, "{method} {id} {headers:?}: {answer}");
    }
    assert_eq!(shown(&kymo)["name"], "Shop");
    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(ask(&kymo, "PATCH", "/api/v1/projects/shop", &own, Some(change)).0, 200);
    assert_eq!(shown(&kymo)["name"], "Changed");
}

fn sign_in(kymo: &Kymo) -> String {
    let code = kymo.sign_in_link().split("code=").nth(1).expect("a code").to_owned();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let answer = agent
        .post(format!("{}/login", kymo.url()))
        .header("sec-fetch-site", "same-origin")
        .send(format!("code={code}"))
        .expect("an answer");
    let cookie = answer.headers().get("set-cookie").expect("a cookie").to_str().expect("text");
    cookie.split(';').next().expect("its value").to_owned()
}

#[test]
fn limits_of_sessions_are_the_projects_own() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "add", "Other"]);
    let other = kymo.command(&["token", "add", "--project", "other", "--scope", "ingest"]);
    let event = |user: &str, minute: u32| json!({"message": "m", "date": format!("2026-11-20T12:{minute:02}:00Z"), "@user": {"identity": user}});
    let count = |user: &str| kymo.sessions().iter().filter(|session| session["user"]["id"] == user).count();
    assert_eq!(kymo.post_events(&event("ann", 0)), Ok(202));
    assert_eq!(kymo.post_events(&event("ben", 0)), Ok(202));
    assert_eq!(kymo.post_events(&event("ben", 20)), Ok(202));
    assert_eq!(count("ben"), 2, "the default splits after 15 minutes");
    set(&kymo, &["split_after=20m"]);
    assert_eq!(kymo.post_events(&event("ann", 20)), Ok(202));
    assert_eq!(
        count("ann"),
        1,
        "the next commit goes by the new limit, also for a session that it had in memory"
    );
    set(&kymo, &["split_after=10m"]);
    assert_eq!(kymo.post_events(&event("ann", 31)), Ok(202));
    assert_eq!(count("ann"), 2);

    // Silence: dated now, so that only a limit of a second is over soon.
    let now = |kymo: &Kymo| kymo.get("/api/v1/status")["started_at"].clone();
    let event = json!({"message": "m", "date": now(&kymo), "@user": {"identity": "eve"}});
    assert_eq!(kymo_testkit::kymo::post(kymo.url(), &other, &event.to_string()), Ok(202));
    set(&kymo, &["idle_after=1s"]);
    assert_eq!(kymo.post_events(&event), Ok(202));
    let ended = |session: &Value| session["user"]["id"] == "eve" && session["end_reason"] == "timed_out";
    wait_for("the silence of a second", || kymo.sessions().iter().any(ended).then_some(()));
    let reader = bearer(&kymo.command(&["token", "add", "--project", "other", "--scope", "read"]));
    let (_, _, all) =
        ask(&kymo, "GET", "/api/v1/sessions?user=eve&project=other", &[("authorization", &reader)], None);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all["items"][0]["state"], "running", "the other project has the default");
}

#[test]
fn excluded_names_are_not_stored_whoever_sends_them() {
    let kymo = Kymo::with_project(KYMO);
    let event = json!({
        "message": "m", "reference_id": "order-0001", "date": "2026-11-20T12:00:00Z", "password": "S3CRET", "region": "eu",
        "@user": {"identity": "ann", "data": {"card_number": "S3CRET"}},
        "@request": {"path": "/p?AccessToken=S3CRET&b=2", "cookies": {"password": "S3CRET"}, "post_data": "password=S3CRET&c=3"},
        "@error": {"type": "T", "message": "e", "data": {"@ext": {"password": "S3CRET", "code": 7}}},
    });
    let batch = |number: u32| {
        let mut event = event.clone();
        event["message"] = json!(format!("m{number}"));
        event
    };
    assert_eq!(kymo.post_events(&batch(1)), Ok(202));
    assert_eq!(kymo.sessions()[0]["properties"]["password"]["last"], "S3CRET", "nothing is excluded yet");
    set(&kymo, &["client:@@DataExclusions=pass*, *token*,card_number"]);
    assert_eq!(kymo.post_events(&batch(1)), Ok(202));
    assert_eq!(
        kymo.get("/api/v1/status")["dropped"],
        json!({"duplicate": 1}),
        "known again whatever is excluded"
    );
    let mut other = batch(2);
    other["@user"]["identity"] = json!("ben");
    assert_eq!(kymo.post_events(&other), Ok(202));
    let ben = kymo.get("/api/v1/sessions?user=ben")["items"][0].clone();
    let events = kymo.events(&ben);
    assert!(!format!("{ben}{events:?}").contains("S3CRET"), "{ben}{events:?}");
    assert_eq!(events[0]["attributes"]["region"], "eu");
    assert_eq!(events[0]["attributes"]["@request"]["post_data"], "c=3");
    assert_eq!(events[0]["exception"]["attributes"]["data"]["@ext"], json!({"code": 7}));
    assert_eq!(ben["page"], "/p?b=2");

    let authorization = bearer(&kymo.ingest_token);
    let submit = "/api/v2/events/submit?message=by-get&Password=S3CRET&kept=1";
    assert_eq!(ask(&kymo, "GET", submit, &[("authorization", &authorization)], None).0, 200);
    assert_eq!(loose_events(&kymo, "")[0]["attributes"], json!({"kept": "1"}));
    set(&kymo, &["--unset", "client:@@DataExclusions"]);
    assert_eq!(ask(&kymo, "GET", submit, &[("authorization", &authorization)], None).0, 200);
    assert_eq!(loose_events(&kymo, "").len(), 2);
    assert!(loose_events(&kymo, "").iter().any(|event| event["attributes"]["Password"] == "S3CRET"));
}

/// Row S-P6: identity groups, and is not shown.
#[test]
fn without_private_information_sessions_are_made_and_nobody_is_named() {
    let kymo = Kymo::with_project(KYMO);
    set(&kymo, &["client:@@IncludePrivateInformation=false"]);
    let error = |date: &str| {
        json!({
            "type": "error", "date": date,
            "@user": {"identity": "ann@private.test", "name": "ann@private.test"},
            "@error": {"type": "T", "message": "e"},
            "@user_description": {"email_address": "ann@private.test", "description": "it broke"},
            "@request": {"client_ip_address": "192.0.2.7", "host": "h", "path": "/p?q=192.0.2.7", "cookies": {"c": "192.0.2.7"},
                         "query_string": {"q": "192.0.2.7"}, "post_data": "a=192.0.2.7", "headers": {"X-Real-IP": ["192.0.2.7"]}},
            "@environment": {"machine_name": "private-vm", "ip_address": "192.0.2.7", "o_s_name": "Linux"},
        })
    };
    assert_eq!(
        kymo.post_events(&json!([error("2026-11-20T12:00:00Z"), error("2026-11-20T12:01:00Z")])),
        Ok(202)
    );
    let sessions = kymo.sessions();
    let found = (sessions.len(), &sessions[0]["event_count"], &sessions[0]["duration_seconds"]);
    assert_eq!(found, (1, &json!(2), &json!(60.0)), "one session of both");
    let events = kymo.events(&sessions[0]);
    let everything = format!("{sessions:?}{events:?}");
    for private in ["ann@private.test", "192.0.2.7", "private-vm"] {
        assert!(!everything.contains(private), "{private} in {everything}");
    }
    assert_eq!(
        (&sessions[0]["user"], &sessions[0]["external_id"], &sessions[0]["os"]),
        (&Value::Null, &Value::Null, &json!("Linux"))
    );
    assert_eq!(events[0]["attributes"]["@user_description"], json!({"description": "it broke"}));
    assert_eq!(kymo.get("/api/v1/sessions?user=ann")["items"], json!([]));

    // Agents name the identity in their close call; it finds the session all the same.
    let authorization = bearer(&kymo.ingest_token);
    let event = json!({"message": "m", "date": kymo.get("/api/v1/status")["started_at"], "@user": {"identity": "ann@private.test"}});
    assert_eq!(kymo.post_events(&event), Ok(202));
    let close = "/api/v2/events/session/heartbeat?id=ann@private.test&close=true";
    assert_eq!(ask(&kymo, "GET", close, &[("authorization", &authorization)], None).0, 200);
    let newest = &kymo.sessions()[0];
    assert_eq!((&newest["end_reason"], &newest["event_count"]), (&json!("normal"), &json!(1)));

    let said = r#"{"email_address":"ann@private.test","description":"in my words"}"#;
    let event = json!({"message": "m", "reference_id": "ref-00000001"});
    assert_eq!(kymo.post_events(&event), Ok(202));
    let path = "/api/v2/events/by-ref/ref-00000001/user-description";
    assert_eq!(ask(&kymo, "POST", path, &[("authorization", &authorization)], Some(said)).0, 202);
    let said = &loose_events(&kymo, "&reference_id=ref-00000001")[0]["user_description"];
    assert_eq!((&said["email"], &said["description"]), (&Value::Null, &json!("in my words")));
}

/// Row S-P8, and the other order.
#[test]
fn users_words_come_before_or_after_their_event() {
    let mut kymo = Kymo::with_project(KYMO);
    let authorization = bearer(&kymo.ingest_token);
    let describe = |kymo: &Kymo, path: &str, body: &str| {
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        ask(kymo, "POST", &format!("/api/v2/{path}/user-description"), &headers, Some(body))
    };
    let event = |id: &str| json!({"message": "test", "reference_id": id, "@user": {"identity": "Test user", "name": null}});
    let said = |text: &str| {
        json!({"email_address": "ann@a.test", "description": text, "data": {"page": 7}}).to_string()
    };

    assert_eq!(kymo.post_events(&event("TestReferenceId")), Ok(202));
    let (status, version, body) = describe(&kymo, "events/by-ref/TestReferenceId", &said("after"));
    assert_eq!((status, version.as_deref(), body.as_str()), (202, Some("1"), ""));
    assert_eq!(describe(&kymo, "projects/shop/events/by-ref/ReferenceToCome", &said("<b>before</b>")).0, 202);
    assert_eq!(describe(&kymo, "events/by-ref/NeverToCome", &said("never")).0, 202);
    // What was answered is there after a crash.
    kymo.kill();
    kymo.start();
    assert_eq!(kymo.post_events(&event("ReferenceToCome")), Ok(202));

    let session = &kymo.sessions()[0];
    let events = kymo.events(session);
    assert_eq!((events.len(), &events[0]["kind"]), (2, &json!("log")));
    for (event, id, text) in
        [(&events[0], "TestReferenceId", "after"), (&events[1], "ReferenceToCome", "<b>before</b>")]
    {
        assert_eq!(event["reference_id"], id);
        let said = &event["user_description"];
        assert_eq!((&said["email"], &said["description"]), (&json!("ann@a.test"), &json!(text)));
        assert_eq!(said["data"], json!({"page": 7}));
        assert!(said["received_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{said}");
    }
    let found = kymo.get(&format!(
        "/api/v1/sessions/{}/events?reference_id=ReferenceToCome",
        session["id"].as_str().unwrap()
    ));
    assert_eq!((&found["total"], &found["items"][0]["sequence"]), (&json!(1), &json!(2)));

    // The latest of one event counts; another project's are its own.
    assert_eq!(describe(&kymo, "events/by-ref/TestReferenceId", r#"{"description":"on reflection"}"#).0, 202);
    let said = kymo.events(session)[0]["user_description"].clone();
    assert_eq!(
        (&said["email"], &said["description"], &said["data"]),
        (&Value::Null, &json!("on reflection"), &json!({}))
    );
    kymo.command(&["project", "add", "Other"]);
    let other = bearer(&kymo.command(&["token", "add", "--project", "other", "--scope", "ingest"]));
    let path = "/api/v2/events/by-ref/TestReferenceId/user-description";
    assert_eq!(ask(&kymo, "POST", path, &[("authorization", &other)], Some(r#"{"description":"x"}"#)).0, 202);
    assert_eq!(kymo.events(session)[0]["user_description"]["description"], "on reflection");
}

#[test]
fn words_that_cannot_be_kept_are_refused() {
    let kymo = Kymo::with_project(KYMO);
    let (ingest, read) = (bearer(&kymo.ingest_token), bearer(&kymo.read_token));
    let good = r#"{"description":"x"}"#;
    let long = format!(r#"{{"description":"{}"}}"#, "x".repeat(10_001));
    let large = format!(r#"{{"description":"{}"}}"#, "x".repeat(200_000));
    let rows: [(&str, &str, &str, u16); 17] = [
        ("events/by-ref/reference-1", &ingest, good, 202),
        ("events/by-ref/reference-1", &ingest, r#"{"email_address":"ann","description":"x"}"#, 422),
        ("events/by-ref/reference-1", &ingest, r#"{"email_address":"","description":""}"#, 422),
        ("events/by-ref/reference-1", &ingest, "it broke", 422),
        ("events/by-ref/reference-1", &ingest, &long, 422),
        ("events/by-ref/reference-1", &ingest, &large, 413),
        ("events/by-ref/reference-1", &ingest, "", 411),
        ("events/by-ref/reference-1", "", good, 401),
        ("events/by-ref/reference-1", "Bearer nobodysnobodys", good, 401),
        ("events/by-ref/reference-1", &read, good, 403),
        ("projects/other/events/by-ref/reference-1", &ingest, good, 404),
        ("events/by-ref/short", &ingest, good, 422),
        ("events/by-ref/..%2F..%2Fetc%2Fpasswd", &ingest, good, 422),
        ("events/by-ref/%ff%fe%ff%fe%ff%fe%ff%fe", &ingest, good, 422),
        ("events/by-ref/a%00b%00c%00d%00", &ingest, good, 422),
        ("events/by-ref/';DROP%20TABLE%20user_description--", &ingest, good, 422),
        ("events/by-ref/日本語字日本語字", &ingest, good, 202),
    ];
    for (path, authorization, body, expected) in rows {
        let path = path
            .replace('日', "%E6%97%A5")
            .replace('本', "%E6%9C%AC")
            .replace('語', "%E8%AA%9E")
            .replace('字', "%E5%AD%97");
        let mut headers = vec![("content-type", "application/json")];
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        let (status, _, answer) =
            ask(&kymo, "POST", &format!("/api/v2/{path}/user-description"), &headers, Some(body));
        assert_eq!(status, expected, "{path} {answer}");
        assert!(status == 202 || answer.contains("\"detail\":\""), "{answer}");
    }
}

/// D7: an id that comes again is a duplicate only with equal content; else both are kept, and the id finds both.
#[test]
fn a_reference_id_that_comes_again_is_judged_by_content() {
    let kymo = Kymo::with_project(KYMO);
    let event = |message: &str| json!({"type": "error", "message": message, "reference_id": "abcdef0123", "@error": {"message": "e"}});
    for message in ["one", "one", "two"] {
        assert_eq!(kymo.post_events(&event(message)), Ok(202));
    }
    let found = loose_events(&kymo, "&reference_id=abcdef0123");
    let mut messages: Vec<&str> = found.iter().map(|event| event["message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["one", "two"]);
    assert_eq!(kymo.get("/api/v1/status")["dropped"], json!({"duplicate": 1}));
    assert_eq!(loose_events(&kymo, "&reference_id=abcdef01"), Vec::<Value>::new(), "the whole id counts");
}

#[test]
fn the_real_agent_goes_by_changed_settings_and_sends_its_users_words() {
    let kymo = Kymo::with_project(KYMO);
    let mut script = Script::start("clients/settings.mjs", &kymo, &[], &[]);
    assert_eq!(script.answer()["settings"]["feature"], Value::Null);
    script.ask("log quiet");
    set(&kymo, &["client:@@log:quiet=error", "client:feature=on"]);
    // The answer to what it sends next tells it that there is a new version.
    assert_eq!(script.ask("log loud")["settings"]["feature"], "on");
    script.ask("log quiet");
    script.ask("describe");
    script.finish();
    let events = kymo.events(&kymo.sessions()[0]);
    let lines: Vec<&str> = events.iter().filter_map(|event| event["category"].as_str()).collect();
    assert_eq!(lines, ["quiet", "loud", "described"], "the third line was below the level of its source");
    let described = &events.last().expect("events")["user_description"];
    assert_eq!(
        (&described["email"], &described["description"]),
        (&json!("alice@example.test"), &json!("it broke"))
    );
}
