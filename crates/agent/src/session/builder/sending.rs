//! What is to be sent when, said by the program (feature `send`).

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Builder;
use crate::sending::{MailSettings, Secret, SendSettings};

/// Longest file with a token that is read; ours have some fifty letters.
const TOKEN_BYTES_MAX: u64 = 4096;

impl Builder {
    /// All of it at once. At first nothing leaves: there is no server.
    #[must_use]
    pub fn send(mut self, settings: SendSettings) -> Self {
        self.send = settings;
        self
    }

    /// Some of it.
    #[must_use]
    pub fn change_send(mut self, change: impl FnOnce(&mut SendSettings)) -> Self {
        change(&mut self.send);
        self
    }

    /// The server, such as `https://kymo.example`, and a token of scope `ingest` for it.
    #[must_use]
    pub fn server(self, url: &str, token: &str) -> Self {
        self.change_send(|send| (send.server, send.token) = (Some(url.to_owned()), Secret::new(token)))
    }

    /// The file with the token; it is read when the session begins, and goes over a token that was said.
    #[must_use]
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = Some(path.into());
        self
    }

    /// Whether everything goes to the server, as its policy wants it. At first it does.
    #[must_use]
    pub fn auto_send_sessions(self, is_on: bool) -> Self {
        self.change_send(|send| send.auto_send_sessions = is_on)
    }

    /// Whether what there is of the session goes at once on an error, again after five minutes at the earliest. At first it
    /// does.
    #[must_use]
    pub fn auto_send_on_error(self, is_on: bool) -> Self {
        self.change_send(|send| send.auto_send_on_error = is_on)
    }

    /// Whether sessions of all applications of the product go, not of this one alone. At first they do not.
    #[must_use]
    pub fn send_all_applications(self, is_on: bool) -> Self {
        self.change_send(|send| send.send_all_applications = is_on)
    }

    /// Whether fragments are removed once the server has confirmed them. At first they stay.
    #[must_use]
    pub fn purge_sent_sessions(self, is_on: bool) -> Self {
        self.change_send(|send| send.purge_sent_sessions = is_on)
    }

    /// Whether the whole session goes as soon as the process has ended, however it ends, with what was not sent before: by the
    /// helper, else by the next start. At first it does not by this rule.
    #[must_use]
    pub fn send_sessions_on_exit(self, is_on: bool) -> Self {
        self.change_send(|send| send.send_sessions_on_exit = is_on)
    }

    /// Whether the session can be followed at the server while it runs. At first it cannot.
    #[cfg(feature = "live")]
    #[must_use]
    pub fn live(self, is_on: bool) -> Self {
        self.change_send(|send| send.live = is_on)
    }

    /// Bytes a second that sending may take. At first as many as the line gives.
    #[must_use]
    pub fn bytes_per_second(self, bytes: u64) -> Self {
        self.change_send(|send| send.bytes_per_second = Some(bytes))
    }

    /// Whether nothing leaves before a person said yes. At first nobody is asked.
    #[must_use]
    pub fn consent_required(self, is_required: bool) -> Self {
        self.change_send(|send| send.consent_required = is_required)
    }

    /// Starts at which a person is asked who does not answer. At first three.
    #[must_use]
    pub fn prompts(self, starts: u32) -> Self {
        self.change_send(|send| send.prompts_max = starts)
    }

    /// Who gets it, and the page with the privacy policy: for the question.
    #[must_use]
    pub fn privacy(self, company: &str, url: &str) -> Self {
        self.change_send(|send| {
            (send.company, send.privacy_url) = (Some(company.to_owned()), Some(url.to_owned()));
        })
    }

    /// The executable that sends after the end and shows dialogs. At first the `kymo` beside the program, if it is
    /// there.
    #[must_use]
    pub fn helper(self, path: impl Into<PathBuf>) -> Self {
        self.change_send(|send| send.helper = Some(path.into()))
    }

    /// How mail is sent at the end, when there is no server or it cannot be reached.
    #[must_use]
    pub fn mail(self, mail: MailSettings) -> Self {
        self.change_send(|send| send.mail = Some(mail))
    }

    pub(crate) fn change_mail(self, change: impl FnOnce(&mut MailSettings)) -> Self {
        self.change_send(|send| change(send.mail.get_or_insert_default()))
    }

    /// What holds for sending when all was said, and what is wrong in it.
    pub(crate) fn settings_of_sending(self) -> (SendSettings, Vec<String>) {
        let mut wrong = Vec::new();
        (self.with_token(&mut wrong).send, wrong)
    }

    /// With the token of the file, if there is one; or what is wrong with it.
    pub(in crate::session) fn with_token(mut self, wrong: &mut Vec<String>) -> Self {
        if let Some(path) = self.token_file.take() {
            match read_token(&path) {
                Ok(token) => self.send.token = Secret::new(token),
                Err(error) => wrong.push(format!("{}: {error}", path.display())),
            }
        }
        self
    }
}

fn read_token(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "expected a token and nothing else"));
    }
    Ok(token.to_owned())
}
