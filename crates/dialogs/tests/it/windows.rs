//! Real windows: found, looked at, clicked, typed into, closed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::display::{Display, ENTER, ESCAPE, Picture, SPACE, TAB, until};

/// What the default button is filled with, light and dark.
const ACCENTS: [u32; 2] = [0x0003_699a, 0x0066_c0e8];
/// Surfaces.
const LIGHT: u32 = 0x00fc_fdfd;
const DARK: u32 = 0x0013_181d;
const AT_ONCE: [&str; 3] = ["--light", "--guard", "0"];

fn problem() -> Value {
    json!({"version": 1, "kind": "error", "application": "Shop", "version_text": "1.2", "company": "Example Works",
           "message": "The order could not be saved: the connection to the database was lost.",
           "details": "thread main panicked at src/order.rs:71\nstack:\n  0: shop::order::save\n  1: shop::main",
           "can_restart": true, "is_blocking": true})
}

fn question() -> Value {
    json!({"version": 1, "kind": "consent", "product": "Shop", "company": "Example Works", "version_text": "1.2",
           "privacy_url": "https://shop.example/privacy?lang=en"})
}

/// A program of that name that does that, in a folder of its own.
fn stand_in(name: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_problem_is_shown_unfolded_ticked_and_answered() {
    let Some(display) = Display::start(1280, 900) else { return };
    let dialog = display.dialog(&problem(), &AT_ONCE, &[]);
    assert_eq!(dialog.title(), "Shop");
    let folded = dialog.until_drawn(|picture| picture.count(ACCENTS[0]) > 1_000);
    folded.keep("problem-light");
    assert_eq!(folded.width, 520);
    assert_eq!(folded.pixels[0], LIGHT);

    dialog.press(&[TAB, SPACE]);
    let unfolded =
        dialog.until_drawn(|picture| picture.height > folded.height && picture.count(ACCENTS[0]) > 1_000);
    unfolded.keep("problem-unfolded-light");
    assert_eq!(unfolded.height, folded.height + 200);
    // The copy button, the details, the first box, the second: ticked.
    dialog.press(&[TAB, TAB, TAB, TAB]);
    dialog.press(&[SPACE]);
    // Its frame has the colour of what has the focus, its tick that of text; both are where the second box is.
    let is_ticked = |picture: &Picture| {
        let box_row = picture.width * (picture.height - 140)..picture.width * (picture.height - 115);
        picture.pixels[box_row].iter().filter(|&&pixel| pixel == ACCENTS[0]).count() > 20
    };
    dialog.until_drawn(is_ticked).keep("problem-ticked-light");
    let (x, y) = folded.middle_of(ACCENTS[0]);
    dialog.click(x, y + 200);
    assert_eq!(dialog.answer(), json!({"choice": "close", "ignore_further": false, "report_at_end": true}));
}

#[test]
fn a_question_is_asked_and_its_link_opened() {
    let Some(display) = Display::start(1280, 900) else { return };
    let folder =
        stand_in("xdg-open", "printf '%s' \"$1\" > \"$0.part\" && /bin/mv \"$0.part\" \"$0.opened\"");
    let dialog = display.dialog(&question(), &["--dark", "--guard", "0"], &[("PATH", folder.path())]);
    let first = dialog.until_drawn(|picture| picture.pixels[0] == DARK);
    first.keep("question-dark");
    // Nothing looks like the answer to give.
    assert!(first.count(ACCENTS[1]) < 300, "{}", first.count(ACCENTS[1]));
    dialog.press(&[TAB, SPACE, TAB, ENTER]);
    let opened = folder.path().join("xdg-open.opened");
    let url = until("the browser's start", || fs::read_to_string(&opened).ok());
    assert_eq!(url, "https://shop.example/privacy?lang=en&application=Shop&version=1.2");
    // The address, later, no, yes.
    dialog.press(&[TAB, TAB, TAB, TAB, ENTER]);
    assert_eq!(dialog.answer(), json!({"choice": "yes", "include_details": true}));
}

#[test]
fn a_link_that_nothing_opens_is_told() {
    let Some(display) = Display::start(1280, 900) else { return };
    let nothing = tempfile::tempdir().unwrap();
    let dialog = display.dialog(&question(), &AT_ONCE, &[("PATH", nothing.path())]);
    dialog.press(&[TAB, TAB]);
    let before = dialog.picture();
    dialog.press(&[ENTER]);
    dialog.until_drawn(|picture| *picture != before).keep("question-no-browser");
    dialog.press(&[ESCAPE]);
    assert_eq!(dialog.answer(), json!({"choice": "later", "include_details": false}));
}

#[test]
fn a_window_that_is_closed_decides_nothing() {
    let Some(display) = Display::start(1280, 900) else { return };
    for (request, expected) in [
        (problem(), json!({"choice": "close", "ignore_further": false, "report_at_end": false})),
        (question(), json!({"choice": "later", "include_details": false})),
    ] {
        let dialog = display.dialog(&request, &AT_ONCE, &[]);
        dialog.press(&[TAB, SPACE]);
        dialog.close();
        assert_eq!(dialog.answer(), expected);
    }
}

/// What was typed for the window before must not answer this one.
#[test]
fn keys_and_clicks_of_the_first_moment_choose_nothing() {
    let Some(display) = Display::start(1280, 900) else { return };
    let hour = (3_600 * 1_000).to_string();
    let mut dialog = display.dialog(&problem(), &["--light", "--guard", &hour], &[]);
    let first = dialog.until_drawn(|picture| picture.count(ACCENTS[0]) > 1_000);
    let (x, y) = first.middle_of(ACCENTS[0]);
    dialog.press(&[ENTER, SPACE, ESCAPE]);
    dialog.click(x, y);
    // Moving about is possible; that it is seen shows that what came before was taken, too.
    dialog.press(&[TAB]);
    dialog.until_drawn(|picture| picture.pixels[..picture.width * 200] != first.pixels[..first.width * 200]);
    assert!(!dialog.has_ended());
    dialog.close();
    assert_eq!(dialog.answer()["choice"], "close");
}

#[test]
fn light_or_dark_is_the_desktops() {
    let Some(display) = Display::start(1280, 900) else { return };
    let portal = |number: u32| {
        stand_in("dbus-send", &format!("echo '   variant       variant          uint32 {number}'"))
    };
    let (dark, light) = (portal(1), portal(2));
    let none = stand_in("dbus-send", "exit 1");
    let hangs = stand_in("dbus-send", "exec sleep 600");
    let surface = |environment: &[(&str, &Path)]| {
        let dialog = display.dialog(&question(), &["--guard", "0"], environment);
        dialog.until_drawn(|picture| [LIGHT, DARK].contains(&picture.pixels[0])).pixels[0]
    };
    assert_eq!(surface(&[("PATH", dark.path())]), DARK);
    assert_eq!(surface(&[("PATH", light.path())]), LIGHT);
    assert_eq!(surface(&[("PATH", none.path())]), LIGHT);
    assert_eq!(surface(&[("PATH", hangs.path())]), LIGHT);
    assert_eq!(surface(&[("PATH", light.path()), ("GTK_THEME", Path::new("Adwaita:dark"))]), DARK);
}

#[test]
fn large_and_small_screens() {
    let small = json!({"kind": "error", "application": "Überaus langer Name ".repeat(5), "is_blocking": false,
                       "message": "A message that goes on and on. ".repeat(20), "can_restart": true});
    for (name, size, scale, expected) in [
        ("small", (320, 240), "1", (288, 216)),
        ("double", (1280, 900), "2", (1040, 0)),
        ("fine-small", (800, 480), "1.5", (720, 432)),
    ] {
        let Some(display) = Display::start(size.0, size.1) else { return };
        let scale = [("WINIT_X11_SCALE_FACTOR", Path::new(scale))];
        let dialog = display.dialog(&small, &AT_ONCE, &scale);
        let picture = dialog.until_drawn(|picture| picture.count(ACCENTS[0]) > 1_000);
        picture.keep(&format!("problem-{name}"));
        assert_eq!(picture.width, expected.0, "{name}");
        assert!(expected.1 == 0 || picture.height == expected.1, "{name}: {}", picture.height);
        let (x, y) = picture.middle_of(ACCENTS[0]);
        dialog.click(x, y);
        assert_eq!(dialog.answer()["choice"], "continue", "{name}");
    }
}

#[test]
fn all_of_long_details_is_in_the_clipboard() {
    let Some(display) = Display::start(1280, 900) else { return };
    let details: String = (0..40_000).map(|index| if index % 97 == 0 { '\n' } else { 'ж' }).collect();
    let mut request = problem();
    request["details"] = details.trim().into();
    let dialog = display.dialog(&request, &AT_ONCE, &[]);
    dialog.press(&[TAB, SPACE, TAB, SPACE]);
    assert_eq!(display.clipboard(), details.trim());
    dialog.picture().keep("problem-long-details");
    dialog.press(&[ESCAPE]);
    assert_eq!(dialog.answer()["choice"], "close");
}
