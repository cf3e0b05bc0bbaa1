//! `kymo import`: files of sessions to a server, by its resumable upload. Run again after whatever went wrong, it goes on
//! where it was.

mod parts;
mod sender;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use kymo_viewer::{SessionFiles, find};

use self::parts::{Part, parts};
use self::sender::{Sender, Standing};
use crate::args::Import;
use crate::print::Output;

/// Something could not be read: what could was sent.
const PASSED_OVER: u8 = 3;
/// Bytes of a piece, less than any server takes: what a broken connection costs at most.
const PIECE_BYTES: usize = 256 * 1024;

/// Pieces that bring nothing in a row: a server that was killed in between takes back one.
const IN_VAIN_MAX: u32 = 10;

/// What became of one session, or of all.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    /// Bytes that the server did not have.
    new: u64,
    /// Bytes that it had.
    known: u64,
}

pub(crate) fn run(args: &Import) -> anyhow::Result<ExitCode> {
    let found = find(&args.path)?;
    let sender = Sender::new(&args.url, &args.token);
    let mut output = Output::new();
    let mut notes = found.notes;
    let (mut begun, mut gone_on, mut there) = (0, 0, 0);
    let mut all = Sent::default();
    for session in &found.sessions {
        notes.extend(session.notes.iter().cloned());
        let Some(id) = session.id() else {
            notes.push(format!("{}: no session file, or its header is damaged: passed over", session.name()));
            continue;
        };
        let sent = send(&sender, session, &mut notes).with_context(|| format!("session {id}"))?;
        let what = match sent {
            Sent { new: 0, .. } => {
                there += 1;
                "there already"
            }
            Sent { known: 0, .. } => {
                begun += 1;
                "new"
            }
            _ => {
                gone_on += 1;
                "gone on with"
            }
        };
        output.line(&format!("{id}\t{what}\t{} bytes sent, {} there already", sent.new, sent.known))?;
        all.new += sent.new;
        all.known += sent.known;
    }
    output.line(&format!(
        "{} sessions: {begun} new, {gone_on} gone on with, {there} there already; {} bytes sent, {} there already",
        begun + gone_on + there,
        all.new,
        all.known
    ))?;
    output.finish()?;
    for note in &notes {
        eprintln!("kymo: {note}");
    }
    Ok(if notes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PASSED_OVER) })
}

fn send(sender: &Sender, session: &SessionFiles, notes: &mut Vec<String>) -> anyhow::Result<Sent> {
    let all: Vec<Part> = parts(session, notes)?;
    let last = all.iter().map(|part| part.fragment).max();
    let first = all.first().context("no header could be read")?;
    let known: BTreeMap<u64, Standing> = sender.begin(&first.read(0, first.head_bytes)?)?;
    let mut sent = Sent::default();
    for part in &all {
        // Only the newest fragment can still grow.
        let is_complete = part.is_closed || Some(part.fragment) != last;
        let bytes = if is_complete { part.bytes } else { part.whole_bytes };
        let there = known.get(&part.fragment).copied().unwrap_or_default();
        if there.is_complete || (there.offset == bytes && !is_complete) {
            sent.known += there.offset.min(bytes);
            continue;
        }
        if there.offset > bytes {
            notes.push(format!(
                "{}: the server has {} bytes of fragment {}, expected at most {bytes}: passed over",
                part.path().display(),
                there.offset,
                part.fragment
            ));
            sent.known += bytes;
            continue;
        }
        sent.known += there.offset;
        sent.new += bytes - there.offset;
        send_part(sender, part, there.offset, bytes, is_complete)?;
    }
    Ok(sent)
}

fn send_part(sender: &Sender, part: &Part, offset: u64, bytes: u64, is_complete: bool) -> anyhow::Result<()> {
    let mut offset = offset;
    let mut in_vain = 0;
    while in_vain < IN_VAIN_MAX {
        let end = bytes.min(offset + PIECE_BYTES as u64);
        let is_last = end == bytes;
        let piece = part.read(offset, end)?;
        let standing = sender.append(part, offset, &piece, is_last && is_complete)?;
        if standing.is_complete || (is_last && standing.offset == bytes) {
            return Ok(());
        }
        // The server may have less than was sent, where it was killed, or more, where another sender was quicker.
        in_vain = if standing.offset > offset { 0 } else { in_vain + 1 };
        anyhow::ensure!(standing.offset <= bytes, "the server has more than {}", part.path().display());
        offset = standing.offset;
    }
    anyhow::bail!("the server does not get beyond byte {offset} of fragment {}", part.fragment)
}
