//! The examples as their users run them, and what a person then sees of these runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::files::ran_with;
use super::pty::Pty;
use crate::KYMO;

const ENTER: &str = "\r";
const SIZE: (u16, u16) = (120, 40);

/// The example's program: built together with `kymo` when all is tested, and here when only this is.
fn program(example: &str) -> PathBuf {
    let package = format!("kymo-example-{example}");
    let path = Path::new(KYMO).with_file_name(&package);
    if !path.exists() {
        let target = Path::new(KYMO).ancestors().nth(2).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", &package, "--target-dir"]).arg(target);
        assert!(cargo.status().unwrap().success(), "{package} is built");
    }
    path
}

fn start(example: &str, repository: &Path, args: &[&str]) -> Child {
    Command::new(program(example))
        .args(args)
        .current_dir(repository.parent().unwrap())
        .env("KYMO_REPOSITORY", repository)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The only session there is, as scripts see it.
fn listed(repository: &Path) -> Value {
    let (out, said, code) = ran_with(&["sessions", "--local", "--json"], &[("KYMO_REPOSITORY", repository)]);
    assert_eq!((code, out.lines().count()), (0, 1), "{out}{said}");
    serde_json::from_str(&out).unwrap()
}

/// Opens the repository in a terminal, which shows its only session.
fn opened(repository: &Path, application: &str) -> Pty {
    let pty = Pty::open(repository, SIZE);
    pty.shows(application);
    pty
}

#[test]
fn a_tool_that_failed_is_opened() {
    let folder = TempDir::new().unwrap();
    let repository = folder.path().join("sessions");
    std::fs::write(folder.path().join("a.txt"), "three small words").unwrap();
    let status = start("cli-tool", &repository, &["a.txt", "missing.txt"]).wait().unwrap();
    assert_eq!(status.code(), Some(1));
    let session = listed(&repository);
    assert_eq!((&session["application"], &session["state"]), (&"cli-tool".into(), &"ended".into()));
    assert_eq!(session["end_reason"], "normal");
    let mut pty = opened(&repository, "cli-tool");
    pty.shows("a.txt has 3 words");
    pty.shows("a file was left out");
    pty.keys("e");
    pty.keys(ENTER);
    pty.shows("missing.txt");
    pty.shows("No such file");
    pty.keys("q");
}

#[test]
fn a_program_that_was_killed_is_opened_with_its_last_words() {
    let folder = TempDir::new().unwrap();
    let repository = folder.path().join("sessions");
    let mut child = start("desktop-like", &repository, &[]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"login ann\nnote milk\nflub\n").unwrap();
    // The last command is recorded when the repository has it: it may be in the spool only.
    let spooled = || {
        let files = kymo_files(&repository).into_iter().map(|path| std::fs::read(path).unwrap_or_default());
        files.into_iter().any(|bytes| bytes.windows(4).any(|four| four == b"flub"))
    };
    while !spooled() {
        assert_eq!(child.try_wait().unwrap(), None, "it waits for more");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (out, said, _) = ran_with(&["sessions", "--local"], &[("KYMO_REPOSITORY", repository.as_path())]);
    assert!(said.contains("had no end: killed"), "{said}");
    assert!(out.contains("desktop-like") && out.contains("killed"), "{out}");
    let mut pty = opened(&repository, "desktop-like");
    pty.shows("killed");
    pty.shows("there is no such command");
    pty.keys("q");
    assert_eq!(listed(&repository)["end_reason"], "killed");
}

/// All files of the repository but summaries.
fn kymo_files(repository: &Path) -> Vec<PathBuf> {
    let folder = repository.join("Examples/desktop-like");
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn a_service_is_opened_with_its_requests() {
    let folder = TempDir::new().unwrap();
    let repository = folder.path().join("sessions");
    let mut child = start("axum-service", &repository, &[]);
    let mut address = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
    for path in ["/cart/ann", "/cart/nobody"] {
        let mut stream = TcpStream::connect(address.trim()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let mut pty = opened(&repository, "axum-service");
    pty.shows("the cart was shown");
    pty.shows("no cart");
    pty.keys("e");
    pty.keys(ENTER);
    pty.shows("nobody is unknown");
    pty.shows("/cart/nobody");
    pty.keys("q");
}
