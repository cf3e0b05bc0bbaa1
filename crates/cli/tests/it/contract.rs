//! What scripts rely on: the fields of sessions and events, and the command line itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use kymo_testkit::Kymo;
use serde_json::{Value, json};

use crate::KYMO;

#[test]
fn sessions_and_events_have_the_promised_fields() {
    let kymo = Kymo::with_project(KYMO);
    let events = json!([
        {"type": "session", "reference_id": "run-00000001", "date": "2026-11-20T12:00:00Z", "data": {"@version": "1.2.3"}},
        {"type": "error", "date": "2026-11-20T12:00:30.5Z", "data": {
            "@ref:session": "run-00000001",
            "@user": {"identity": "ann", "name": "Ann"},
            "@error": {"type": "TypeError", "message": "boom", "stack_trace": [{"name": "f", "file_name": "a.js", "line_number": 3}],
                       "inner": {"type": "Error", "message": "why"}}
        }},
        {"type": "sessionend", "date": "2026-11-20T12:01:00Z", "data": {"@ref:session": "run-00000001"}}
    ]);
    assert_eq!(kymo.post_events(&events), Ok(202));
    let session = &kymo.sessions()[0];
    let expected = json!({
        "kind": "user", "state": "ended", "end_reason": "normal", "external_id": "run-00000001",
        "started_at": "2026-11-20T12:00:00Z", "ended_at": "2026-11-20T12:01:00Z", "duration_seconds": 60.0,
        "user": {"id": "ann", "name": "Ann"}, "application": "Shop", "version": "1.2.3", "event_count": 3, "error_count": 1,
    });
    assert_contains(session, &expected);
    let error = &kymo.events(session)[1];
    let expected = json!({
        "session_id": session["id"], "sequence": 2, "time": "2026-11-20T12:00:30.5Z", "severity": "error",
        "severity_number": 17, "kind": "error", "message": "boom",
    });
    assert_contains(error, &expected);
    assert_eq!(error["exception"]["inner"]["message"], "why");
    assert_eq!(error["exception"]["frames"][0]["line"], 3);
    assert!(error["attributes"].is_object());
    // The agent's own id finds the session as well.
    assert_eq!(kymo.get("/api/v1/sessions/run-00000001")["id"], session["id"]);
}

fn assert_contains(found: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name}");
    }
}

/// The help of every command equals `golden/help.txt`; `KYMO_GOLDEN=write` writes it anew.
#[test]
fn the_command_line_is_as_documented() {
    let commands: [&[&str]; 28] = [
        &[],
        &["serve"],
        &["project"],
        &["project", "add"],
        &["project", "show"],
        &["project", "set"],
        &["token"],
        &["token", "add"],
        &["token", "list"],
        &["token", "revoke"],
        &["member"],
        &["member", "add"],
        &["member", "list"],
        &["member", "remove"],
        &["member", "role"],
        &["login"],
        &["doctor"],
        &["backup"],
        &["restore"],
        &["config"],
        &["config", "print"],
        &["config", "check"],
        &["open"],
        &["export"],
        &["pack"],
        &["sessions"],
        &["events"],
        &["tail"],
    ];
    let mut help = String::new();
    for command in commands {
        let output = Command::new(KYMO)
            .args(command)
            .arg("--help")
            .env_remove("KYMO_SERVER")
            .env_remove("KYMO_TOKEN")
            .env_remove("KYMO_DATA")
            .output()
            .unwrap();
        help.push_str(&format!("$ kymo {} --help\n", command.join(" ")).replace("  ", " "));
        help.push_str(&String::from_utf8(output.stdout).unwrap());
        help.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help.txt");
    if std::env::var("KYMO_GOLDEN").as_deref() == Ok("write") {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &help).unwrap();
    }
    let kept = fs::read_to_string(&golden).unwrap();
    let differing = help.lines().zip(kept.lines()).find(|(found, kept)| found != kept);
    assert!(help == kept, "the help changed at {differing:?}: look at it, then KYMO_GOLDEN=write");
}
