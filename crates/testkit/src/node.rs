//! Scripts of `tests/node` as processes: real JavaScript agents, and what drives a browser.
//!
//! A script prints JSON lines and ends by itself; its last line is `{"done": true}`. Each runs in a
//! folder of its own, because agents keep files in the folder they are started in.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::kymo::{Kymo, needed};

/// No step of a script takes a tenth of this, on a quiet machine.
const NEXT_LINE_WITHIN: Duration = Duration::from_mins(2);

/// A script that runs. One that still runs when this is dropped is killed.
pub struct Script {
    name: String,
    process: Child,
    input: Option<ChildStdin>,
    output: mpsc::Receiver<String>,
    lines: Vec<Value>,
    /// Removed with the script.
    _folder: TempDir,
}

impl Script {
    /// Starts the script of that path below `tests/node`; it learns the server and the ingest token
    /// from `KYMO_URL` and `KYMO_TOKEN`.
    pub fn start(name: &str, kymo: &Kymo, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let server = [("KYMO_URL", kymo.url()), ("KYMO_TOKEN", kymo.ingest_token.as_str())];
        Self::start_with(name, args, &[&server, environment].concat())
    }

    /// Starts the script of that path below `tests/node`, which is told no more than the environment says.
    pub fn start_with(name: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("kymo-node-").tempdir().expect("a temporary folder");
        let mut process = Command::new("node")
            .arg(needed("KYMO_NODE_TESTS").join(name))
            .args(args)
            .envs(environment.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let input = process.stdin.take();
        let reader = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            reader.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { name: name.to_owned(), process, input, output, lines: Vec::new(), _folder: folder }
    }

    /// A browser whose tabs show pages with that agent, driven by lines (see `tabs.mjs`); and the origin of the pages.
    pub fn tabs(kymo: &Kymo, agent: &str) -> (Self, String) {
        let chromium = needed("KYMO_CHROMIUM");
        let environment = [("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8"))];
        let mut browser = Self::start("tabs.mjs", kymo, &[agent], &environment);
        let origin = browser.answer()["origin"].as_str().expect("an origin").to_owned();
        (browser, origin)
    }

    /// Says lines, each after the answer to the one before; the last answer.
    pub fn ask_all(&mut self, lines: &[&str]) -> Value {
        lines.iter().map(|line| self.ask(line)).last().expect("something to say")
    }

    /// Says a line and waits for the answer to it, a line `{"answer": …}`, which is returned.
    pub fn ask(&mut self, line: &str) -> Value {
        let input = self.input.as_mut().expect("not finished");
        writeln!(input, "{line}").expect("the script listens");
        self.answer()
    }

    /// Waits for the next line `{"answer": …}`.
    pub fn answer(&mut self) -> Value {
        loop {
            let line = self.next_line().unwrap_or_else(|| panic!("{} ended without an answer", self.name));
            self.lines.push(line.clone());
            if line.get("answer").is_some() {
                return line;
            }
        }
    }

    /// Closes the script's input, waits for its end, which has to be a good one, and returns all it
    /// printed.
    pub fn finish(mut self) -> Vec<Value> {
        self.input = None;
        while let Some(line) = self.next_line() {
            self.lines.push(line);
        }
        let status = self.process.wait().expect("ours to wait for");
        assert!(status.success(), "{}: {status}", self.name);
        assert!(
            self.lines.iter().any(|line| line["done"] == true),
            "{} did not come to its end: {:?}",
            self.name,
            self.lines.last()
        );
        std::mem::take(&mut self.lines)
    }

    /// `None` when the script has closed its output.
    fn next_line(&self) -> Option<Value> {
        match self.output.recv_timeout(NEXT_LINE_WITHIN) {
            Ok(line) => {
                let parsed = serde_json::from_str(&line);
                Some(parsed.unwrap_or_else(|_| panic!("{} printed {line:?}", self.name)))
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{} hangs after {:?}", self.name, self.lines.last()),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Does nothing to one that has been waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
