//! Runs the example and reads what it recorded.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::recorded;

#[test]
fn what_somebody_does_is_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kymo-example-desktop-like"))
        .arg(folder.path().join("notes.txt"))
        .env("KYMO_REPOSITORY", folder.path().join("sessions"))
        .env("KYMO__AGENT__FREE_MIB", "0")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let typed = "login ann\nnote buy milk\nbreak\nfly\nquit\n";
    program.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    assert!(program.wait().unwrap().success());
    assert_eq!(std::fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "buy milk\n");
    let (mut records, reason) = recorded::read(&folder.path().join("sessions"));
    let saver = records.iter().position(|record| record.category() == Some("notebook.saver")).unwrap();
    // It is another thread's, so it may come at any time.
    let saver = records.remove(saver);
    assert_eq!((saver.thread.name.as_deref(), saver.message().as_str()), (Some("saver"), "a note was saved"));
    let expected = [
        ("session.user", "the user is ann"),
        ("usage", "notes.add"),
        ("error", "this feature is broken"),
        ("log", "it is broken: true"),
        ("log", "there is no such command"),
        ("log", "1 notes were saved"),
    ];
    let found: Vec<(String, String)> =
        records.iter().map(|record| (record.callsite.kind.to_string(), record.message())).collect();
    assert_eq!(found, expected.map(|(kind, text)| (kind.to_owned(), text.to_owned())));
    let summary = kymo::sessions(&folder.path().join("sessions")).unwrap().remove(0).1;
    assert_eq!((summary.user.as_deref(), reason), (Some("ann"), "normal"));
}
