//! The real JavaScript agent against the real server: what was stored is compared, session by session
//! and event by event, with what the script says it told the agent.

use kymo_testkit::told::{FurtherStart, Sessions, assert_same, stored, users};
use kymo_testkit::{Kymo, Script};
use serde_json::Value;

use crate::KYMO;

#[test]
fn an_automatic_session_is_stored_as_it_was_told() {
    let kymo = Kymo::with_project(KYMO);
    let told = told(&Script::start("clients/automatic_session.mjs", &kymo, &[], &[]).finish());
    assert_eq!(told["alice@example.test"].len(), 14);
    assert_same(&stored(&kymo), &told);

    let session = &kymo.sessions()[0];
    assert_eq!((&session["state"], &session["end_reason"]), (&"ended".into(), &"normal".into()));
    assert_eq!((&session["event_count"], &session["error_count"]), (&14.into(), &0.into()));
    assert_eq!(session["external_id"], Value::Null);
    assert_eq!(session["version"], "1.2.3");
    assert_eq!(session["properties"]["region"]["first"], "eu-test");
    assert_eq!(kymo.events(session)[1]["attributes"]["@tags"][0], "end-to-end");
}

#[test]
fn two_sessions_with_ids_of_the_agent() {
    let kymo = Kymo::with_project(KYMO);
    let told = told(&Script::start("clients/managed_session.mjs", &kymo, &[], &[]).finish());
    assert_eq!(told.values().map(Vec::len).sum::<usize>(), 124);
    assert_same(&stored(&kymo), &told);
    for session in kymo.sessions() {
        assert_eq!((&session["state"], &session["end_reason"]), (&"ended".into(), &"normal".into()));
        assert!(told.contains_key(session["external_id"].as_str().expect("the agent's id")));
    }
}

#[test]
fn several_agents_at_once_do_not_mix() {
    let kymo = Kymo::with_project(KYMO);
    let users = ["ann@example.test", "Ann@example.test", "ben@example.test"];
    let scripts =
        users.map(|user| Script::start("clients/automatic_session.mjs", &kymo, &[], &[("KYMO_USER", user)]));
    let told: Sessions = scripts.into_iter().flat_map(|script| told(&script.finish())).collect();
    assert_eq!(told.len(), users.len());
    assert_same(&stored(&kymo), &told);
}

#[test]
fn errors_come_with_type_message_causes_and_frames() {
    let kymo = Kymo::with_project(KYMO);
    let told = told(&Script::start("clients/errors.mjs", &kymo, &[], &[]).finish());
    assert_same(&stored(&kymo), &told);

    let session = &kymo.sessions()[0];
    assert_eq!((&session["event_count"], &session["error_count"]), (&10.into(), &8.into()));
    let events = kymo.events(session);
    let thrown = &events[2]["exception"];
    assert_eq!(thrown["frames"][0]["function"], "priceOf");
    assert!(thrown["frames"][0]["file"].as_str().expect("a file").ends_with("clients/errors.mjs"));
    assert!(thrown["frames"][0]["line"].as_u64().is_some_and(|line| line > 1), "{thrown}");
    assert!(events[3].to_string().contains("4711"), "the error's own fields: {}", events[3]);
    assert_eq!(events[4]["exception"]["inner"]["inner"]["frames"][0]["function"], "checkout");
    assert_eq!(events[6]["attributes"]["@submission_method"], "uncaughtException");
    assert_eq!(events[7]["attributes"]["@submission_method"], "unhandledRejection");
    assert_eq!(events[9]["attributes"]["@count"], 3, "the last three as one");
}

#[test]
fn with_an_id_of_its_own_a_session_keeps_both_users() {
    let kymo = Kymo::with_project(KYMO);
    let told = told(&Script::start("clients/user_change.mjs", &kymo, &["managed"], &[]).finish());
    assert_same(&stored(&kymo), &told);
    let sessions = kymo.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(users(&sessions[0]), ["alice@example.test", "bob@example.test"]);
    assert_eq!(sessions[0]["user"]["id"], "bob@example.test", "the last one seen");
}

