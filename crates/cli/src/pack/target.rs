//! Where to, by the flags and the product's settings.

use std::path::{Path, PathBuf};

use kymo::sending::{MailSecurity, MailSettings, Secret, SendSettings};

use crate::args::{Pack, Security};

/// Longest password or token, with a line's end; ours have some 40 characters.
const SECRET_BYTES_MAX: u64 = 4096;

/// Where to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    File(PathBuf),
    Folder(PathBuf),
    Mail(Box<SendSettings>),
    Server(Box<SendSettings>),
}

/// What the flags say; `None` if they say nothing of it.
pub(super) fn of(args: &Pack) -> Result<Option<Target>, String> {
    if let Some(file) = &args.file {
        return Ok(Some(Target::File(file.clone())));
    }
    if let Some(folder) = &args.folder {
        return Ok(Some(Target::Folder(folder.clone())));
    }
    let mut settings = settings(args)?;
    if args.mail {
        settings.mail = Some(mail(args, settings.mail.take().unwrap_or_default())?);
        return Ok(Some(Target::Mail(Box::new(settings))));
    }
    let Some(server) = &args.server else { return Ok(None) };
    if settings.token.reveal().is_empty() {
        return Err("expected a token of scope ingest: --token, --token-file or KYMO_TOKEN".to_owned());
    }
    settings.server = Some(server.clone());
    settings.purge_sent_sessions = args.purge;
    Ok(Some(Target::Server(Box::new(settings))))
}

/// The product's settings, with the token of the flags.
pub(super) fn settings(args: &Pack) -> Result<SendSettings, String> {
    let mut settings = configured(args.config.as_deref())?;
    if let Some(path) = &args.token_file {
        settings.token = Secret::new(secret(path)?);
    } else if let Some(token) = &args.token {
        settings.token = Secret::new(token.clone());
    }
    Ok(settings)
}

/// What the product's configuration says of sending. What is wrong in it is not guessed around.
fn configured(config: Option<&Path>) -> Result<SendSettings, String> {
    let Some(path) = config else { return Ok(SendSettings::default()) };
    let (settings, wrong) = kymo::sending::configured(path);
    if wrong.is_empty() { Ok(settings) } else { Err(wrong.join("; ")) }
}

fn mail(args: &Pack, mut mail: MailSettings) -> Result<MailSettings, String> {
    if !args.to.is_empty() {
        mail.to.clone_from(&args.to);
    }
    if let Some(from) = &args.from {
        mail.from.clone_from(from);
    }
    mail.reply_to = args.reply_to.clone().or(mail.reply_to);
    if let Some(smtp) = &args.smtp {
        (mail.server, mail.port) = host_and_port(smtp)?;
    }
    if let Some(security) = args.smtp_security {
        mail.security = match security {
            Security::Tls => MailSecurity::Tls,
            Security::StartTls => MailSecurity::StartTls,
            Security::None => MailSecurity::None,
        };
    }
    mail.user = args.smtp_user.clone().or(mail.user);
    if let Some(path) = &args.smtp_password_file {
        mail.password = Secret::new(secret(path)?);
    }
    mail.bytes_max = args.mail_bytes_max.unwrap_or(mail.bytes_max);
    for (is_missing, what) in [
        (mail.server.is_empty(), "the mail server: --smtp HOST[:PORT]"),
        (mail.from.is_empty(), "from whom: --from ADDRESS"),
        (mail.to.is_empty(), "to whom: --to ADDRESS"),
    ] {
        if is_missing {
            return Err(format!("expected {what}, or the product's settings by --config"));
        }
    }
    Ok(mail)
}

/// `mail.example`, `mail.example:587`, `[::1]:25`.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let wrong = || format!("expected HOST or HOST:PORT, found {text:?}");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = port.map(|port| port.parse().map_err(|_| wrong())).transpose()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err(wrong()) } else { Ok((host.to_owned(), port)) }
}

/// A password or token, the first line of a file.
fn secret(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_names_and_perhaps_ports() {
        for (text, expected) in [
            ("mail.example", Some(("mail.example", None))),
            ("mail.example:587", Some(("mail.example", Some(587)))),
            ("[::1]:25", Some(("::1", Some(25)))),
            ("::1", Some(("::1", None))),
            ("mail.example:", None),
            ("mail.example:99999", None),
            (":25", None),
            ("", None),
        ] {
            let found = host_and_port(text).ok();
            assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        }
    }
}
