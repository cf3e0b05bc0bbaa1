//! What came of it: lines for people, JSON for scripts, an exit code for both.

use std::path::PathBuf;
use std::process::ExitCode;

use kymo_viewer::{harmless, size_text};
use serde::Serialize;

use crate::print::Output;

/// The exit codes, as the help lists them. The first counts where several hold, but for `Unreadable`, which is the
/// least of all that is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    #[default]
    Done = 0,
    Failed = 1,
    Usage = 2,
    Unreadable = 3,
    NotFound = 4,
    Unsent = 5,
    Refused = 6,
    Target = 7,
    Cancelled = 8,
    Held = 9,
}

/// A package that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// A session that went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Went {
    pub(super) id: String,
    /// `whole`, or `so_far` of one that runs, or `before` if nothing was left to send.
    pub(super) what: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    #[serde(rename = "outcome")]
    pub(super) how: Code,
    pub(super) code: u8,
    pub(super) sessions: Vec<Went>,
    /// The package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<Written>,
    /// Mails that were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mails: Option<usize>,
    /// The server that they went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    /// Bytes that went.
    pub(super) bytes: u64,
    /// What could not be read.
    pub(super) unreadable: Vec<String>,
    /// What did not go, and why.
    pub(super) failed: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Outcome {
    pub(super) fn failed(code: Code, text: impl Into<String>) -> Self {
        let mut outcome = Self { failed: vec![text.into()], ..Self::default() };
        outcome.becomes(code);
        outcome
    }

    /// The first thing that went wrong counts, but what is worse than something unreadable goes over that.
    pub(super) fn becomes(&mut self, code: Code) {
        if matches!(self.how, Code::Done | Code::Unreadable) && code != Code::Done {
            self.how = code;
            self.code = code as u8;
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut output = Output::new();
        if json {
            output.line(&serde_json::to_string(self)?)?;
            return output.finish();
        }
        self.good_lines().iter().try_for_each(|line| output.line(line))?;
        output.finish()?;
        for line in self.bad_lines() {
            eprintln!("kymo: {line}");
        }
        Ok(())
    }

    /// What went where.
    pub(super) fn good_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let count = |what: &str| self.sessions.iter().filter(|went| went.what == what).count();
        let sessions =
            |count: usize| if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") };
        let went = self.sessions.len() - count("before");
        if let Some(Written { path, bytes }) = &self.package {
            let path = harmless(&path.display().to_string());
            lines.push(format!("{} packed into {path}, {}", sessions(went), size_text(*bytes)));
        }
        if let Some(mails) = self.mails.filter(|mails| *mails > 0) {
            let mails = if mails == 1 { "one mail".to_owned() } else { format!("{mails} mails") };
            lines.push(format!("{} sent in {mails}, {}", sessions(went), size_text(self.bytes)));
        }
        if let Some(server) = self.server.as_ref().filter(|_| went > 0) {
            lines.push(format!("{} sent to {}, {}", sessions(went), harmless(server), size_text(self.bytes)));
        }
        let (so_far, before) = (count("so_far"), count("before"));
        if so_far > 0 {
            lines.push(format!("{} still run: what there is so far", sessions(so_far)));
        }
        if before > 0 {
            lines.push(format!("{} went before", sessions(before)));
        }
        if lines.is_empty() && self.failed.is_empty() {
            lines.push("there was nothing to pack".to_owned());
        }
        lines
    }

    /// What did not go, and why.
    pub(super) fn bad_lines(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter().map(|text| format!("could not be read: {}", harmless(text)));
        let others = self.failed.iter().chain(&self.notes).map(|text| harmless(text));
        unreadable.chain(others).collect()
    }
}
