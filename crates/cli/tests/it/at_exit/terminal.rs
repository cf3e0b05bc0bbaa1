//! The question in a terminal, and nowhere else.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::dialogs;
use crate::KYMO;

/// In the environment of a process that plays the program: its repository.
const FOLDER: &str = "KYMO_TEST_ASKS";
/// The executable whose windows it asks by, if it does.
const WINDOWS: &str = "KYMO_TEST_ASKS_BY";
const ARGS: [&str; 6] = [
    "--exact",
    "at_exit::terminal::plays_a_program_that_asks",
    "--ignored",
    "--nocapture",
    "--test-threads",
    "1",
];

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_asks() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let builder = kymo::builder("Shop", "till").version("1.2").repository(folder).retention(retention);
    let _session =
        builder.consent_required(true).privacy("Corner Shops", "https://shop.example/privacy").start();
    if let Some(executable) = std::env::var_os(WINDOWS) {
        kymo::set_front_end(kymo::DialogFrontEnd::of(executable.into()));
    }
    let consent = kymo::ask_consent_if_due().unwrap();
    println!("consent {:?} prompts {}", consent.state, consent.prompts);
}

#[test]
fn it_is_put_in_a_terminal() {
    put_in_a_terminal(None);
}

/// By an executable that is not there, by one that has no windows, and by one that finds no screen for them.
#[test]
fn it_is_put_in_a_terminal_where_no_window_can_be_shown() {
    put_in_a_terminal(Some(Path::new("/nowhere")));
    put_in_a_terminal(Some(Path::new(KYMO)));
    if let Some(executable) = dialogs::executable() {
        put_in_a_terminal(Some(&executable));
    }
}

fn put_in_a_terminal(windows: Option<&Path>) {
    let folder = tempfile::tempdir().unwrap();
    let pty = native_pty_system()
        .openpty(PtySize { rows: 24, cols: 100, pixel_width: 0, pixel_height: 0 })
        .unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(ARGS);
    command.env(FOLDER, folder.path());
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(name);
    }
    if let Some(windows) = windows {
        command.env(WINDOWS, windows);
    }
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let (mut input, mut output) = (pty.master.take_writer().unwrap(), pty.master.try_clone_reader().unwrap());
    let mut text = String::new();
    let mut piece = [0; 1024];
    let mut answers = ["what?\r", "no\r"].into_iter();
    // Until it is gone: then the terminal has nobody on the other side.
    while let Ok(count @ 1..) = output.read(&mut piece) {
        text += &String::from_utf8_lossy(&piece[..count]);
        if text.ends_with("(yes, no, or later) ")
            && let Some(answer) = answers.next()
        {
            input.write_all(answer.as_bytes()).unwrap();
        }
    }
    assert!(child.wait().unwrap().success(), "{text}");
    assert!(text.contains("May Shop 1.2 send what it records about its use to Corner Shops?"), "{text}");
    assert!(text.contains("https://shop.example/privacy"), "{text}");
    assert!(text.contains("consent Refused"), "{text}");
    let kept = kymo::Consent::read(folder.path(), "Shop").unwrap();
    assert_eq!((kept.state, kept.version.as_deref()), (kymo::ConsentState::Refused, Some("1.2")));
}

#[test]
fn nobody_is_asked_where_nobody_can_answer() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(ARGS)
        .env(FOLDER, folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("consent Unset prompts 0") && !text.contains("May Shop"), "{text}");
}
