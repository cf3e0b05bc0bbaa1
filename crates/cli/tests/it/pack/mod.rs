//! Sessions of real programs, brought away: into files, by a real mail server, in a real terminal. What arrives is compared,
//! event by event, with what lies on the disk.

mod files;
mod mail;
mod server;
pub(crate) mod smtp;
mod wizard;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::KYMO;

/// In the environment of a process that plays a program: the repository, and what it is and does.
const FOLDER: &str = "KYMO_TEST_PACK";
const APPLICATION: &str = "KYMO_TEST_PACK_APPLICATION";
const LINES: &str = "KYMO_TEST_PACK_LINES";
const PART: &str = "pack::plays_a_till";

#[test]
#[ignore = "played by other tests"]
fn plays_a_till() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let (application, lines) = (std::env::var(APPLICATION).unwrap(), std::env::var(LINES).unwrap());
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let session =
        kymo::builder("Shop", &application).version("1.2.3").repository(folder).retention(retention).start();
    assert_eq!(session.refused(), None);
    let lines: u128 = lines.parse().unwrap();
    for number in 0..lines {
        // So that there is something to send: half of it does not compress.
        let receipt = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        kymo::info!(
            "sold {number} with receipt {receipt}",
            number = number as u64,
            receipt = format!("{receipt:032x}")
        );
        if number == lines / 2 {
            kymo::close_fragment();
        }
    }
    kymo::error!("the drawer is stuck");
    assert!(kymo::flush());
    println!("sold");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    kymo::end_session(kymo::EndReason::Normal, None);
}

/// Starts a program, and waits until it has sold.
fn start(folder: &Path, application: &str, lines: usize) -> Child {
    let mut till = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", PART, "--ignored", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder)
        .env(APPLICATION, application)
        .env(LINES, lines.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(till.stdout.take().unwrap()).lines();
    assert!(said.by_ref().map_while(Result::ok).any(|line| line.contains("sold")));
    // What else it prints nobody reads; it is little.
    std::mem::forget(said);
    till
}

/// Lets it end.
fn end(mut till: Child) {
    drop(till.stdin.take());
    assert!(till.wait().unwrap().success());
}

fn ran(folder: &Path, application: &str, lines: usize) {
    end(start(folder, application, lines));
}

/// `kymo pack ARGS --repository FOLDER --json`: what it said, and its exit code.
fn pack(folder: &Path, args: &[&str]) -> (Value, i32) {
    pack_with(folder, args, &[])
}

fn pack_with(folder: &Path, args: &[&str], environment: &[(&str, &Path)]) -> (Value, i32) {
    let output =
        kymo(&[&["pack", "--json", "--repository", folder.to_str().unwrap()], args].concat(), environment);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let code = output.status.code().unwrap();
    assert_eq!(said["code"], code, "{said}");
    (said, code)
}

fn kymo(args: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(KYMO);
    command.args(args).env_remove("KYMO_TOKEN").env_remove("KYMO_REPOSITORY");
    command.envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

/// Every event below that path, as the reader says; nothing may be damaged or doubtful.
pub(crate) fn events(path: &Path) -> Vec<String> {
    let output = kymo(&["open", "--json", path.to_str().unwrap()], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{}: {said}", path.display());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Sessions of a folder or package, as scripts see them.
fn listed(path: &Path) -> Vec<Value> {
    let output = kymo(&["sessions", "--json", "--local", path.to_str().unwrap()], &[]);
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The first event in which two lists differ is what to look at, not all of them.
pub(crate) fn assert_same(found: &[String], expected: &[String]) {
    let differing = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert!(found == expected, "{} events, expected {}: {differing:?}", found.len(), expected.len());
}
