//! What a mail says: subject and text in plain words, and the package as attachment.

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};

use super::package::{Package, Piece};
use super::smtp::MailError;
use crate::repository::Summary;
use crate::sending::{Local, MailSettings};

/// Sessions that are listed; of the others their number is said.
const LISTED_MAX: usize = 20;
/// Longest product, application, version or host in a mail, in characters.
const NAME_CHARS_MAX: usize = 60;
/// Bytes of a line before it is encoded, as MIME has them: 76 characters.
const LINE_BYTES: usize = 57;
/// Characters of such a line, with its end.
const LINE_CHARS: u64 = 78;
/// Everything around the attachment: the headers (addresses have at most 254 bytes, some of them are there), and the listed
/// sessions with 200 bytes each, thrice where their letters need that.
pub(super) const AROUND_BYTES: u64 = 24 * 1024;

/// How many bytes of a package fit into a mail of that size.
pub(super) fn package_bytes(mail_bytes: u64) -> u64 {
    mail_bytes.saturating_sub(AROUND_BYTES) / LINE_CHARS * LINE_BYTES as u64
}

/// One of several mails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) of: usize,
}

/// Who gets it from whom.
pub(super) struct Addresses {
    from: Mailbox,
    to: Vec<Mailbox>,
    reply_to: Option<Mailbox>,
}

impl Addresses {
    pub(super) fn of(settings: &MailSettings) -> Result<Self, MailError> {
        let mailbox = |what: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| {
                MailError::settings(format!(
                    "{what}: expected an address such as ann@shop.example, found {text:?}: {error}"
                ))
            })
        };
        if settings.to.is_empty() {
            return Err(MailError::settings("to whom mail goes is not set: expected an address"));
        }
        Ok(Self {
            from: mailbox("from", &settings.from)?,
            to: settings.to.iter().map(|to| mailbox("to", to)).collect::<Result<_, _>>()?,
            reply_to: settings.reply_to.as_deref().map(|text| mailbox("reply to", text)).transpose()?,
        })
    }
}

/// The mail as it goes over the line: what is in memory is this, once. `encoded` is the package by [`Lines`].
pub(super) fn letter(
    sessions: &[Local],
    package: &Package,
    place: Place,
    addresses: &Addresses,
    file_name: &str,
    encoded: Vec<u8>,
) -> Result<(Envelope, Vec<u8>), MailError> {
    let wrong =
        |error: lettre::error::Error| MailError::settings(format!("the mail cannot be made: {error}"));
    let mut message = Message::builder()
        .from(addresses.from.clone())
        .subject(subject(sessions, package, place))
        // The same whenever it is sent again: programs for mail show one.
        .message_id(Some(message_id(sessions, package, &addresses.from)));
    for to in &addresses.to {
        message = message.to(to.clone());
    }
    if let Some(reply_to) = &addresses.reply_to {
        message = message.reply_to(reply_to.clone());
    }
    let text = SinglePart::plain(text(sessions, package, place, file_name));
    // Here stands the attachment, which is as large as the rest is small.
    let body = Body::dangerous_pre_encoded(STAND_IN.to_vec(), ContentTransferEncoding::Base64);
    let kind = ContentType::parse("application/octet-stream");
    let kind = kind.map_err(|error| MailError::settings(format!("the mail cannot be made: {error}")))?;
    let attachment = Attachment::new(file_name.to_owned()).body(body, kind);
    let message =
        message.multipart(MultiPart::mixed().singlepart(text).singlepart(attachment)).map_err(wrong)?;
    let frame = message.formatted();
    let at = frame.windows(STAND_IN.len()).rposition(|bytes| bytes == STAND_IN).unwrap_or(frame.len());
    let mut mail = encoded;
    mail.splice(0..0, frame[..at].iter().copied());
    mail.extend_from_slice(&frame[(at + STAND_IN.len()).min(frame.len())..]);
    Ok((message.envelope().clone(), mail))
}

/// No text has a line like this: it would be broken or encoded.
const STAND_IN: &[u8] = b"====================here=the=attachment=stands====================";

/// The package in the letters of mail, line by line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) encoded: Vec<u8>,
    rest: Vec<u8>,
}

