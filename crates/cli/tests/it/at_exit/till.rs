//! A program with the agent's library that does what its standard input says, line by line.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use kymo::{
    Choice, ConsentAnswer, ConsentQuestion, ConsentState, DialogFrontEnd, EndReason, FrontEnd, Problem,
    ProblemAnswer,
};
use kymo_testkit::Kymo;

use crate::KYMO;

/// In the environment of a process that plays the program: its repository.
const FOLDER: &str = "KYMO_TEST_TILL";
const PART: &str = "at_exit::till::plays_a_till";

/// A person who ticks the box.
#[derive(Debug)]
struct Ticks;

impl FrontEnd for Ticks {
    fn ask_consent(&self, _: &ConsentQuestion) -> Option<ConsentAnswer> {
        Some(ConsentAnswer::No)
    }

    fn tell_problem(&self, problem: &Problem) -> Option<ProblemAnswer> {
        assert_eq!((problem.application.as_str(), problem.version.as_deref()), ("till", Some("1.2.3")));
        let choice = if problem.is_blocking { Choice::Close } else { Choice::Continue };
        Some(ProblemAnswer { choice, ignore_further: true, report_at_end: true })
    }
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_till() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let retention = kymo::Retention { free_disk_min: 0, ..kymo::Retention::default() };
    let builder = kymo::builder("Shop", "till").version("1.2.3").repository(folder).retention(retention);
    let session = builder.start();
    assert_eq!(session.refused(), None);
    kymo::info!("the till is open");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let mut answer = String::new();
        match command {
            "info" => kymo::info!("{text}", text = rest),
            "error" => kymo::error!("{text}", text = rest),
            "front" => kymo::set_front_end(Ticks),
            "windows" => kymo::set_front_end(DialogFrontEnd::new()),
            "ask" => {
                let _ = write!(answer, "{:?}", kymo::ask_consent_if_due().unwrap().state);
            }
            "problem" => {
                kymo::error!("{text}", text = rest);
                let _ = write!(answer, "{:?}", kymo::tell_problem(Problem::new(rest)));
            }
            "panic" => drop(std::thread::spawn(|| panic!("no change left")).join().unwrap_err()),
            "abort" => std::process::abort(),
            "exit" => kymo::set_send_sessions_on_exit(rest == "on"),
            "alert" => kymo::on_alert(|alert: &kymo::Alert<'_>| {
                alert.send_on_exit();
            }),
            "yes" => drop(kymo::set_consent(ConsentState::Granted).unwrap()),
            "no" => drop(kymo::set_consent(ConsentState::Refused).unwrap()),
            "end" => drop(kymo::end_session(EndReason::Normal, None)),
            "status" => {
                let status = kymo::status().unwrap();
                let _ = write!(answer, "{}", status.notes.join("; "));
            }
            other => panic!("no command {other:?}"),
        }
        println!("done {answer}");
    }
    drop(session);
}

/// The program under way.
pub(super) struct Till {
    pub(super) process: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

/// Settings for a program that sends there.
pub(super) fn sends_to(kymo: &Kymo, url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("SERVER", url.to_owned()),
        ("TOKEN", kymo.ingest_token.clone()),
        ("HELPER", KYMO.to_owned()),
        ("AUTO_SEND_SESSIONS", "false".to_owned()),
        ("AUTO_SEND_ON_ERROR", "false".to_owned()),
    ]
}

impl Till {
    /// Starts it with what people would set in the environment; a later one of a name goes over an earlier one.
    pub(super) fn start(folder: &Path, settings: &[(&str, String)], more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", PART, "--ignored", "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder);
        for (name, value) in settings {
            command.env(format!("KYMO__AGENT__{name}"), value);
        }
        for (name, value) in more {
            command.env(format!("KYMO__AGENT__{name}"), value);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, answers }
    }

    /// Has it do something; what it answers.
    pub(super) fn say(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer(line)
    }

    /// Has it do something that waits for a person.
    pub(super) fn tell(&mut self, line: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// What it answers to that.
    pub(super) fn answer(&mut self, line: &str) -> String {
        let answer = self.answers.by_ref().map_while(Result::ok).find_map(|line| {
            // The harness writes on the same line before the first.
            line.split_once("done ").map(|(_, answer)| answer.to_owned())
        });
        answer.unwrap_or_else(|| panic!("it does {line:?}"))
    }

    /// Has it end by itself, and waits for that.
    pub(super) fn close(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }

    /// `kill -9`.
    pub(super) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until its helper waits for its end, and gives the helper's process id.
    pub(super) fn helper(&self) -> u32 {
        kymo_testkit::kymo::wait_for("a helper", || helper_of(self.process.id()))
    }

    pub(super) fn has_helper(&self) -> bool {
        helper_of(self.process.id()).is_some()
    }
}

/// The helper that a process has, if that has left the process's session already.
fn helper_of(parent: u32) -> Option<u32> {
    let mut helpers = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let said = std::fs::read(entry.path().join("cmdline")).ok()?;
        let is_helper = said.strip_suffix(b"\0").is_some_and(|said| said.ends_with(b"\0helper"));
        let (its_parent, session) = parent_and_session(pid)?;
        (is_helper && its_parent == parent && session == pid).then_some(pid)
    });
    let helper = helpers.next();
    assert_eq!(helpers.next(), None, "one helper for each process");
    helper
}

fn parent_and_session(pid: u32) -> Option<(u32, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let session = fields.nth(1)?.parse().ok()?;
    (state != "Z").then_some((parent, session))
}
