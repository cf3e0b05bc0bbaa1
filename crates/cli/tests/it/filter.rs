//! Filters on the command line.

use std::process::Command;

use kymo_testkit::Kymo;
use serde_json::json;

use crate::KYMO;

#[test]
fn sessions_and_events_are_filtered_and_errors_pointed_at() {
    let kymo = Kymo::with_project(KYMO);
    let of = |user: &str, message: &str| json!({"message": message, "date": "2026-11-20T12:00:00Z", "@user": {"identity": user}});
    assert_eq!(kymo.post_events(&json!([of("ann", "disk full"), of("bob", "all well")])), Ok(202));
    let ask = |arguments: &[&str]| {
        let server = ["--server", kymo.url(), "--token", &kymo.read_token];
        let output = Command::new(KYMO).args(arguments).args(server).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (done, sessions, _) = ask(&["sessions", "--filter", "disk"]);
    assert!(done && sessions.contains("ann") && !sessions.contains("bob"), "{sessions}");
    let (done, events, _) = ask(&["events", "--filter", "user:bob"]);
    assert!(done && events.contains("all well") && !events.contains("disk"), "{events}");
    let session = sessions.split_whitespace().next().unwrap();
    let (done, events, _) = ask(&["events", session, "--filter", "-disk"]);
    assert!(done && events.is_empty(), "{events}");
    let (done, _, error) = ask(&["sessions", "--filter", "a usr:ann"]);
    assert!(!done && error.ends_with("did you mean user?\n  a usr:ann\n    ^^^\n"), "{error}");
    let (done, _, error) = ask(&["events"]);
    assert!(!done && error.contains("SESSION"), "{error}");
}