#[test]
fn without_an_id_another_user_is_another_session() {
    let kymo = Kymo::with_project(KYMO);
    let told = told(&Script::start("clients/user_change.mjs", &kymo, &["automatic"], &[]).finish());
    assert_eq!(told.keys().collect::<Vec<_>>(), ["alice@example.test", "bob@example.test"]);
    assert_same(&stored(&kymo), &told);
    for session in kymo.sessions() {
        assert_eq!(users(&session).len(), 1);
        // The agent's close call names the first user only.
        let expected = if users(&session) == ["alice@example.test"] { "ended" } else { "running" };
        assert_eq!(session["state"], expected);
    }
}

#[test]
fn a_server_that_goes_away_and_comes_back_has_everything_once() {
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let mut script = Script::start("clients/driven.mjs", &kymo, &[], &[]);
    script.answer();
    script.ask("log 7");
    assert_eq!(script.ask("drain")["waiting"], 0);

    kymo.kill();
    script.ask("log 60");
    assert_eq!(script.ask("try")["waiting"], 60, "nobody answers");
    script.ask("log 5");

    kymo.start_on(&address, &[]);
    assert_eq!(script.ask("drain")["waiting"], 0);
    script.ask("log 1");
    assert!(kymo.stop().success());
    script.ask("try");
    kymo.start_on(&address, &[]);
    assert_eq!(script.ask("drain")["waiting"], 0);
    script.ask("log 2");
    check_nothing_lost(&kymo, script, 76);
    assert_eq!(duplicates(&kymo), 0);
}

#[test]
fn events_that_were_stored_but_not_answered_are_not_stored_again() {
    check_death_at("after_commit:1", 20);
}

#[test]
fn events_that_were_not_stored_are_sent_again() {
    check_death_at("before_commit:1", 0);
}

/// The server dies at that place while it takes in twenty events, and is started again.
fn check_death_at(place: &str, expected_duplicates: u64) {
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let mut script = Script::start("clients/driven.mjs", &kymo, &[], &[]);
    script.answer();
    script.ask("log 3");
    assert_eq!(script.ask("drain")["waiting"], 0);

    kymo.stop();
    kymo.start_on(&address, &[("KYMO_DIE_AT", place)]);
    script.ask("log 20");
    assert_eq!(script.ask("try")["waiting"], 20, "no answer came");
    assert!(!kymo.wait_for_end().success(), "it was to die");
    // Fewer than these were lost: the batch has other boundaries when it is sent again.
    script.ask("log 4");

    kymo.start_on(&address, &[]);
    assert_eq!(script.ask("drain")["waiting"], 0);
    check_nothing_lost(&kymo, script, 28);
    assert_eq!(duplicates(&kymo), expected_duplicates);
}

/// Ends the script and compares; it has told its agent `expected` events, all in one session.
fn check_nothing_lost(kymo: &Kymo, script: Script, expected: usize) {
    let told = told(&script.finish());
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [expected]);
    assert_same(&stored(kymo), &told);
}

fn duplicates(kymo: &Kymo) -> u64 {
    let status = kymo.get("/api/v1/status");
    let of = |count: &Value| count.as_u64().unwrap_or_default();
    let dropped: u64 = status["dropped"].as_object().expect("reasons").values().map(of).sum();
    assert_eq!(of(&status["accepted"]), of(&status["stored"]) + dropped, "{status}");
    assert_eq!(dropped, of(&status["dropped"]["duplicate"]), "nothing else is dropped: {status}");
    dropped
}

/// What the script says it told its agent. None of them starts a session of the same name twice.
fn told(lines: &[Value]) -> Sessions {
    kymo_testkit::told::told(lines, FurtherStart::Opens)
}
