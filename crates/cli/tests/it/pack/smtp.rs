//! The mail server of the tests: `tests/python/mail_server.py`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kymo_testkit::kymo::needed;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct MailServer {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl MailServer {
    pub(crate) fn start(args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let (process, port) = run(folder.path(), args);
        Self { process, port, folder }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Once more at the same place.
    pub(crate) fn start_again(&mut self, args: &[&str]) {
        let port = self.port.to_string();
        (self.process, _) = run(self.folder.path(), &[args, &["--port", &port]].concat());
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn names(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| path.extension().is_some_and(|found| found == ending));
        names.sort();
        names
    }

    /// What the mails say that it took.
    pub(crate) fn mails(&self) -> Vec<Value> {
        let read = |path: PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        self.names("json").into_iter().map(read).collect()
    }

    /// The attachments of all mails, in one folder.
    pub(crate) fn attachments(&self) -> (&Path, Vec<PathBuf>) {
        (self.folder.path(), self.names("kymo"))
    }
}

fn run(folder: &Path, args: &[&str]) -> (Child, u16) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/mail_server.py");
    let mut process = Command::new(needed("KYMO_PYTHON"))
        .arg(script)
        .arg(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().parse().expect("the mail server starts"))
}
