//! `kymo tail`: what programs record, while they do.

#[cfg(feature = "server")]
mod follow;
#[cfg(feature = "server")]
mod followed;
#[cfg(feature = "server")]
mod line;
mod local;
mod print;
#[cfg(feature = "server")]
mod stored;
mod whose;

use std::process::ExitCode;

use kymo_filter::{Query, Subject};
use kymo_model::SessionId;

use self::print::Printer;
use crate::args;
use crate::files;

/// Some events could not be had.
const INCOMPLETE: u8 = 3;
/// Live is off, on the server or for the project.
#[cfg(feature = "server")]
const OFF: u8 = 4;
/// The token does not hold, or not for this.
#[cfg(feature = "server")]
const REFUSED: u8 = 5;
/// The session is not known, or does not run.
const UNKNOWN: u8 = 6;

pub(crate) fn run(args: &args::Tail) -> anyhow::Result<ExitCode> {
    let query: Option<Query> = files::query(args.filter.as_deref(), Subject::Event)?;
    let mut printer = Printer::new(query, args.server.json, args.session.is_none());
    match &args.local {
        Some(folder) => local::run(folder.as_deref(), args, &mut printer),
        #[cfg(feature = "server")]
        None => follow::run(args, &mut printer),
        #[cfg(not(feature = "server"))]
        None => anyhow::bail!("this kymo asks no server: expected kymo tail --local"),
    }
}

/// An id as people and files write it: with hyphens or without.
fn session_id(text: &str) -> Option<SessionId> {
    let is_plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = || is_plain.then(|| u128::from_str_radix(text, 16).ok()).flatten();
    text.parse().ok().or_else(|| plain().map(SessionId::from_u128))
}

/// How it ends when nobody has anything more to say.
fn ended(printer: &Printer) -> ExitCode {
    if printer.is_incomplete { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_have_hyphens() {
        let id = "0192f0c1-2b3c-8d4e-9f50-61728394a5b6";
        assert!(session_id(id).is_some());
        assert_eq!(session_id(&id.replace('-', "")), session_id(id));
        for text in ["", "till", "0192f0c12b3c8d4e9f5061728394a5b", "+192f0c12b3c8d4e9f5061728394a5b6"] {
            assert_eq!(session_id(text), None, "{text}");
        }
    }
}
