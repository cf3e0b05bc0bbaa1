//! What a project wants of its programs' sessions, who asks for more, and words of programs that run.

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use kymo_testkit::record_requests::header;
use serde_json::{Value, json};

use super::client::Client;
use super::{session, session_files};
use crate::KYMO;

/// A JSON request with a token: status and answer.
fn post(kymo: &Kymo, token: &str, path: &str, body: &Value) -> (u16, Value) {
    let client: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = client
        .post(format!("{}{path}", kymo.url()))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .send(body.to_string())
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

fn beat(kymo: &Kymo, errors: u64) -> (u16, Value) {
    let path = format!("/api/v1/uploads/{}/beat", header().session);
    let body =
        json!({"last_sequence": 1234, "messages": 1200, "errors": errors, "dropped": {"ring_full": 3}});
    post(kymo, &kymo.ingest_token, &path, &body)
}

#[test]
fn a_project_wants_what_it_is_set_to_and_what_a_person_asks_for() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (_, files) = session_files(1);
    let wanted = || client.begin(&files[0][..4096]).1["wanted"].as_str().unwrap().to_owned();
    assert_eq!((beat(&kymo, 0).0, wanted()), (404, "all".to_owned()), "a beat before the head");
    for policy in ["with_errors", "none"] {
        kymo.command(&["project", "set", "shop", &format!("upload.wanted={policy}")]);
        assert!(
            kymo.command(&["project", "show", "shop"]).contains(&format!("upload.wanted        {policy}"))
        );
        assert_eq!((wanted().as_str(), beat(&kymo, 0)), (policy, (200, json!({"wanted": policy}))));
    }
    let admin = kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
    let id = session(&kymo)["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/sessions/{id}/request");
    assert_eq!(session(&kymo)["process"]["requested"], false);
    assert_eq!(post(&kymo, &kymo.read_token, &path, &json!({})).0, 403);
    assert_eq!(post(&kymo, &admin, &path, &json!({})).0, 204);
    assert_eq!(session(&kymo)["process"]["requested"], true);
    assert_eq!((wanted().as_str(), beat(&kymo, 0)), ("all", (200, json!({"wanted": "all"}))));
    // What was not asked for is taken all the same.
    assert_eq!(client.append(1, 0, &files[0][..10_000], false).0, 204);
    kymo.command(&["project", "set", "shop", "--unset", "upload.wanted"]);
    assert_eq!(wanted(), "all");
}

#[test]
fn beats_make_lists_right_before_anything_else_came() {
    let kymo = Kymo::with_project(KYMO);
    let client = Client::new(&kymo);
    let (folder, files) = session_files(1);
    assert_eq!(client.begin(&files[0][..4096]).0, 200);
    assert_eq!(beat(&kymo, 2).0, 200);
    let told = wait_for("the beat", || Some(session(&kymo)).filter(|session| session["error_count"] == 2));
    let process = json!({"recorded": 1234, "missing": 1234, "lost": {"ring_full": 3}, "previous_id": null,
        "messages": 1200, "awaited_errors": 2, "requested": false});
    assert_eq!(
        (&told["state"], &told["event_count"], &told["process"]),
        (&json!("running"), &json!(0), &process)
    );
    assert_eq!(kymo.get("/api/v1/sessions?errors=true")["items"].as_array().unwrap().len(), 1);
    // When they come they are no more than they are.
    let errors = |kymo: &Kymo| session(kymo)["error_count"].as_u64().unwrap();
    for offset in (0..files[0].len()).step_by(1 << 20) {
        let end = files[0].len().min(offset + (1 << 20));
        assert_eq!(client.append(1, offset, &files[0][offset..end], end == files[0].len()).0, 204);
    }
    let other = Kymo::with_project(KYMO);
    super::import(&other, folder.path());
    assert_eq!(errors(&kymo), errors(&other).max(2));
    let path = format!("/api/v1/uploads/{}/beat", header().session);
    for bad in
        [json!({}), json!("beat"), json!({"last_sequence": -1}), json!({"last_sequence": 1, "errors": "x"})]
    {
        assert_eq!(post(&kymo, &kymo.ingest_token, &path, &bad).0, 400, "{bad}");
    }
}
