//! `/loupe/log`: who may post, in which spellings, and that no answer makes an agent drop messages.

use std::io::{Read, Write};
use std::net::TcpStream;

use kymo_testkit::Kymo;
use serde_json::{Value, json};

use crate::KYMO;

/// Sends raw bytes; the status line's code and the whole answer, or `None` where the connection was
/// closed without one.
fn raw(kymo: &Kymo, head: &str, body: &[u8]) -> Option<(u16, String)> {
    let host = kymo.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = head.trim_end().replace('\n', "\r\n");
    let length = format!("content-length: {}\r\n", body.len());
    stream
        .write_all(format!("{head}\r\nhost: {host}\r\n{length}connection: close\r\n\r\n").as_bytes())
        .unwrap();
    // A server that has refused the body may have closed already.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

fn status(kymo: &Kymo, head: &str, body: &[u8]) -> Option<u16> {
    raw(kymo, head, body).map(|(status, _)| status)
}

fn message(caption: &str, sequence: u64) -> Value {
    json!({
        "severity": 8, "category": "Shop", "caption": caption, "description": "", "parameters": null,
        "exception": null, "details": null, "methodSourceInfo": null,
        "timestamp": format!("2026-11-20T12:00:{sequence:02}.100+00:00"), "sequence": sequence,
        "agentSessionId": "agent-1", "sessionId": "page-1",
    })
}

fn post(messages: &[Value]) -> Vec<u8> {
    let session = json!({"client": {"name": "Chrome", "version": "156", "os": {"family": "Linux"}}, "currentAgentSessionId": "agent-1"});
    json!({"logMessages": messages, "session": session}).to_string().into_bytes()
}

#[test]
fn every_spelling_of_the_path_and_every_form_of_the_token() {
    let kymo = Kymo::with_project(KYMO);
    let token = &kymo.ingest_token;
    let authorization = format!("HTTP/1.1\nauthorization: Bearer {token}");
    let rows = [
        format!("POST /loupe/log {authorization}"),
        format!("POST /Loupe/Log {authorization}"),
        format!("POST /LOUPE/LOG/ {authorization}"),
        format!("POST //loupe/log {authorization}"),
        format!("POST /some/base/loupe/log {authorization}"),
        format!("POST /in/{token}/loupe/log HTTP/1.1"),
        format!("POST /some/base/in/{token}/Loupe/Log/ HTTP/1.1"),
        format!("POST /loupe/log?access_token={token} HTTP/1.1"),
    ];
    for (head, number) in rows.iter().zip(1..) {
        assert_eq!(status(&kymo, head, &post(&[message(head, number)])), Some(204), "{head}");
    }
    let session = &kymo.sessions()[0];
    let found: Vec<Value> = kymo.events(session).iter().map(|event| event["message"].clone()).collect();
    assert_eq!(found, rows);
    let expected =
        json!({"kind": "browser", "external_id": "agent-1", "visit_id": "page-1", "event_count": 8});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&session[name], value, "{name}");
    }
    assert_eq!(kymo.get("/api/v1/sessions?visit=page-1")["items"][0]["id"], session["id"]);
    // Other verbs and other paths are not the endpoint.
    assert_eq!(status(&kymo, &format!("PUT /loupe/log {authorization}"), b"{}"), Some(405));
    assert_eq!(status(&kymo, &format!("POST /loupe/logout {authorization}"), b"{}"), Some(404));
}

#[test]
fn no_answer_makes_an_agent_drop_its_messages() {
    let kymo = Kymo::with_project(KYMO);
    let token = &kymo.ingest_token;
    let good = post(&[message("good", 1)]);
    let to = |more: &str| format!("POST /in/{token}/loupe/log HTTP/1.1\n{more}");
    let read = format!("POST /in/{}/loupe/log HTTP/1.1", kymo.read_token);
    let huge = vec![b' '; 50 << 20];
    let broken =
        br#"{"logMessages":[{"caption":"before the break","sequence":2,"agentSessionId":"agent-1"},{"cap"#;
    // Refused posts are held for some seconds: all at once, then.
    let rows: [(&str, Vec<u8>, Option<u16>); 11] = [
        ("POST /loupe/log HTTP/1.1", good.clone(), Some(401)),
        ("POST /in/nobodysnobodys/loupe/log HTTP/1.1", good.clone(), Some(401)),
        (&read, good.clone(), Some(401)),
        (&to("content-encoding: br"), good.clone(), None),
        (&to("content-encoding: gzip"), b"no gzip".to_vec(), None),
        (&to(""), huge, None),
        (&to(""), Vec::new(), Some(204)),
        (&to(""), b"null".to_vec(), Some(204)),
        (&to(""), b"no json".to_vec(), Some(204)),
        (&to(""), broken.to_vec(), Some(204)),
        (&to("content-type: text/plain"), good, Some(204)),
    ];
    std::thread::scope(|scope| {
        for (head, body, expected) in &rows {
            let kymo = &kymo;
            scope.spawn(move || assert_eq!(status(kymo, head, body), *expected, "{head}"));
        }
    });
    let found: Vec<Value> =
        kymo.events(&kymo.sessions()[0]).iter().map(|event| event["message"].clone()).collect();
    assert_eq!(found, ["good", "before the break"]);
    let dropped = &kymo.get("/api/v1/status")["dropped"];
    assert_eq!(dropped["too_large"], 1, "{dropped}");
    assert_eq!(dropped["unsupported"], 2, "{dropped}");
    assert_eq!(dropped["unreadable"], 2, "{dropped}");
}

