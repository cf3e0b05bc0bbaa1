//! The three scenarios that Loupe's users know, with a server.

use std::path::Path;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::Value;

use super::Line;
use super::till::{Till, sends_to};
use crate::KYMO;

/// The one session of that state that has such an event.
pub(super) fn session_with(kymo: &Kymo, state: &str, message: &str) -> (Value, Vec<Value>) {
    wait_for(&format!("a session that is {state}, with {message:?}"), || {
        kymo.sessions().into_iter().filter(|session| session["state"] == state).find_map(|session| {
            let events = kymo.events(&session);
            events.iter().any(|event| event["message"] == message).then_some((session, events))
        })
    })
}

pub(super) fn consent(folder: &Path) -> kymo::ConsentState {
    kymo::Consent::read(folder, "Shop").unwrap().state
}

/// Waits until no helper is at work, and what is wished is fulfilled.
pub(super) fn settle(folder: &Path) {
    settle_files(folder, &[".exit", ".wish"]);
}

/// Whoever was to wait for an end has gone: until then its file is there.
fn settle_helpers(folder: &Path) {
    settle_files(folder, &[".exit"]);
}

fn settle_files(folder: &Path, endings: &[&str]) {
    wait_for("the helper to be done", || {
        let mut names = std::fs::read_dir(folder.join("Shop/till")).unwrap().flatten();
        let is_open = |name: &str| endings.iter().any(|ending| name.ends_with(ending));
        (!names.any(|entry| is_open(entry.file_name().to_str().unwrap()))).then_some(())
    });
}

/// (a) Everything goes as soon as the program exits, however that goes.
#[test]
fn everything_goes_as_soon_as_the_program_exits() {
    let kymo = Kymo::with_project(KYMO);
    let folder = tempfile::tempdir().unwrap();
    let settings = sends_to(&kymo, kymo.url());
    // Recorded before anybody wanted it sent.
    let mut silent = Till::start(folder.path(), &settings, &[]);
    silent.say("info before");
    silent.close();
    assert!(kymo.sessions().is_empty());
    for (how, expected) in [("close", "normal"), ("kill", "killed"), ("abort", "killed")] {
        let more = [("SEND_SESSIONS_ON_EXIT", "true")];
        let mut till = Till::start(folder.path(), &settings, &more);
        let message = format!("sold before {how}");
        till.say(&format!("info {message}"));
        till.helper();
        match how {
            "close" => till.close(),
            "kill" => till.kill(),
            _ => {
                use std::io::Write;
                writeln!(till.process.stdin.as_mut().unwrap(), "abort").unwrap();
                assert!(!till.process.wait().unwrap().success());
            }
        }
        let (session, events) = session_with(&kymo, "ended", &message);
        assert_eq!(session["end_reason"], expected, "{how}");
        assert_eq!(events[0]["message"], "the till is open");
        settle(folder.path());
    }
    session_with(&kymo, "ended", "before");
    assert_eq!(kymo.sessions().len(), 4, "with what was not sent before");
}

/// (b) On an error what there is of the session can be seen while the program runs; the rest follows at its end.
#[test]
fn an_error_is_seen_while_the_program_runs_and_the_rest_follows() {
    let kymo = Kymo::with_project(KYMO);
    let folder = tempfile::tempdir().unwrap();
    let settings = sends_to(&kymo, kymo.url());
    for (kills, expected) in [(false, "normal"), (true, "killed")] {
        let more = [("AUTO_SEND_ON_ERROR", "true")];
        let mut till = Till::start(folder.path(), &settings, &more);
        // What people do who handle alerts themselves: the rest is to come at the end.
        till.say("alert");
        till.say("info all is well");
        let error = format!("the drawer is stuck ({expected})");
        till.say(&format!("error {error}"));
        let (session, events) = session_with(&kymo, "running", &error);
        assert_eq!((events.len(), events[1]["message"].as_str()), (3, Some("all is well")));
        till.helper();
        till.say("info still stuck");
        if kills {
            till.kill();
        } else {
            till.close();
        }
        let ended = wait_for("the end", || {
            kymo.sessions().into_iter().find(|one| one["id"] == session["id"] && one["state"] == "ended")
        });
        assert_eq!(ended["end_reason"], expected);
        let events = kymo.events(&ended);
        assert!(events.iter().any(|event| event["message"] == "still stuck"));
        settle(folder.path());
    }
}

/// (c) Opted out, meets an error, ticks the box: this session and the older ones go this one time; then silence.
#[test]
fn who_opted_out_and_ticks_the_box_sends_this_one_time() {
    let kymo = Kymo::with_project(KYMO);
    let line = Line::to(kymo.url());
    let folder = tempfile::tempdir().unwrap();
    let settings = sends_to(&kymo, &line.url);
    // Everything is on: it is the person alone who holds it.
    let more = [
        ("CONSENT_REQUIRED", "true"),
        ("AUTO_SEND_SESSIONS", "true"),
        ("AUTO_SEND_ON_ERROR", "true"),
        ("SEND_SESSIONS_ON_EXIT", "true"),
        ("LIVE", "true"),
    ];
    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("error nobody hears of this");
    till.say("no");
    till.say("error nor of this");
    assert!(!till.has_helper(), "nobody waits for its end");
    till.close();
    settle_helpers(folder.path());
    assert_eq!(line.said(), (0, 0), "unset and no hold everything");

    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("front");
    assert_eq!(till.say("problem the drawer is stuck"), "Some(Continue)");
    assert_eq!(till.say("problem and again"), "None", "they want to hear no more");
    till.helper();
    assert_eq!(consent(folder.path()), kymo::ConsentState::Once);
    till.say("info after the tick");
    till.close();
    session_with(&kymo, "ended", "after the tick");
    session_with(&kymo, "ended", "nor of this");
    settle(folder.path());
    wait_for("no again", || (consent(folder.path()) == kymo::ConsentState::Refused).then_some(()));
    assert_eq!(kymo.sessions().len(), 2);
    let said = line.said();
    assert!(said.0 > 0 && said.1 > 0);

    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("error silence");
    till.close();
    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("error more silence");
    assert!(!till.has_helper(), "nobody waits for its end");
    till.kill();
    settle_helpers(folder.path());
    assert_eq!(line.said(), said, "not a byte");
    assert_eq!(kymo.sessions().len(), 2);
}

/// The same when the program is killed after the tick, and when *no* is said after it.
#[test]
fn the_tick_outlives_the_program_and_can_be_taken_back() {
    let kymo = Kymo::with_project(KYMO);
    let line = Line::to(kymo.url());
    let folder = tempfile::tempdir().unwrap();
    let settings = sends_to(&kymo, &line.url);
    let more = [("CONSENT_REQUIRED", "true")];
    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("front");
    till.say("problem taken back");
    till.helper();
    till.say("no");
    wait_for("the end of the helper", || (!till.has_helper()).then_some(()));
    till.close();
    assert_eq!((line.said(), consent(folder.path())), ((0, 0), kymo::ConsentState::Refused));

    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("front");
    till.say("problem the drawer is stuck");
    till.helper();
    till.kill();
    let (session, _) = session_with(&kymo, "ended", "the drawer is stuck");
    assert_eq!(session["end_reason"], "killed");
    session_with(&kymo, "ended", "taken back");
    settle(folder.path());
}
