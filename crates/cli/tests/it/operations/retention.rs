//! `kill -9` while retention removes: what is pinned or runs stays whole, what is gone is gone as a whole.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::{Value, json};

use crate::KYMO;

/// Flushes at once, and a day of retention lasts two seconds.
const QUICK: [(&str, &str); 3] =
    [("KYMO_FLUSH_AFTER_MS", "20"), ("KYMO_RETENTION_DAY_MS", "2000"), ("KYMO_LOG", "error")];

/// Sessions that an end event ended at once, so that nothing but retention decides about them.
fn batch(round: usize) -> Value {
    let event = |session: String, text: &str, kind: &str| {
        json!({"type": kind, "message": text, "date": "2026-11-20T12:00:00Z",
               "@ref:session": session, "@user": {"identity": session}})
    };
    let mut events = Vec::new();
    for of in 0..20 {
        let session = format!("round-{round}-session-{of}");
        events.extend([event(session.clone(), "one", "log"), event(session.clone(), "two", "log")]);
        events.push(event(session, "", "sessionend"));
    }
    json!(events)
}

fn pin(kymo: &Kymo, admin: &str, session: &Value) {
    let url = format!("{}/api/v1/sessions/{}/pin", kymo.url(), session["id"].as_str().expect("an id"));
    let answer = ureq::put(url).header("authorization", format!("Bearer {admin}")).send_empty();
    assert_eq!(answer.expect("an answer").status(), 204);
}

#[test]
fn who_may_read_only_may_not_pin() {
    let kymo = Kymo::with_project(KYMO);
    assert_eq!(kymo.post_events(&batch(0)), Ok(202));
    let session = kymo.sessions()[0].clone();
    let id = session["id"].as_str().expect("an id");
    let url = format!("{}/api/v1/sessions/{id}/pin", kymo.url());
    let read = format!("Bearer {}", kymo.read_token);
    let put = ureq::put(&url).config().http_status_as_error(false).build();
    assert_eq!(put.header("authorization", &read).send_empty().expect("an answer").status(), 403);
    let admin = kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
    pin(&kymo, &admin, &session);
    pin(&kymo, &admin, &session);
    assert_eq!(kymo.get(&format!("/api/v1/sessions/{id}"))["pinned"], true);
    let delete = ureq::delete(&url).config().http_status_as_error(false).build();
    assert_eq!(delete.header("authorization", &read).call().expect("an answer").status(), 403);
    let delete = ureq::delete(&url).header("authorization", format!("Bearer {admin}")).call();
    assert_eq!(delete.expect("an answer").status(), 204);
    assert_eq!(kymo.sessions()[0]["pinned"], false);
}

#[test]
fn a_server_killed_in_the_middle_of_retention_goes_on_with_it() {
    let mut kymo = Kymo::with_project(KYMO);
    let admin = kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
    kymo.command(&["project", "set", "shop", "retention_days=1"]);
    assert!(kymo.command(&["project", "show", "shop"]).contains("retention_days       1"));
    let mut pinned = Vec::new();
    let places = ["before_removal", "sessions_removed", "merge_written", "merge_listed", "segment_unlisted"];
    for (round, place) in places.into_iter().enumerate() {
        assert_eq!(kymo.post_events(&batch(round)), Ok(202));
        // A segment is written anew for what is kept in it, and unlisted if nothing is.
        if place != "segment_unlisted" {
            let of_round = format!("round-{round}-session-0");
            let sessions = kymo.sessions().into_iter();
            pinned.extend(sessions.filter(|session| session["external_id"] == json!(of_round)));
            pin(&kymo, &admin, &pinned[round]);
        }
        assert!(kymo.stop().success());
        let mut environment = QUICK.to_vec();
        let wish = format!("{place}:1");
        environment.push(("KYMO_DIE_AT", &wish));
        kymo.start_with(&environment);
        let address = kymo.url().strip_prefix("http://").expect("an address").to_owned();
        wait_for(place, || TcpStream::connect(&address).is_err().then_some(()));
        assert_eq!(kymo.wait_for_end().signal(), Some(6), "{place}");
        // With days as they are: what is listed is whole.
        kymo.start_with(&[("KYMO_LOG", "error")]);
        let sessions = kymo.sessions();
        for session in &sessions {
            check_whole(&kymo, session);
        }
        for kept in &pinned {
            let found = sessions.iter().find(|session| session["id"] == kept["id"]).expect(place);
            assert_eq!((&found["event_count"], &found["pinned"]), (&kept["event_count"], &json!(true)));
        }
    }
    assert!(kymo.stop().success());
    kymo.start_with(&QUICK);
    wait_for("all others to go", || (kymo.sessions().len() == pinned.len()).then_some(()));
    for session in kymo.sessions() {
        check_whole(&kymo, &session);
    }
    let events: u64 = pinned.iter().map(|session| session["event_count"].as_u64().expect("a number")).sum();
    let status = kymo.get("/api/v1/status");
    let removed = status["removed"]["events"].as_u64().expect("a number");
    assert_eq!(removed + events, status["stored"].as_u64().expect("a number"), "{status}");
    assert!(status["removed"]["bytes"].as_u64().expect("a number") > 0, "{status}");
}

fn check_whole(kymo: &Kymo, session: &Value) {
    let events = kymo.events(session);
    assert_eq!(events.len() as u64, session["event_count"].as_u64().expect("a number"), "{session}");
}