impl Lines {
    pub(super) fn done(mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest);
        self.encoded
    }

    fn line(&mut self, bytes: &[u8]) {
        let mut line = [0; LINE_CHARS as usize];
        // 57 bytes are 76 letters.
        let length = STANDARD.encode_slice(bytes, &mut line).unwrap_or_default();
        self.encoded.extend_from_slice(&line[..length]);
        self.encoded.extend_from_slice(b"\r\n");
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut lines = all.chunks_exact(LINE_BYTES);
        for bytes in lines.by_ref() {
            self.line(bytes);
        }
        self.rest = lines.remainder().to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Foreign text for one line of a mail.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME_CHARS_MAX).collect()
}

fn has_errors(summary: &Summary) -> bool {
    summary.tally.errors + summary.tally.fatal > 0
}

fn meant<'local>(sessions: &'local [Local], package: &Package) -> Vec<&'local Local> {
    package.sessions().into_iter().filter_map(|at| sessions.get(at)).collect()
}

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn whose(session: &Local) -> String {
    let Summary { product, application, version, .. } = &session.summary;
    let names = [product, application].map(|name| plain(name)).join(" ");
    version.as_ref().map_or(names.clone(), |version| format!("{names} {}", plain(version)))
}

fn subject(sessions: &[Local], package: &Package, place: Place) -> String {
    let meant = meant(sessions, package);
    let mut names: Vec<String> = meant.iter().map(|session| whose(session)).collect();
    names.sort();
    names.dedup();
    let others = names.len().saturating_sub(1);
    let mut subject = names.into_iter().next().unwrap_or_else(|| "Kymo".to_owned());
    // Writing to a String cannot fail.
    let _ = match others {
        0 => Ok(()),
        others => write!(subject, " and {}", counted(others, "other application")),
    };
    let _ = write!(subject, ": {}", counted(meant.len(), "session"));
    let errors = meant.iter().filter(|session| has_errors(&session.summary)).count();
    if errors > 0 {
        let _ = write!(subject, ", {errors} with errors");
    }
    if place.of > 1 {
        let _ = write!(subject, " (mail {} of {})", place.number, place.of);
    }
    subject
}

fn text(sessions: &[Local], package: &Package, place: Place, file_name: &str) -> String {
    let meant = meant(sessions, package);
    let mut text = format!(
        "Attached is what {} recorded, in the file {file_name}:\r\n\r\n",
        counted(meant.len(), "session").replace("1 session", "one session")
    );
    for session in meant.iter().take(LISTED_MAX) {
        let summary = &session.summary;
        let moment: String =
            summary.started_at.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect();
        let end = summary.end_reason.as_deref().unwrap_or(if session.is_running {
            "still running"
        } else {
            "ended"
        });
        let host = summary.host.as_deref().map(|host| format!(" on {}", plain(host))).unwrap_or_default();
        let _ = write!(
            text,
            "  {} UTC  {}{host}: {}, {}, {}\r\n",
            plain(&moment),
            whose(session),
            counted(summary.tally.messages as usize, "message"),
            counted((summary.tally.errors + summary.tally.fatal) as usize, "error"),
            plain(&end.replace('_', " ")),
        );
    }
    if meant.len() > LISTED_MAX {
        let _ = write!(text, "  and {}\r\n", counted(meant.len() - LISTED_MAX, "other"));
    }
    text.push_str("\r\nTo look into it, save the attachment and run\r\n\r\n");
    let _ = write!(text, "    kymo open {file_name}\r\n\r\n");
    text.push_str("or give it to a Kymo server by kymo import.\r\n");
    if place.of > 1 {
        let _ = write!(
            text,
            "\r\nThis is mail {} of {}, as one would have been too large. Save the attachments of all in one folder and run\r\n\r\n    kymo open FOLDER\r\n",
            place.number, place.of
        );
    }
    text
}

fn message_id(sessions: &[Local], package: &Package, from: &Mailbox) -> String {
    let piece = |piece: &Piece| {
        let id = sessions.get(piece.session).and_then(|session| session.stem.session());
        format!("{:032x}.{}.{}", id.map_or(0, kymo_model::SessionId::as_u128), piece.fragment, piece.to)
    };
    let ends = [package.pieces.first(), package.pieces.last()].map(|one| one.map(piece).unwrap_or_default());
    format!("<{}.{}@{}>", ends[0], ends[1], from.email.domain())
}
