//! Questions in windows, by the helper executable: one line of JSON to it, one back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{
    Choice, ConsentAnswer, ConsentQuestion, FrontEnd, Problem, ProblemAnswer, TerminalFrontEnd, asking,
};
use crate::session::running;

/// Of the form of these lines.
const VERSION: u32 = 1;
/// Longest answer that is read; ours have some hundred bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Exit codes that say that nobody was asked: the executable shows no such window, or there is no screen.
const NOT_ASKED: [i32; 2] = [2, 3];

/// Asks by the windows of the helper executable (`kymo dialog`), if it is there and there is a screen; else in the
/// terminal, as [`TerminalFrontEnd`].
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
        let Some(answer) = self.ask(&said) else { return TerminalFrontEnd.ask_consent(question) };
        Some(match answer["choice"].as_str() {
            Some("yes") => ConsentAnswer::Yes { include_details: answer["include_details"] == true },
            Some("no") => ConsentAnswer::No,
            _ => ConsentAnswer::Later,
        })
    }

    fn tell_problem(&self, problem: &Problem) -> Option<ProblemAnswer> {
        let mut said = json!({
            "version": VERSION,
            "kind": "error",
            "application": problem.application,
            "message": problem.message,
            "details": problem.details,
            "can_restart": problem.can_restart,
            "is_blocking": problem.is_blocking,
        });
        // What is not known is left out: the window has words for it.
        if let Some(version) = &problem.version {
            said["version_text"] = version.as_str().into();
        }
        if let Some(running) = running() {
            let settings = running.policy.settings();
            said["can_report"] = (settings.server.is_some() || settings.mail.is_some()).into();
            if let Some(company) = settings.company {
                said["company"] = company.into();
            }
        }
        let Some(answer) = self.ask(&said) else { return TerminalFrontEnd.tell_problem(problem) };
        Some(ProblemAnswer {
            choice: match answer["choice"].as_str() {
                Some("restart") if problem.can_restart => Choice::Restart,
                // Also a window that was closed: a program that can go on goes on.
                _ if !problem.is_blocking => Choice::Continue,
                _ => Choice::Close,
            },
            ignore_further: answer["ignore_further"] == true,
            report_at_end: answer["report_at_end"] == true,
        })
    }
}

/// Waits as long as the person does. A dialog that was ended counts as one that was closed: it answers `null`.
fn ask(executable: &Path, question: &Value) -> io::Result<Value> {
    let mut child = Command::new(executable)
        .arg("dialog")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = exchange(&mut child, question);
    if answer.is_err() {
        // One that ends already keeps its exit code.
        let _ = child.kill();
    }
    let ended = child.wait()?;
    match ended.code() {
        Some(0) => answer,
        Some(code) if NOT_ASKED.contains(&code) => {
            let told = answer.map(|answer| format!(", {answer}")).unwrap_or_default();
            Err(io::Error::other(format!("{ended}{told}")))
        }
        _ => Ok(Value::Null),
    }
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
