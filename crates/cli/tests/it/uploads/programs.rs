//! A program with the agent's library, killed: imported while it runs, and after what it left was recovered.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use kymo_testkit::Kymo;
use serde_json::json;
use tempfile::TempDir;

use super::{check, import, session};
use crate::KYMO;

/// In the environment of a process that plays the program: the repository.
const FOLDER: &str = "KYMO_TEST_UPLOADS";
const PART: &str = "uploads::programs::plays_a_till";

#[test]
#[ignore = "played by another test"]
fn plays_a_till() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let session =
        kymo::builder("Shop", "till").version("1.2.3").repository(folder).retention(retention).start();
    assert_eq!(session.refused(), None);
    for number in 0..500_u64 {
        kymo::info!("sold {number} for {price}", number = number, price = number * 7);
    }
    kymo::error!("the drawer is stuck");
    assert!(kymo::flush());
    println!("sold");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    kymo::warn!("closing");
    kymo::end_session(kymo::EndReason::Normal, None);
}

/// Starts the program and waits until it has sold.
fn start(folder: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut till = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", PART, "--ignored", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(till.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("sold")));
    // It may go on to print.
    (till, lines)
}

#[test]
fn a_program_that_is_killed_is_followed_to_its_end() {
    let kymo = Kymo::with_project(KYMO);
    let folder = TempDir::new().unwrap();
    let (mut till, _lines) = start(folder.path());
    import(&kymo, folder.path());
    let running = session(&kymo);
    assert_eq!((&running["state"], &running["kind"]), (&json!("running"), &json!("process")));
    assert!(running["event_count"].as_u64() >= Some(501), "{}", running["event_count"]);
    assert_eq!((&running["application"], &running["version"]), (&json!("till"), &json!("1.2.3")));
    till.kill().unwrap();
    till.wait().unwrap();

    let files = folder.path().join("Shop/till");
    let (recovered, failed) = kymo::recover(&files).unwrap();
    assert_eq!((recovered.len(), failed), (1, vec![]));
    let lines = import(&kymo, folder.path());
    assert!(lines[0].contains("gone on with"), "{lines:?}");
    let ended = session(&kymo);
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("killed")));
    assert_eq!(ended["end_recovered"], true);
    assert_eq!(ended["id"], running["id"]);
    check(&kymo, folder.path());
    assert!(import(&kymo, folder.path())[0].contains("there already"));
    assert_eq!(session(&kymo), ended);
}

#[test]
fn a_program_that_ends_well_is_one_session() {
    let kymo = Kymo::with_project(KYMO);
    let folder = TempDir::new().unwrap();
    let (mut till, _lines) = start(folder.path());
    import(&kymo, folder.path());
    drop(till.stdin.take());
    assert!(till.wait().unwrap().success());
    import(&kymo, folder.path());
    let ended = session(&kymo);
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("normal")));
    check(&kymo, folder.path());
}
