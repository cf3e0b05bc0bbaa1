//! `kymo tail` as people run it: what it prints is compared with what was recorded, line by line.

#[cfg(feature = "server")]
mod faults;
pub(crate) mod local;
#[cfg(feature = "server")]
mod remote;
#[cfg(feature = "server")]
mod script;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use kymo_testkit::kymo::wait_for;
use serde_json::Value;

use crate::KYMO;

/// `kymo tail`, running. It is killed when this is dropped.
pub(crate) struct Tail {
    process: Child,
    out: Arc<Mutex<Vec<String>>>,
    err: Arc<Mutex<Vec<String>>>,
}

fn collected(stream: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line));
    });
    lines
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(KYMO);
    command.arg("tail").args(args).env_remove("KYMO_TOKEN").env_remove("KYMO_REPOSITORY");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Tail {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::of(&mut command(args))
    }

    fn of(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap();
        let (out, err) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        Self { process, out: collected(out), err: collected(err) }
    }

    fn lines(&self) -> Vec<String> {
        self.out.lock().unwrap().clone()
    }

    fn said(&self) -> String {
        self.err.lock().unwrap().join("\n")
    }

    /// Waits until that holds of what it printed.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        let told = format!("{what}; it said {:?} and printed {} lines", self.said(), self.lines().len());
        wait_for(&told, || Some(self.lines()).filter(|lines| holds(lines)))
    }

    /// Waits until standard error has that.
    fn says(&self, part: &str) {
        wait_for(part, || self.said().contains(part).then_some(()));
    }

    /// Its exit code, and all it printed.
    pub(crate) fn ends(mut self) -> (i32, Vec<String>, String) {
        let ended = wait_for("its end", || self.process.try_wait().unwrap());
        // Readers see the end of the pipes some moments later.
        let whole = || Arc::strong_count(&self.out) == 1 && Arc::strong_count(&self.err) == 1;
        wait_for("all it printed", || whole().then_some(()));
        (ended.code().unwrap_or(-1), self.lines(), self.said())
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn json(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Sequences of lines of JSON.
#[cfg(feature = "server")]
pub(crate) fn sequences(lines: &[String]) -> Vec<u64> {
    json(lines).iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

/// The sequence of the last line of JSON.
#[cfg(feature = "server")]
pub(crate) fn last(lines: &[String]) -> u64 {
    lines.last().map_or(0, |line| sequences(std::slice::from_ref(line))[0])
}
