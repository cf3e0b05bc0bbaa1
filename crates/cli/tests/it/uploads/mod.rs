//! Sessions of programs as files, to the real server: imported twice, in small pieces, through kills. What is stored is
//! compared, event by event, with what reading the files gives.

mod client;
mod doors;
mod faults;
mod full;
mod kill;
mod pieces;
mod policy;
mod programs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kymo_testkit::Kymo;
use kymo_testkit::record_requests::record_fragments;
use kymo_testkit::requests::requests;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::KYMO;

/// Ten thousand requests in a folder of fragments.
fn session_files(fragments: usize) -> (TempDir, Vec<Vec<u8>>) {
    let folder = TempDir::new().unwrap();
    let files = record_fragments(&requests(), fragments).unwrap();
    for (number, file) in (1..).zip(&files) {
        std::fs::write(folder.path().join(format!("s.{number:04}.kymo")), file).unwrap();
    }
    (folder, files)
}

fn kymo(args: &[&str]) -> Output {
    Command::new(KYMO).args(args).env_remove("KYMO_TOKEN").output().unwrap()
}

/// `kymo import`: the lines it printed.
fn import(kymo: &Kymo, path: &Path) -> Vec<String> {
    let (path, token) = (path.to_str().unwrap(), kymo.ingest_token.as_str());
    let output = self::kymo(&["import", path, "--server", kymo.url(), "--token", token]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What both sides have to say of an event.
fn told(mut event: Value) -> Value {
    let names = ["sequence", "time", "severity", "severity_number", "kind", "category", "message", "user"];
    let mut told = json!({});
    for name in names.iter().chain(&["reference_id", "exception", "attributes"]) {
        told[*name] = event[*name].take();
    }
    told
}

/// The events in the files below that path, as the reader says.
fn read(path: &Path) -> Vec<Value> {
    let output = kymo(&["open", "--json", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| told(serde_json::from_str(line).unwrap())).collect()
}

/// The only session of the server.
fn session(kymo: &Kymo) -> Value {
    let sessions = kymo.sessions();
    assert_eq!(sessions.len(), 1, "one session");
    sessions[0].clone()
}

/// Its events equal those of the files.
fn check(kymo: &Kymo, files: &Path) {
    let stored: Vec<Value> = kymo.events(&session(kymo)).into_iter().map(told).collect();
    let expected = read(files);
    assert_eq!(stored.len(), expected.len());
    for (stored, expected) in stored.iter().zip(&expected) {
        assert_eq!(stored, expected);
    }
}

fn counter(kymo: &Kymo, name: &str) -> u64 {
    let status = kymo.get("/api/v1/status");
    status[name].as_u64().or(status["dropped"][name].as_u64()).unwrap_or(0)
}

/// The session as one file.
fn download(kymo: &Kymo, to: &Path) -> PathBuf {
    let id = session(kymo)["id"].as_str().unwrap().to_owned();
    let mut answer = ureq::get(format!("{}/api/v1/sessions/{id}/download", kymo.url()))
        .header("authorization", format!("Bearer {}", kymo.read_token))
        .call()
        .unwrap();
    let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let bytes = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    assert_eq!(bytes.len(), length);
    let path = to.join(format!("{id}.kymo"));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn files_are_imported_once_however_often() {
    let mut kymo = Kymo::with_project(KYMO);
    let (folder, files) = session_files(3);
    let bytes: usize = files.iter().map(Vec::len).sum();
    let lines = import(&kymo, folder.path());
    assert!(lines[0].contains(&format!("new\t{bytes} bytes sent, 0 there already")), "{lines:?}");
    check(&kymo, folder.path());
    let before = session(&kymo);
    assert_eq!((&before["kind"], &before["state"]), (&json!("process"), &json!("ended")));
    assert_eq!((&before["end_reason"], &before["end_recovered"]), (&json!("crashed"), &json!(false)));
    assert_eq!((&before["application"], &before["host"]), (&json!("Gen bulk"), &json!("build-7")));
    let process = json!({"recorded": 10_000, "missing": 0, "lost": {"ring_full": 3}, "previous_id": null,
        "messages": 0, "awaited_errors": 0, "requested": false});
    assert_eq!(before["process"], process);

    let lines = import(&kymo, &folder.path().join("s.0002.kymo"));
    assert!(lines[0].contains(&format!("there already\t0 bytes sent, {bytes}")), "{lines:?}");
    assert!(lines[1].starts_with("1 sessions: 0 new, 0 gone on with, 1 there already"), "{lines:?}");
    assert_eq!(session(&kymo), before);
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (10_000, 0));

    // As one file it opens without a server, and says the same.
    let one = TempDir::new().unwrap();
    let path = download(&kymo, one.path());
    assert_eq!(read(&path), read(folder.path()));
    assert!(import(&kymo, &path)[0].contains("there already\t0 bytes sent"));
    let mut other = Kymo::with_project(KYMO);
    assert!(import(&other, &path)[0].contains("new"));
    check(&other, folder.path());
    assert!(other.stop().success());

    // A backup has the files, too.
    let backup = one.path().join("backup");
    kymo.command(&["backup", "--to", backup.to_str().unwrap()]);
    let copies = std::fs::read_dir(backup.join("uploads")).unwrap().count();
    assert_eq!(copies, 3);
    assert!(kymo.stop().success());
    kymo.start();
    assert_eq!(std::fs::read(download(&kymo, one.path())).unwrap(), std::fs::read(&path).unwrap());
    check(&kymo, folder.path());
}

#[test]
fn what_is_no_session_file_is_passed_over_and_said() {
    let kymo = Kymo::with_project(KYMO);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("odd.kymo"), b"no session").unwrap();
    let args = ["import", folder.path().to_str().unwrap(), "--server", kymo.url(), "--token"];
    let output = self::kymo(&[&args[..], &[&kymo.ingest_token]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("passed over"));
    let (files, _) = session_files(1);
    let args = ["import", files.path().to_str().unwrap(), "--server", kymo.url(), "--token"];
    let output = self::kymo(&[&args[..], &[&kymo.read_token]].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("use one of scope ingest"), "{said}");
}