#[test]
fn pages_of_listed_origins_post_with_a_public_token() {
    let mut kymo = Kymo::new(KYMO);
    kymo.command(&["project", "add", "Shop", "--origin", "https://shop.example"]);
    kymo.read_token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "read"]);
    let token = kymo.command(&["token", "add", "--project", "Shop", "--scope", "browser"]);
    kymo.start();
    let from = |origin: &str| format!("POST /in/{token}/loupe/log HTTP/1.1\norigin: {origin}");
    let (code, answer) = raw(&kymo, &from("https://shop.example"), &post(&[message("ours", 1)])).unwrap();
    assert_eq!(code, 204);
    assert!(answer.contains("access-control-allow-origin: https://shop.example"), "{answer}");
    assert!(answer.contains("access-control-allow-credentials: true") && !answer.contains("allow-headers"));
    assert_eq!(status(&kymo, &from("https://evil.example"), &post(&[message("theirs", 2)])), Some(401));
    assert_eq!(kymo.sessions()[0]["event_count"], 1);
    let preflight = "OPTIONS /Loupe/Log HTTP/1.1\norigin: https://shop.example\naccess-control-request-method: POST\n\
        access-control-request-headers: content-type,loupe-agent-sessionid,loupesessionid";
    let (code, answer) = raw(&kymo, preflight, b"").unwrap();
    assert!(code == 204 && answer.contains("access-control-allow-methods: POST\r\n"), "{answer}");
    assert!(answer.contains("allow-headers: content-type,loupe-agent-sessionid,loupesessionid"), "{answer}");
    assert!(answer.contains("access-control-max-age: 1200"), "{answer}");
}

#[test]
fn metrics_say_what_became_of_everything() {
    let kymo = Kymo::with_project(KYMO);
    let head = format!("POST /in/{}/loupe/log HTTP/1.1", kymo.ingest_token);
    assert_eq!(status(&kymo, &head, &post(&[message("one", 1), message("one", 1)])), Some(204));
    assert_eq!(kymo.post_events(&json!([{"type": "log", "message": "two"}, null])), Ok(202));
    assert_eq!(status(&kymo, "POST /api/v2/events HTTP/1.1", b"{}"), Some(401));
    let (code, text) =
        raw(&kymo, &format!("GET /metrics HTTP/1.1\nauthorization: Bearer {}", kymo.read_token), b"")
            .unwrap();
    assert_eq!(code, 200);
    for line in [
        "kymo_items_accepted_total{project=\"shop\"} 4",
        "kymo_events_stored_total{project=\"shop\"} 2",
        "kymo_items_dropped_total{project=\"shop\",reason=\"duplicate\"} 1",
        "kymo_items_dropped_total{project=\"shop\",reason=\"unreadable\"} 1",
        "kymo_sessions{project=\"shop\"} 1",
        "# TYPE kymo_tail_events gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
    }
    assert!(!text.contains("unauthorized"), "a reader of one project sees what is of it");
    assert_eq!(status(&kymo, "GET /metrics HTTP/1.1", b""), Some(401));
    assert_eq!(kymo.sessions()[0]["dropped"], json!({"duplicate": 1}));
}

#[test]
fn what_the_project_excludes_is_not_kept_of_pages_either() {
    let kymo = Kymo::with_project(KYMO);
    kymo.command(&["project", "set", "Shop", "client:@@DataExclusions=*password*"]);
    let mut one = message("signed in", 1);
    one["details"] =
        json!("{\"user\":\"ann\",\"oldPassword\":\"x\",\"form\":{\"password\":\"y\",\"remember\":true}}");
    one["password2"] = json!("z");
    let head = format!("POST /in/{}/loupe/log HTTP/1.1", kymo.ingest_token);
    assert_eq!(status(&kymo, &head, &post(&[one])), Some(204));
    let attributes = kymo.events(&kymo.sessions()[0])[0]["attributes"].clone();
    assert_eq!(attributes["details"], json!({"user": "ann", "form": {"remember": true}}));
    assert!(!attributes.to_string().to_lowercase().contains("password"), "{attributes}");
}
