//! A server whose disk is full: a small file system of its own, which takes root or a user namespace.

use std::io::Write;
use std::process::Command;

use kymo_testkit::Kymo;

use super::client::Client;
use super::{counter, session, session_files};
use crate::KYMO;

/// In the environment of the process that plays the part: its folder on the small disk.
const DISK: &str = "KYMO_TEST_DISK";
const PART: &str = "uploads::full::plays_a_server_on_a_small_disk";

/// Takes up room until there is none.
fn fill(path: &std::path::Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut bytes = 64 * 1024;
    while bytes > 0 {
        if file.write_all(&vec![7; bytes]).is_err() {
            bytes /= 2;
        }
    }
}

#[test]
#[ignore = "played by another test"]
fn plays_a_server_on_a_small_disk() {
    let Some(disk) = std::env::var_os(DISK).map(std::path::PathBuf::from) else { return };
    let kymo = Kymo::with_project(KYMO);
    assert!(kymo.data().starts_with(&disk), "{}", kymo.data().display());
    let (_, files) = session_files(1);
    let (client, file) = (Client::new(&kymo), &files[0]);
    let half = file.len() / 2;
    assert_eq!(client.begin(file).0, 200);
    assert_eq!(client.append(1, 0, &file[..half], false).0, 204);
    let before = (client.ask(1), session(&kymo)["event_count"].clone(), counter(&kymo, "stored"));
    fill(&disk.join("filler"));
    let mut refused = 0;
    for _ in 0..3 {
        let (status, after) = client.append_told(1, half, &file[half..], true);
        assert!(status == 503 && after.is_some(), "{status} {after:?}: it is to come again");
        refused += 1;
    }
    assert_eq!(refused, 3);
    assert_eq!((client.ask(1), session(&kymo)["event_count"].clone(), counter(&kymo, "stored")), before);
    std::fs::remove_file(disk.join("filler")).unwrap();
    assert_eq!(client.append(1, half, &file[half..], true).0, 204);
    assert_eq!(session(&kymo)["event_count"], 10_000);
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (10_000, 0));
    println!("played to its end");
}

#[test]
fn a_full_disk_makes_senders_come_again_and_counts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=24m kymo "$KYMO_TEST_DISK" || exit 77
        "$PROGRAM" --exact "$PART" --ignored --nocapture --test-threads 1 || exit 76"#;
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .env("PROGRAM", std::env::current_exe().unwrap())
        .env("PART", PART)
        .env(DISK, folder.path())
        .env("TMPDIR", folder.path())
        .status();
    match status.ok().and_then(|status| status.code()) {
        Some(0) => {}
        Some(76) => panic!("see above"),
        code => println!("not played: this system gives no file system to a program ({code:?})"),
    }
}
