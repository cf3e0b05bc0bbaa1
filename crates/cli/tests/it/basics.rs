//! Start, commands, and the contract of what is printed.

use kymo_testkit::Kymo;
use serde_json::json;

use crate::KYMO;

#[test]
fn a_second_server_on_the_folder_is_refused_with_the_pid_of_the_first() {
    let kymo = Kymo::with_project(KYMO);
    let second = kymo.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let reason = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(reason.contains(&kymo.pid().to_string()), "{reason}");
}

#[test]
fn a_token_holds_at_once_and_a_revoked_one_no_more() {
    let kymo = Kymo::with_project(KYMO);
    let event = json!([{"type": "log", "message": "m"}]).to_string();
    let token =
        kymo.command(&["token", "add", "--project", "shop", "--scope", "ingest", "--key", "EXISTINGKEY1234"]);
    assert_eq!(token, "EXISTINGKEY1234");
    assert_eq!(kymo_testkit::kymo::post(kymo.url(), &token, &event), Ok(202));
    kymo.command(&["token", "revoke", &token]);
    assert_eq!(kymo_testkit::kymo::post(kymo.url(), &token, &event), Ok(401));
    assert_eq!(kymo_testkit::kymo::post(kymo.url(), &kymo.read_token, &event), Ok(403));
}

#[test]
fn everything_survives_a_polite_stop() {
    let mut kymo = Kymo::with_project(KYMO);
    let post = json!([{"message": "m", "date": "2026-11-20T12:00:00Z", "@user": {"identity": "ann"}}]);
    assert_eq!(kymo.post_events(&post), Ok(202));
    let before = kymo.sessions();
    assert_eq!(before.len(), 1);
    assert!(kymo.stop().success());
    kymo.start();
    assert_eq!(kymo.sessions().len(), 1);
    assert_eq!(kymo.events(&before[0])[0]["message"], "m");
    assert_eq!(kymo.post_events(&post), Ok(202), "sent again");
    assert_eq!(kymo.sessions()[0]["event_count"], 1, "and stored once");
}
