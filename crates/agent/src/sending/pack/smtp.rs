//! The connection to a mail server: connect, protect, log in, hand over; and what went wrong, in words.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::{Category, Code, Detail, Severity};

use crate::sending::{MailSecurity, MailSettings};

/// Longest wait for one answer: servers that look for viruses think for minutes about a large mail; RFC 5321 says 10.
const ANSWER_WITHIN: Duration = Duration::from_mins(5);
/// Longest wait for the connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// Handed over at a time: what is encoded for the line is a copy.
const PIECE_BYTES: usize = 64 * 1024;

/// What kind of thing went wrong: what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailErrorKind {
    /// Mend the settings: an address, a name, a limit.
    Settings,
    /// Try again later: not reached, broken off, busy.
    Away,
    /// The server does not want it: login, sender, recipient.
    Refused,
    /// The server takes no mail of this size.
    TooLarge,
    /// The certificate, or that there is none.
    Untrusted,
}

/// Why a mail did not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailError {
    /// What can be done.
    pub kind: MailErrorKind,
    /// Where, and what was expected.
    pub text: String,
}

impl MailError {
    pub(super) fn settings(text: impl Into<String>) -> Self {
        Self { kind: MailErrorKind::Settings, text: text.into() }
    }
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    Protect,
    LogIn,
    From,
    To,
    Content,
}

/// The server's port: what goes with the security, if the settings do not say one.
pub(super) fn port(settings: &MailSettings) -> u16 {
    settings.port.unwrap_or(match settings.security {
        MailSecurity::Tls => 465,
        MailSecurity::StartTls => 587,
        MailSecurity::None => 25,
    })
}

/// A connection that takes mail.
pub(super) struct Smtp {
    connection: SmtpConnection,
}

impl Smtp {
    /// Connects, protects and logs in as the settings say. Blocks for as long as the server is silent, at most some minutes.
    pub(super) fn connect(settings: &MailSettings) -> Result<Self, MailError> {
        let place = format!("{}:{}", settings.server, port(settings));
        let wrong = |step| move |error: lettre::transport::smtp::Error| told(&error, step, settings);
        let hello = ClientId::default();
        let tls = match settings.security {
            MailSecurity::None => None,
            _ => Some(TlsParameters::new_rustls(settings.server.clone()).map_err(wrong(Step::Protect))?),
        };
        let from_the_start = tls.as_ref().filter(|_| settings.security == MailSecurity::Tls);
        let address = (settings.server.as_str(), port(settings));
        let mut connection =
            SmtpConnection::connect(address, Some(CONNECT_WITHIN), &hello, from_the_start, None)
                .map_err(wrong(Step::Connect))?;
        if let (MailSecurity::StartTls, Some(tls)) = (settings.security, &tls) {
            if !connection.can_starttls() {
                connection.abort();
                let text =
                    format!("{place} offers no STARTTLS: expected it, or other settings for the security");
                return Err(MailError { kind: MailErrorKind::Untrusted, text });
            }
            connection.starttls(tls, &hello).map_err(wrong(Step::Protect))?;
        }
        if let Some(user) = &settings.user {
            let credentials = Credentials::new(user.clone(), settings.password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).map_err(wrong(Step::LogIn))?;
        }
        Ok(Self { connection })
    }

    /// Hands over a mail. When this returns, the server has it.
    pub(super) fn send(
        &mut self,
        settings: &MailSettings,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(), MailError> {
        let result = self.hand_over(envelope, mail);
        result.map_err(|(step, error)| {
            self.connection.abort();
            told(&error, step, settings)
        })
    }

    fn hand_over(
        &mut self,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(), (Step, lettre::transport::smtp::Error)> {
        let connection = &mut self.connection;
        let mut parameters = Vec::new();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        let is_ascii = addresses.all(|address| address.to_string().is_ascii());
        if !is_ascii && connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let at = |step| move |error| (step, error);
        let from = Mail::new(envelope.from().cloned(), parameters);
        connection.command(from).map_err(at(Step::From))?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).map_err(at(Step::To))?;
        }
        connection.command(Data).map_err(at(Step::Content))?;
        // It may think about it for longer than about a greeting. Where that cannot be set it has to be quicker.
        let _ = connection.set_timeout(Some(ANSWER_WITHIN));
        connection.message_iter(mail.chunks(PIECE_BYTES)).map_err(at(Step::Content))?;
        let _ = connection.set_timeout(Some(CONNECT_WITHIN));
        Ok(())
    }

    /// Says goodbye. What was taken is taken, whatever comes of that.
    pub(super) fn quit(mut self) {
        let _ = self.connection.quit();
    }
}

/// 552: exceeded storage allocation, which is what servers say of mail that is too large.
const TOO_LARGE: Code = Code {
    severity: Severity::PermanentNegativeCompletion,
    category: Category::MailSystem,
    detail: Detail::Two,
};

fn told(error: &lettre::transport::smtp::Error, step: Step, settings: &MailSettings) -> MailError {
    let place = format!("{}:{}", settings.server, port(settings));
    let cause = cause(error);
    let Some(code) = error.status() else {
        let (kind, text) = match step {
            _ if error.is_tls() || step == Step::Protect || is_distrust(error) => (
                MailErrorKind::Untrusted,
                format!("the connection to {place} is not protected as expected: {cause}"),
            ),
            Step::LogIn if error.is_client() => {
                (MailErrorKind::Settings, format!("{place} has no way to log in that is known here: {cause}"))
            }
            Step::Connect if is_unknown_host(error) => {
                (MailErrorKind::Away, format!("no computer {} is known: {cause}", settings.server))
            }
            Step::Connect => (MailErrorKind::Away, format!("cannot connect to {place}: {cause}")),
            _ => (MailErrorKind::Away, format!("the connection to {place} broke: {cause}")),
        };
        return MailError { kind, text };
    };
    // Also as enhanced status: 5.3.4 is a message too big for the system, 5.2.3 for the mailbox.
    let is_too_large = code == TOO_LARGE || ["5.3.4", "5.2.3"].iter().any(|status| cause.contains(status));
    let what = match step {
        Step::Connect | Step::Protect => "the connection",
        Step::LogIn => "the login",
        Step::From => "the sender",
        Step::To => "a recipient",
        Step::Content => "the mail",
    };
    let kind = match step {
        _ if error.is_transient() => MailErrorKind::Away,
        Step::From | Step::Content if is_too_large => MailErrorKind::TooLarge,
        _ => MailErrorKind::Refused,
    };
    let text = match kind {
        MailErrorKind::TooLarge => format!("{place} takes no mail of this size: {code} {cause}"),
        MailErrorKind::Away => format!("{place} put off {what}: {code} {cause}"),
        _ => format!("{place} refused {what}: {code} {cause}"),
    };
    MailError { kind, text }
}

/// The innermost reason, in one line.
fn cause(error: &lettre::transport::smtp::Error) -> String {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    text.split(['\r', '\n']).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The handshake comes with the first answer, so its faults come as faults of reading: data that is not as it should be.
fn is_distrust(error: &lettre::transport::smtp::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.raw_os_error().is_none() && io.kind() == io::ErrorKind::InvalidData)
}

fn is_unknown_host(error: &lettre::transport::smtp::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    // The name's look-up has no number of the system; what connecting says has one.
    io.is_some_and(|io| io.raw_os_error().is_none() && io.kind() != io::ErrorKind::TimedOut)
}
