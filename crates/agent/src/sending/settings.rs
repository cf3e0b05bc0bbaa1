//! What is to be sent when, and where to. One value that the builder, the configuration, the helper and `kymo pack` share;
//! the helper gets it as JSON through a pipe.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Largest mail: what most servers take.
const MAIL_BYTES_MAX: u64 = 10 << 20;
/// Starts at which a person is asked who never answered.
const PROMPTS_MAX: u32 = 3;

/// A password or token: not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// That one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "Secret(none)" } else { "Secret(…)" })
    }
}

/// What is to be sent when, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own that people set")]
pub struct SendSettings {
    /// The server: `https://kymo.example`, with a path if it is behind one.
    pub server: Option<String>,
    /// A token of scope `ingest`.
    pub token: Secret,
    /// Everything goes to the server, as its policy wants it. Holds with a server only.
    pub auto_send_sessions: bool,
    /// On an error, what there is of the session goes at once; again after five minutes at the earliest.
    pub auto_send_on_error: bool,
    /// Of all applications of the product, not of this one alone.
    pub send_all_applications: bool,
    /// Fragments are removed once the server has confirmed them.
    pub purge_sent_sessions: bool,
    /// The whole session goes as soon as the process has ended, however it ends: by the helper, else by the next start.
    pub send_sessions_on_exit: bool,
    /// The session can be followed while it runs, where the program is built with that and the server wants it.
    pub live: bool,
    /// Bytes a second that sending may take; `None`: as the line gives.
    pub bytes_per_second: Option<u64>,
    /// Nothing leaves before a person said yes.
    pub consent_required: bool,
    /// Starts at which a person is asked who has not answered.
    pub prompts_max: u32,
    /// Who gets it, for the question.
    pub company: Option<String>,
    /// What people are told of who gets it: the page with the privacy policy.
    pub privacy_url: Option<String>,
    /// The executable that sends after the end and shows dialogs; `None`: `kymo` beside the program, if it is there.
    pub helper: Option<PathBuf>,
    /// Where mail goes, when there is no server or it cannot be reached.
    pub mail: Option<MailSettings>,
}

impl Default for SendSettings {
    fn default() -> Self {
        Self {
            server: None,
            token: Secret::default(),
            auto_send_sessions: true,
            auto_send_on_error: true,
            send_all_applications: false,
            purge_sent_sessions: false,
            send_sessions_on_exit: false,
            live: false,
            bytes_per_second: None,
            consent_required: false,
            prompts_max: PROMPTS_MAX,
            company: None,
            privacy_url: None,
            helper: None,
            mail: None,
        }
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS from the first byte, as at port 465.
    #[default]
    Tls,
    /// TLS after `STARTTLS`, as at port 587; no mail without it.
    StartTls,
    /// None: for a server on the same machine.
    None,
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailSettings {
    /// The mail server's name.
    pub server: String,
    /// Its port; `None`: what goes with the security.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// The login, if it wants one.
    pub user: Option<String>,
    /// Its password.
    pub password: Secret,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// To whom answers go.
    pub reply_to: Option<String>,
    /// Largest mail, encoded: what is more goes in several, none is left out.
    pub bytes_max: u64,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: None,
            security: MailSecurity::default(),
            user: None,
            password: Secret::default(),
            from: String::new(),
            to: Vec::new(),
            reply_to: None,
            bytes_max: MAIL_BYTES_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_come_through_the_pipe() {
        let settings = SendSettings { token: Secret::new("kymo_abc"), ..SendSettings::default() };
        assert!(!format!("{settings:?}").contains("abc"));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<SendSettings>(&text).unwrap(), settings);
        assert_eq!(serde_json::from_str::<SendSettings>("{}").unwrap(), SendSettings::default());
    }
}
