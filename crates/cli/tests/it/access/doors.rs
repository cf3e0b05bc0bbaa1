//! Who is let in where, and what each foreign request is answered: the answers that agents survive.

use std::io::{Read, Write};
use std::net::TcpStream;

use kymo_testkit::Kymo;
use serde_json::{Value, json};

use crate::KYMO;

/// Sends raw bytes and reads status line, headers and body: what HTTP libraries will not send is
/// what doors are for.
fn raw(kymo: &Kymo, head: &str, body: &[u8]) -> (u16, String) {
    let host = kymo.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let host_line = if head.contains("\nhost:") { String::new() } else { format!("host: {host}\r\n") };
    let head = head.trim_end().replace('\n', "\r\n");
    let length = format!("content-length: {}\r\n", body.len());
    stream.write_all(format!("{head}\r\n{host_line}{length}connection: close\r\n\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    (status, answer)
}

fn check(kymo: &Kymo, rows: &[(&str, &[u8], u16)]) {
    for (head, body, expected) in rows {
        let (status, answer) = raw(kymo, head, body);
        assert_eq!(status, *expected, "{head}\n{answer}");
    }
}

#[test]
fn foreign_requests_get_the_answers_their_agents_survive() {
    let kymo = Kymo::with_project(KYMO);
    let token = &kymo.ingest_token;
    let post = |more: &str| format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {token}\n{more}");
    let json = post("content-type: application/json");
    let event = br#"{"message":"m"}"#;
    // A gzip member of `[{"message":"zipped"}]`.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8b\xaeV\xcaM-.NLOU\xb2R\xaa\xca,(HMQ\xaa\x8d\x05\x00\xc0\xed\xb7\x1b\x16\x00\x00\x00";
    let large = vec![b'x'; 200_001];
    let query = format!("POST /api/v2/events?access_token={token} HTTP/1.1");
    let double = format!("POST //api/v2/events HTTP/1.1\nauthorization: Bearer {token}");
    check(
        &kymo,
        &[
            (&json, event, 202),
            (&json, b"{\"type\":\"log\",\"message\":\"cut", 202),
            (&post("content-type: text/plain"), b"one\n\ntwo", 202),
            (&post("content-type: application/json\ncontent-encoding: gzip"), gzip, 202),
            (&query, event, 202),
            (&double, event, 202),
            (&post("content-type: application/json\ncontent-encoding: br"), event, 415),
            (&post("content-type: application/x-www-form-urlencoded"), b"a=1", 415),
            (&json, b"", 411),
            (&json, &large, 413),
            ("POST /api/v2/events HTTP/1.1", event, 401),
            ("POST /api/v2/events HTTP/1.1\nauthorization: Bearer nobodysnobodys", event, 401),
            ("GET /api/v2/events/session/heartbeat?id=ann HTTP/1.1", b"", 401),
        ],
    );
    let texts: Vec<Value> = kymo.get("/api/v1/events?project=shop")["items"].as_array().unwrap().clone();
    let mut texts: Vec<&str> = texts.iter().map(|event| event["message"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["m", "m", "m", "one", "two", "zipped", "{\"type\":\"log\",\"message\":\"cut"]);
    let dropped = kymo.get("/api/v1/status")["dropped"].clone();
    assert_eq!(dropped, json!({"too_large": 1, "unsupported": 3}));
}

#[test]
fn single_events_come_by_get_and_a_named_project_has_to_be_the_tokens() {
    let kymo = Kymo::with_project(KYMO);
    let token = &kymo.ingest_token;
    let at =
        |method: &str, path: &str| format!("{method} /api/v2/{path} HTTP/1.1\nauthorization: Bearer {token}");
    let usage = "source=build&value=10&tags=one,two&date=2026-11-20T12:00:00Z&identity=u1&identity.name=User+One&rp=true";
    check(
        &kymo,
        &[
            (&at("POST", "projects/shop/events"), br#"{"message":"m"}"#, 202),
            (&at("POST", "projects/other/events"), br#"{"message":"m"}"#, 404),
            (&at("GET", &format!("events/submit/usage?{usage}")), b"", 200),
            (&at("GET", &format!("projects/shop/events/submit?type=usage&{usage}&source=more")), b"", 200),
            (&at("GET", "projects/other/events/submit?message=m"), b"", 404),
            (&at("GET", &format!("events/submit?access_token={token}")), b"", 200),
            ("GET /api/v2/events/submit?message=m HTTP/1.1", b"", 401),
        ],
    );
    let sessions = kymo.sessions();
    assert_eq!((sessions.len(), &sessions[0]["user"]), (1, &json!({"id": "u1", "name": "User One"})));
    let events = kymo.events(&sessions[0]);
    assert_eq!(
        (events.len(), &events[0]["kind"], &events[0]["category"]),
        (2, &json!("usage"), &json!("build"))
    );
    assert_eq!(events[0]["attributes"]["rp"], json!("true"));
    assert_eq!(kymo.get("/api/v1/events?project=shop")["total"], 1);
}

#[test]
fn settings_are_sent_once_and_their_version_with_every_answer() {
    let kymo = Kymo::with_project(KYMO);
    let token = &kymo.ingest_token;
    let get = |v: &str| {
        raw(&kymo, &format!("GET /api/v2/projects/config?v={v} HTTP/1.1\nauthorization: Bearer {token}"), b"")
    };
    let (status, answer) = get("0");
    assert!(status == 200 && answer.ends_with(r#"{"version":1,"settings":{}}"#), "{answer}");
    assert_eq!(get("1").0, 304);
    assert_eq!(get("7").0, 200);
    let (_, answer) =
        raw(&kymo, &format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {token}"), b"{}");
    assert!(answer.contains("x-exceptionless-configversion: 1"), "{answer}");
}

#[test]
fn pages_of_any_origin_may_send_but_not_read() {
    let kymo = Kymo::with_project(KYMO);
    let preflight = "OPTIONS /api/v2/events HTTP/1.1\norigin: https://shop.example\n\
                     access-control-request-method: POST\naccess-control-request-headers: authorization,content-type";
    let (status, answer) = raw(&kymo, preflight, b"");
    assert_eq!(status, 204);
    assert!(answer.contains("access-control-allow-origin: https://shop.example"), "{answer}");
    assert!(answer.contains("access-control-allow-headers: authorization,content-type"), "{answer}");
    let reading = preflight.replace("/api/v2/events", "/api/v1/sessions");
    let (_, answer) = raw(&kymo, &reading, b"");
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
}

#[test]
fn a_browser_token_is_for_the_projects_origins() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "add", "Web", "--origin", "https://shop.example"]);
    let token = kymo.command(&["token", "add", "--project", "Web", "--scope", "browser"]);
    let from = |origin: &str| {
        format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {token}\norigin: {origin}")
    };
    check(&kymo, &[(&from("https://shop.example"), b"{}", 202), (&from("https://evil.example"), b"{}", 403)]);
}

#[test]
fn unknown_hosts_are_refused() {
    let kymo = Kymo::with_project(KYMO);
    check(
        &kymo,
        &[
            ("GET /livez HTTP/1.1\nhost: evil.example", b"", 421),
            ("GET /livez HTTP/1.1\nhost: 127.0.0.1.evil.example:80", b"", 421),
            ("GET /livez HTTP/1.1\nhost: localhost:1234", b"", 200),
            ("GET /readyz HTTP/1.1", b"", 200),
        ],
    );
}

#[test]
fn the_two_doors_do_not_open_each_other() {
    let kymo = Kymo::with_project(KYMO);
    let cookie = sign_in(&kymo);
    let (ingest, read) = (&kymo.ingest_token, &kymo.read_token);
    check(
        &kymo,
        &[
            ("GET /api/v1/sessions HTTP/1.1", b"", 401),
            (&format!("GET /api/v1/sessions HTTP/1.1\nauthorization: Bearer {ingest}"), b"", 403),
            (&format!("GET /api/v1/sessions HTTP/1.1\nauthorization: Bearer {read}"), b"", 200),
            (&format!("GET /api/v1/sessions HTTP/1.1\ncookie: {cookie}"), b"", 200),
            (&format!("POST /api/v2/events HTTP/1.1\ncookie: {cookie}"), b"{}", 401),
            (&format!("POST /api/v2/events HTTP/1.1\nauthorization: Bearer {read}"), b"{}", 403),
            (
                &format!("POST /api/v1/logout HTTP/1.1\ncookie: {cookie}\nsec-fetch-site: cross-site"),
                b"",
                403,
            ),
            (
                &format!("POST /api/v1/logout HTTP/1.1\ncookie: {cookie}\nsec-fetch-site: same-origin"),
                b"",
                204,
            ),
            (&format!("GET /api/v1/sessions HTTP/1.1\ncookie: {cookie}"), b"", 401),
        ],
    );
}

/// Uses the printed link and returns the cookie.
fn sign_in(kymo: &Kymo) -> String {
    let code = kymo.sign_in_link().split("code=").nth(1).unwrap().to_owned();
    let form = format!("code={code}");
    // Looking at the link does not use it up.
    assert_eq!(raw(kymo, &format!("GET /login?{form} HTTP/1.1"), b"").0, 200);
    let same_site = "POST /login HTTP/1.1\nsec-fetch-site: same-origin";
    assert_eq!(raw(kymo, "POST /login HTTP/1.1\nsec-fetch-site: cross-site", form.as_bytes()).0, 403);
    assert_eq!(raw(kymo, same_site, b"code=wrong").0, 403);
    let (status, answer) = raw(kymo, same_site, form.as_bytes());
    assert_eq!(status, 303, "{answer}");
    assert!(answer.contains("HttpOnly; SameSite=Strict"), "{answer}");
    assert_eq!(raw(kymo, same_site, form.as_bytes()).0, 403, "the link works once");
    let cookie = answer.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next());
    cookie.unwrap().to_owned()
}

#[test]
fn a_read_token_sees_its_own_project_only() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "add", "Other"]);
    let other = kymo.command(&["token", "add", "--project", "other", "--scope", "ingest"]);
    let event = json!([{"message": "secret", "@user": {"identity": "bob"}}]).to_string();
    assert_eq!(kymo_testkit::kymo::post(kymo.url(), &other, &event), Ok(202));
    assert_eq!(kymo.sessions(), Vec::<Value>::new());
    let read = &kymo.read_token;
    let named = format!("GET /api/v1/sessions?project=other HTTP/1.1\nauthorization: Bearer {read}");
    check(&kymo, &[(&named, b"", 404)]);
    let admin = kymo.command(&["token", "add", "--project", "other", "--scope", "admin"]);
    let (_, answer) =
        raw(&kymo, &format!("GET /api/v1/sessions HTTP/1.1\nauthorization: Bearer {admin}"), b"");
    let id = answer.split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    for path in [format!("sessions/{id}"), format!("sessions/{id}/events"), format!("sessions/{id}/density")]
    {
        let asked = |token: &str| {
            raw(&kymo, &format!("GET /api/v1/{path} HTTP/1.1\nauthorization: Bearer {token}"), b"").0
        };
        assert_eq!((asked(read), asked(&admin)), (404, 200), "{path}");
    }
}

#[test]
fn wrong_parameters_are_answered_with_what_was_expected() {
    let kymo = Kymo::with_project(KYMO);
    let read = &kymo.read_token;
    for query in ["limit=0", "limit=x", "from=yesterday", "state=gone", "errors=1", "cursor=abc"] {
        let (status, answer) =
            raw(&kymo, &format!("GET /api/v1/sessions?{query} HTTP/1.1\nauthorization: Bearer {read}"), b"");
        assert!(status == 400 && answer.contains("expected"), "{query}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}
