//! People who are asked in real windows: a program, the dialogs' executable on an X server in memory, the helper, a server.
//!
//! The executable is `kymo-dialogs`, as `kymo` has windows only in builds with the feature `dialogs`. It is another crate's, so
//! Cargo does not say where it is; a build of the workspace has it beside `kymo`.

use std::path::{Path, PathBuf};
use std::process::Command;

use kymo::ConsentState;
use kymo_testkit::kymo::wait_for;
use kymo_testkit::screen::{ENTER, ESCAPE, SPACE, TAB};
use kymo_testkit::{Kymo, Screen};
use serde_json::Value;

use super::Line;
use super::scenarios::{consent, session_with, settle};
use super::till::{Till, sends_to};
use crate::KYMO;

/// The class of the dialogs' windows.
const CLASS: &str = "kymo-dialog";

/// The executable of the dialogs, or says that it was not built. Who tests everything has it.
pub(super) fn executable() -> Option<PathBuf> {
    let path = Path::new(KYMO).with_file_name("kymo-dialogs");
    let is_there = path.is_file();
    let is_needed = std::env::var_os("KYMO_XVFB").is_some_and(|named| !named.is_empty());
    assert!(is_there || !is_needed, "{} is not there: cargo build -p kymo-dialogs", path.display());
    if !is_there {
        eprintln!("skipped: {} is not there (cargo build -p kymo-dialogs)", path.display());
    }
    is_there.then_some(path)
}

/// A helper executable in that folder as a desktop has it: `helper` and `dialog` in one. Its windows take keys at once.
fn helper(folder: &Path, screen: &Screen, dialogs: &Path) -> PathBuf {
    let script = format!(
        "#!/bin/sh\nunset WAYLAND_DISPLAY WAYLAND_SOCKET\nexport DISPLAY={}\ncase \"$1\" in\n\
         dialog) exec '{}' \"$@\" --light --guard 0 ;;\n*) exec '{KYMO}' \"$@\" ;;\nesac\n",
        screen.name(),
        dialogs.display()
    );
    let path = folder.join("kymo-of-a-desktop");
    // Written by another process: a child that another test starts meanwhile would keep it open, and it could not be run.
    let made = Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""])
        .args([path.as_os_str(), script.as_ref()])
        .status();
    assert!(made.unwrap().success());
    path
}

/// Has the program ask, and answers by keys; what the program says then.
fn answered(till: &mut Till, screen: &Screen, line: &str, keys: &[u32]) -> String {
    till.tell(line);
    screen.window(CLASS);
    screen.press(keys);
    let answer = till.answer(line);
    wait_for("the end of the window", || screen.find(CLASS).is_none().then_some(()));
    answer
}

/// What is wished of sessions, by the files beside them.
fn wishes(folder: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(folder.join("Shop/till")).unwrap().flatten().map(|entry| entry.path());
    let wishes = files.filter(|path| path.extension().is_some_and(|ending| ending == "wish"));
    wishes.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

#[test]
fn yes_in_a_window_is_kept_and_what_is_recorded_goes() {
    let (Some(dialogs), Some(screen)) = (executable(), Screen::start(1280, 900)) else { return };
    let kymo = Kymo::with_project(KYMO);
    let line = Line::to(kymo.url());
    let folder = tempfile::tempdir().unwrap();
    let helper = helper(folder.path(), &screen, &dialogs);
    let more = [
        ("HELPER", helper.to_str().unwrap()),
        ("CONSENT_REQUIRED", "true"),
        ("SEND_SESSIONS_ON_EXIT", "true"),
    ];
    let mut till = Till::start(folder.path(), &sends_to(&kymo, &line.url), &more);
    till.say("windows");
    till.say("info before the answer");
    // Closed: nobody said anything.
    assert_eq!(answered(&mut till, &screen, "ask", &[ESCAPE]), "Unset");
    assert_eq!((consent(folder.path()), line.said()), (ConsentState::Unset, (0, 0)));
    // The box about details, later, no, yes.
    assert_eq!(answered(&mut till, &screen, "ask", &[TAB, TAB, TAB, TAB, ENTER]), "Granted");
    let kept = kymo::Consent::read(folder.path(), "Shop").unwrap();
    assert_eq!((kept.state, kept.include_details), (ConsentState::Granted, false));
    assert_eq!(kept.version.as_deref(), Some("1.2.3"));
    assert_eq!(till.say("ask"), "Granted", "nobody is asked again");
    till.helper();
    till.close();
    session_with(&kymo, "ended", "before the answer");
    settle(folder.path());
}

#[test]
fn a_report_that_is_ticked_in_a_window_goes_at_the_end() {
    let (Some(dialogs), Some(screen)) = (executable(), Screen::start(1280, 900)) else { return };
    let kymo = Kymo::with_project(KYMO);
    let line = Line::to(kymo.url());
    let folder = tempfile::tempdir().unwrap();
    let helper = helper(folder.path(), &screen, &dialogs);
    let more = [("HELPER", helper.to_str().unwrap()), ("CONSENT_REQUIRED", "true")];
    let settings = sends_to(&kymo, &line.url);
    let mut earlier = Till::start(folder.path(), &settings, &more);
    earlier.say("info an earlier day");
    earlier.close();

    let mut till = Till::start(folder.path(), &settings, &more);
    till.say("no");
    till.say("windows");
    // A program that can go on does so when the window is closed, whatever was ticked.
    let line_said = "problem the drawer is stuck";
    assert_eq!(answered(&mut till, &screen, line_said, &[TAB, TAB, SPACE, ESCAPE]), "Some(Continue)");
    assert_eq!((wishes(folder.path()).len(), consent(folder.path())), (0, ConsentState::Refused));
    // The box that ends such windows, the one about a report, ticked.
    let again = "problem the drawer is stuck again";
    assert_eq!(answered(&mut till, &screen, again, &[TAB, TAB, SPACE, ENTER]), "Some(Continue)");
    let wished = wishes(folder.path());
    assert_eq!(wished.len(), 2, "this session and the one before: {wished:?}");
    assert!(wished.iter().all(|wish| wish["user_asked"] == true && wish["when_ended"] == true), "{wished:?}");
    assert_eq!((consent(folder.path()), line.said()), (ConsentState::Once, (0, 0)));
    till.helper();
    till.close();
    session_with(&kymo, "ended", "the drawer is stuck again");
    session_with(&kymo, "ended", "an earlier day");
    settle(folder.path());
    wait_for("no again", || (consent(folder.path()) == ConsentState::Refused).then_some(()));
}
