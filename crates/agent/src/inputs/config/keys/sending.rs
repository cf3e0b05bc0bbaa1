//! What can be set of sending. In a program that was built without it they say so and do nothing.

use super::{KEY, Key, Kind, Part};
#[cfg(feature = "send")]
use crate::sending::{MailSecurity, Secret};

/// What a key does to the builder, if there is sending.
macro_rules! applies {
    ($builder:ident, $value:ident => $what:expr) => {
        |$builder, $value| {
            #[cfg(feature = "send")]
            {
                $what
            }
            #[cfg(not(feature = "send"))]
            {
                let _ = $value;
                $builder
            }
        }
    };
}

const SENDS: Key = Key { needs: Part::Sending, ..KEY };
const SWITCH: Key = Key { kind: Kind::Bool, ..SENDS };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "server",
        default: "not set: nothing leaves",
        meaning: "where sessions go: `https://kymo.example`",
        apply: applies!(builder, value => builder.change_send(|send| send.server = Some(value.text().to_owned()))),
        ..SENDS
    },
    Key {
        name: "token",
        kind: Kind::Secret,
        default: "not set",
        meaning: "a token of scope `ingest` for it",
        apply: applies!(builder, value => builder.change_send(|send| send.token = Secret::new(value.text()))),
        ..SENDS
    },
    Key {
        name: "token_file",
        default: "not set",
        meaning: "the file with the token, instead",
        apply: applies!(builder, value => builder.token_file(value.text())),
        ..SENDS
    },
    Key {
        name: "auto_send_sessions",
        default: "true",
        meaning: "everything goes to the server, as its policy wants it",
        apply: applies!(builder, value => builder.auto_send_sessions(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "auto_send_on_error",
        default: "true",
        meaning: "on an error what there is of the session goes at once; again after five minutes at the earliest",
        apply: applies!(builder, value => builder.auto_send_on_error(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "send_sessions_on_exit",
        default: "false",
        meaning: "the whole session goes when the process has ended, with what was not sent before",
        apply: applies!(builder, value => builder.send_sessions_on_exit(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "send_all_applications",
        default: "false",
        meaning: "sessions of all applications of the product go, not of this one alone",
        apply: applies!(builder, value => builder.send_all_applications(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "purge_sent_sessions",
        default: "false",
        meaning: "fragments are removed once the server has confirmed them",
        apply: applies!(builder, value => builder.purge_sent_sessions(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "live",
        needs: Part::Live,
        default: "false",
        meaning: "the session can be followed at the server while it runs",
        apply: applies!(builder, value => builder.change_send(|send| send.live = value.is_true())),
        ..SWITCH
    },
    Key {
        name: "bytes_per_second",
        kind: Kind::Number { least: 1024, most: 1 << 40 },
        default: "as the line gives",
        meaning: "what sending may take of the line",
        apply: applies!(builder, value => builder.bytes_per_second(value.number())),
        ..SENDS
    },
    Key {
        name: "consent_required",
        default: "false",
        meaning: "nothing leaves before a person said yes",
        apply: applies!(builder, value => builder.consent_required(value.is_true())),
        ..SWITCH
    },
    Key {
        name: "prompts",
        kind: Kind::Number { least: 0, most: 1000 },
        default: "3",
        meaning: "starts at which a person is asked who does not answer; 0: never",
        apply: applies!(builder, value => builder.prompts(value.number() as u32)),
        ..SENDS
    },
    Key {
        name: "company",
        default: "not set",
        meaning: "who gets it, for the question",
        apply: applies!(builder, value => builder.change_send(|send| send.company = Some(value.text().to_owned()))),
        ..SENDS
    },
    Key {
        name: "privacy_url",
        default: "not set",
        meaning: "the page with the privacy policy",
        apply: applies!(builder, value => builder.change_send(|send| send.privacy_url = Some(value.text().to_owned()))),
        ..SENDS
    },
    Key {
        name: "helper",
        default: "`kymo` beside the program",
        meaning: "the executable that sends after the end and shows dialogs",
        apply: applies!(builder, value => builder.helper(value.text())),
        ..SENDS
    },
    Key {
        name: "mail.server",
        default: "not set: no mail",
        meaning: "the mail server, for the end, when there is no server or it cannot be reached",
        apply: applies!(builder, value => builder.change_mail(|mail| value.text().clone_into(&mut mail.server))),
        ..SENDS
    },
    Key {
        name: "mail.port",
        kind: Kind::Number { least: 1, most: 65_535 },
        default: "that of the security",
        meaning: "its port",
        apply: applies!(builder, value => builder.change_mail(|mail| mail.port = Some(value.number() as u16))),
        ..SENDS
    },
    Key {
        name: "mail.security",
        kind: Kind::Word(&["tls", "starttls", "none"]),
        default: "`tls`",
        meaning: "TLS from the first byte, after `STARTTLS`, or none: for a server on the same machine",
        apply: applies!(builder, value => builder.change_mail(|mail| {
            mail.security = match value.text() {
                "starttls" => MailSecurity::StartTls,
                "none" => MailSecurity::None,
                _ => MailSecurity::Tls,
            };
        })),
        ..SENDS
    },
    Key {
        name: "mail.user",
        default: "not set",
        meaning: "the login, if it wants one",
        apply: applies!(builder, value => builder.change_mail(|mail| mail.user = Some(value.text().to_owned()))),
        ..SENDS
    },
    Key {
        name: "mail.password",
        kind: Kind::Secret,
        default: "not set",
        meaning: "its password",
        apply: applies!(builder, value => builder.change_mail(|mail| mail.password = Secret::new(value.text()))),
        ..SENDS
    },
    Key {
        name: "mail.from",
        default: "not set",
        meaning: "from whom",
        apply: applies!(builder, value => builder.change_mail(|mail| value.text().clone_into(&mut mail.from))),
        ..SENDS
    },
    Key {
        name: "mail.to",
        default: "not set",
        meaning: "to whom; several with commas between them",
        apply: applies!(builder, value => builder.change_mail(|mail| {
            let all = value.text().split(',').map(str::trim).filter(|address| !address.is_empty());
            mail.to = all.map(str::to_owned).collect();
        })),
        ..SENDS
    },
    Key {
        name: "mail.reply_to",
        default: "not set",
        meaning: "to whom answers go",
        apply: applies!(builder, value => builder.change_mail(|mail| mail.reply_to = Some(value.text().to_owned()))),
        ..SENDS
    },
    Key {
        name: "mail.mib",
        kind: Kind::Number { least: 1, most: 1024 },
        default: "10",
        meaning: "largest mail; what is more goes in several",
        apply: applies!(builder, value => builder.change_mail(|mail| mail.bytes_max = value.number() << 20)),
        ..SENDS
    },
];
