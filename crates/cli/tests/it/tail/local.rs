//! Programs on this machine, with the agent's library: followed by their files.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::{Tail, json};
use crate::KYMO;

/// In the environment of a process that plays the program: the repository, and its application.
const FOLDER: &str = "KYMO_TEST_TAIL";
const APPLICATION: &str = "KYMO_TEST_TAIL_APP";
/// Server and token, where it lets itself be followed.
const SERVER: &str = "KYMO_TEST_TAIL_SERVER";
const PART: &str = "tail::local::plays_a_till";

#[test]
#[ignore = "played by another test"]
fn plays_a_till() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let application = std::env::var(APPLICATION).unwrap();
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let mut builder =
        kymo::builder("Shop", &application).version("1").repository(folder).retention(retention);
    if let Ok(server) = std::env::var(SERVER) {
        let (url, token) = server.split_once(' ').unwrap();
        builder = builder.server(url, token).live(true);
    }
    let session = builder.start();
    assert_eq!(session.refused(), None);
    println!("runs");
    let mut sold = 0_u64;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match line.as_str() {
            "sell" | "sell some" => {
                for _ in 0..if line == "sell" { 100 } else { 2 } {
                    sold += 1;
                    kymo::info!("sold {number} for {price}", number = sold, price = sold * 7);
                }
            }
            "flush" => assert!(kymo::flush()),
            "roll" => assert!(kymo::close_fragment()),
            _ => break,
        }
        println!("did {line}");
    }
    kymo::warn!("closing");
    kymo::error!("the last of all");
    kymo::end_session(kymo::EndReason::Normal, None);
}

pub(crate) struct Till {
    process: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Till {
    fn start(folder: &Path, application: &str) -> Self {
        Self::of(&mut Command::new(std::env::current_exe().unwrap()), folder, application)
    }

    /// Which is followed at that server.
    #[cfg(feature = "server")]
    pub(crate) fn live(folder: &Path, url: &str, token: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::of(command.env(SERVER, format!("{url} {token}")), folder, "till")
    }

    fn of(command: &mut Command, folder: &Path, application: &str) -> Self {
        let mut process = command
            .args(["--exact", PART, "--ignored", "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder)
            .env(APPLICATION, application)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut till = Self { process, answers };
        till.answers("runs");
        till
    }

    fn answers(&mut self, expected: &str) {
        assert!(self.answers.by_ref().map_while(Result::ok).any(|line| line.contains(expected)));
    }

    pub(crate) fn does(&mut self, what: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{what}").unwrap();
        self.answers(&format!("did {what}"));
    }

    pub(crate) fn ends(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

fn follow(folder: &Path, args: &[&str]) -> Tail {
    let folder = folder.to_str().unwrap();
    Tail::start(&[&["--local", folder, "--json"], args].concat())
}

/// What readers of files make of them.
pub(super) fn recorded(folder: &Path) -> Vec<String> {
    let output = Command::new(KYMO).args(["open", "--json"]).arg(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

pub(super) fn has(lines: &[String], message: &str) -> bool {
    lines.iter().any(|line| line.contains(&format!("\"message\":\"{message}\"")))
}

#[test]
fn a_program_is_followed_over_its_fragments_to_its_end() {
    let folder = TempDir::new().unwrap();
    let mut till = Till::start(folder.path(), "till");
    till.does("sell");
    till.does("flush");
    let start = follow(folder.path(), &["--from-start"]);
    let lines = start.until("what it sold", |lines| has(lines, "sold 100 for 700"));
    let id = json(&lines)[0]["session_id"].as_str().unwrap().to_owned();
    let one = Tail::start(&[&id, "--local", folder.path().to_str().unwrap(), "--json", "--from-start"]);
    one.until("what it sold", |lines| has(lines, "sold 100 for 700"));
    // Nothing asks for it: the agent writes by itself.
    till.does("sell");
    start.until("what it sold next", |lines| has(lines, "sold 200 for 1400"));
    let now = follow(folder.path(), &[]);
    let shown = Tail::start(&[
        "--local",
        folder.path().to_str().unwrap(),
        "--filter",
        "closing OR \"the last of all\" OR for",
    ]);
    for _ in 0..3 {
        till.does("roll");
        till.does("sell");
        till.does("flush");
    }
    start.until("what came behind fragments", |lines| has(lines, "sold 500 for 3500"));
    // From now on is from when they looked first: there is something to see then.
    while now.lines().is_empty() || shown.lines().is_empty() {
        till.does("sell some");
        till.does("flush");
    }
    till.ends();
    let (code, lines, said) = one.ends();
    let expected = recorded(folder.path());
    assert_eq!((code, &lines), (0, &expected), "{said}");
    assert!(said.contains("has ended: normal"), "{said}");
    start.until("its end", |lines| lines.len() == expected.len());
    assert_eq!(start.lines(), expected);
    // From wherever it began, all that came.
    let lines = now.until("its end", |lines| lines.last() == expected.last());
    assert_eq!(lines, expected[expected.len() - lines.len()..]);
    let is_last = |lines: &[String]| lines.last().is_some_and(|line| line.contains("the last of all"));
    let lines = shown.until("the last that fits", is_last);
    assert!(lines.iter().all(|line| line.contains(" till#")), "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.contains(" ERROR ")), "{lines:?}");
}

#[test]
fn new_programs_are_joined_and_those_that_are_killed_have_their_last_words() {
    let folder = TempDir::new().unwrap();
    let everything = follow(folder.path(), &[]);
    let stock = follow(folder.path(), &["--app", "stock"]);
    // They have looked: what comes now is new.
    for tail in [&everything, &stock] {
        tail.says("nothing is recorded");
    }
    let mut till = Till::start(folder.path(), "till");
    till.does("sell");
    till.does("flush");
    let mut other = Till::start(folder.path(), "stock");
    other.does("sell");
    stock.until("a program that came", |lines| has(lines, "sold 100 for 700"));
    let both =
        |lines: &[String]| lines.iter().filter(|line| line.contains("\"sold 100 for 700\"")).count() == 2;
    everything.until("a program that came", both);
    other.does("sell");
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    let lines = stock.until("its last words", |lines| has(lines, "sold 200 for 1400"));
    stock.says("has ended: killed");
    assert_eq!(lines, recorded(&folder.path().join("Shop/stock")));
    till.ends();
}

#[test]
fn what_is_not_there_is_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let none = "0192f0c1-2b3c-8d4e-9f50-000000000000";
    let (code, _, said) = Tail::start(&[none, "--local", path]).ends();
    assert!(code == 6 && said.contains("there is no session"), "{code} {said}");
    let (code, _, said) = Tail::start(&["--local", &format!("{path}/nowhere")]).ends();
    assert!(code == 1 && said.contains("cannot read"), "{code} {said}");
    let (code, _, said) = Tail::start(&["till", "--local", path]).ends();
    assert!(code == 1 && said.contains("is no session's id"), "{code} {said}");
    let waits = Tail::start(&["--local", path]);
    waits.says("nothing is recorded");
}
