//! Questions in windows, by the helper executable: one line of JSON to it, one back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Choice, ConsentAnswer, ConsentQuestion, FrontEnd, Problem, ProblemAnswer, asking};
use crate::session::running;

/// Of the form of these lines.
const VERSION: u32 = 1;
/// Longest answer that is read; ours have some hundred bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Asks by the windows of the helper executable (`kymo dialog`), if it is there and there is a screen.
#[derive(Clone, Debug, Default)]
pub struct DialogFrontEnd {
    executable: Option<PathBuf>,
}

impl DialogFrontEnd {
    /// By what the session's settings say, or else the `kymo` beside the program.
    pub fn new() -> Self {
        Self::default()
    }

    /// By that executable.
    pub fn of(executable: PathBuf) -> Self {
        Self { executable: Some(executable) }
    }

    /// The answer to a question; none if no window could be shown.
    fn ask(&self, question: &Value) -> Option<Value> {
        let executable = match &self.executable {
            Some(executable) => executable.clone(),
            None => asking::dialogs(&running()?.policy.settings())?.executable?,
        };
        let answered = ask(&executable, question);
        match answered {
            Ok(answer) => Some(answer),
            Err(error) => {
                let text = format!("{}: no dialog: {error}", executable.display());
                if let Some(running) = running() {
                    running.progress.failed(&io::Error::new(error.kind(), text));
                }
                None
            }
        }
    }
}

impl FrontEnd for DialogFrontEnd {
    fn ask_consent(&self, question: &ConsentQuestion) -> Option<ConsentAnswer> {
        let mut said = serde_json::to_value(question).ok()?;
        said["version"] = VERSION.into();
        said["kind"] = "consent".into();
        let answer = self.ask(&said)?;
        Some(match answer["choice"].as_str() {
            Some("yes") => ConsentAnswer::Yes { include_details: answer["include_details"] == true },
            Some("no") => ConsentAnswer::No,
            _ => ConsentAnswer::Later,
        })
    }

    fn tell_problem(&self, problem: &Problem) -> Option<ProblemAnswer> {
        let said = json!({
            "version": VERSION,
            "kind": "error",
            "application": problem.application,
            "version_text": problem.version,
            "message": problem.message,
            "details": problem.details,
            "can_restart": problem.can_restart,
            "is_blocking": problem.is_blocking,
        });
        let answer = self.ask(&said)?;
        Some(ProblemAnswer {
            choice: match answer["choice"].as_str() {
                Some("restart") if problem.can_restart => Choice::Restart,
                Some("continue") if !problem.is_blocking => Choice::Continue,
                _ => Choice::Close,
            },
            ignore_further: answer["ignore_further"] == true,
            report_at_end: answer["report_at_end"] == true,
        })
    }
}

/// Waits as long as the person does.
fn ask(executable: &std::path::Path, question: &Value) -> io::Result<Value> {
    let mut child = Command::new(executable)
        .arg("dialog")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = exchange(&mut child, question);
    if answer.is_err() {
        let _ = child.kill();
    }
    let ended = child.wait()?;
    let answer = answer?;
    if !ended.success() || answer.get("error").is_some() {
        return Err(io::Error::other(format!("{ended}, {answer}")));
    }
    Ok(answer)
}

fn exchange(child: &mut Child, question: &Value) -> io::Result<Value> {
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{question}")?;
    }
    let mut answer = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output.take(ANSWER_BYTES_MAX)).read_line(&mut answer)?;
    }
    serde_json::from_str(&answer).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("expected an answer in JSON: {error}"))
    })
}
