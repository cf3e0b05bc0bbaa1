//! `kymo import`: files of sessions to a server, by its resumable upload, or into a data folder on this machine. Run again
//! after whatever went wrong, it goes on where it was.

mod sender;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use kymo_format::{Plan, Standing};
use kymo_server::{
    FilePart, ImportState, Imported, ImportedSession, SessionParts, longer, sessions_of, shorter,
};
use kymo_viewer::{Found, find};

use self::sender::Sender;
use crate::args::Import;
use crate::local;
use crate::print::Output;

/// Something could not be read or added: what could was sent.
const PASSED_OVER: u8 = 3;
/// Bytes of a piece, less than any server takes: what a broken connection costs at most.
const PIECE_BYTES: u64 = 256 * 1024;
/// Pieces that bring nothing in a row: a server that was killed in between takes back one.
const IN_VAIN_MAX: u32 = 10;
/// Bytes of paths that are named to a data folder at once: they go over its socket in one line, of at most 2 MiB with what
/// JSON makes of them. Of more, pieces of one fragment may not find each other.
const PATHS_BYTES_MAX: usize = 1 << 20;

pub(crate) fn run(args: &Import) -> anyhow::Result<ExitCode> {
    let found = find(&args.path)?;
    let mut notes = found.notes.clone();
    let files = files(&found, &mut notes);
    let mut output = Output::new();
    let mut told = Vec::new();
    if let (Some(data), Some(project)) = (&args.data, &args.project) {
        for files in portions(absolute(&files)?) {
            let Imported { sessions, notes: more } = local::import(data, project, files)?;
            notes.extend(more);
            for session in sessions {
                output.line(&line(&session))?;
                told.push(session);
            }
        }
    } else {
        let sender = Sender::new(&args.url, args.token.as_deref().unwrap_or_default());
        for session in sessions_of(&files)? {
            if session.parts.is_empty() {
                notes.extend(session.notes);
                continue;
            }
            let id = session.session;
            let sent = send(&sender, session, &mut notes).with_context(|| format!("session {id}"))?;
            output.line(&line(&sent))?;
            told.push(sent);
        }
    }
    output.line(&sum(&told))?;
    output.finish()?;
    notes.dedup();
    for note in &notes {
        eprintln!("kymo: {note}");
    }
    Ok(if notes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PASSED_OVER) })
}

/// The files that are sessions', those of one session together.
fn files(found: &Found, notes: &mut Vec<String>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for session in &found.sessions {
        notes.extend(session.notes.iter().cloned());
        if session.id().is_none() {
            notes.push(format!("{}: no session file, or its header is damaged: passed over", session.name()));
            continue;
        }
        let of_session = session.fragments.iter().filter(|fragment| fragment.header.is_some());
        files.extend(
            of_session.map(|fragment| fragment.path.clone()).filter(|path| seen.insert(path.clone())),
        );
    }
    files
}

/// The server has another working directory.
fn absolute(files: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let one = |path: &PathBuf| std::path::absolute(path).with_context(|| path.display().to_string());
    files.iter().map(one).collect()
}

/// As many at once as there may be.
fn portions(files: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut portions: Vec<Vec<PathBuf>> = Vec::new();
    let mut room = 0;
    for path in files {
        let bytes = path.as_os_str().len();
        if let Some(portion) = portions.last_mut().filter(|_| bytes <= room) {
            portion.push(path);
        } else {
            portions.push(vec![path]);
            room = PATHS_BYTES_MAX;
        }
        room = room.saturating_sub(bytes);
    }
    portions
}

fn line(session: &ImportedSession) -> String {
    let (id, new, known) = (&session.external_id, session.new_bytes, session.known_bytes);
    let what = session.state.as_str().replace('_', " ");
    format!("{id}\t{what}\t{new} bytes sent, {known} there already")
}

fn sum(sessions: &[ImportedSession]) -> String {
    let count = |state: ImportState| sessions.iter().filter(|session| session.state == state).count();
    let bytes = |of: fn(&ImportedSession) -> u64| sessions.iter().map(of).sum::<u64>();
    format!(
        "{} sessions: {} new, {} gone on with, {} there already; {} bytes sent, {} there already",
        sessions.len(),
        count(ImportState::New),
        count(ImportState::GoneOnWith),
        count(ImportState::ThereAlready),
        bytes(|session| session.new_bytes),
        bytes(|session| session.known_bytes)
    )
}

fn send(sender: &Sender, session: SessionParts, notes: &mut Vec<String>) -> anyhow::Result<ImportedSession> {
    let SessionParts { session, parts, notes: left_out } = session;
    notes.extend(left_out);
    let first = parts.first().context("no header could be read")?;
    let (id, known): (String, BTreeMap<u64, Standing>) =
        sender.begin(&read(first, 0, first.part.head_bytes)?)?;
    let (mut new_bytes, mut known_bytes) = (0, 0);
    for file_part in &parts {
        let part = &file_part.part;
        match file_part.plan(known.get(&part.fragment).copied().unwrap_or_default()) {
            Plan::There(bytes) => known_bytes += bytes,
            Plan::Add { from, to, is_complete } => {
                known_bytes += from;
                new_bytes += to - from;
                send_part(sender, file_part, from, to, is_complete)?;
            }
            Plan::Shorter(bytes) => {
                known_bytes += bytes;
                notes.push(format!("{}: {}", file_part.path.display(), shorter(part, bytes)));
            }
            Plan::Longer(bytes) => {
                known_bytes += part.whole_bytes;
                notes.push(format!("{}: {}", file_part.path.display(), longer(part, bytes)));
            }
        }
    }
    let state = ImportState::of(new_bytes, known.values().any(|there| there.offset > 0));
    Ok(ImportedSession { id, external_id: session.to_string(), state, new_bytes, known_bytes })
}

fn send_part(
    sender: &Sender,
    file_part: &FilePart,
    offset: u64,
    bytes: u64,
    is_complete: bool,
) -> anyhow::Result<()> {
    let (part, path) = (&file_part.part, file_part.path.display());
    let mut offset = offset;
    let mut in_vain = 0;
    while in_vain < IN_VAIN_MAX {
        let end = bytes.min(offset + PIECE_BYTES);
        let is_last = end == bytes;
        let piece = read(file_part, offset, end)?;
        let standing = sender.append(part, offset, &piece, is_last && is_complete)?;
        if standing.is_complete || (is_last && standing.offset == bytes) {
            return Ok(());
        }
        // The server may have less than was sent, where it was killed, or more, where another sender was quicker.
        in_vain = if standing.offset > offset { 0 } else { in_vain + 1 };
        anyhow::ensure!(standing.offset <= bytes, "the server has more than {path}");
        offset = standing.offset;
    }
    anyhow::bail!("the server does not get beyond byte {offset} of fragment {}", part.fragment)
}

fn read(part: &FilePart, from: u64, to: u64) -> anyhow::Result<Vec<u8>> {
    let name = |path: &Path| path.display().to_string();
    part.read(from..to).with_context(|| name(&part.path))
}
