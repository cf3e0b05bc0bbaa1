//! Commands on session files: no server and no data folder.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use kymo_filter::{Query, Subject, text};
use kymo_viewer::session::fits;
use kymo_viewer::{
    Ended, Format, LocalSession, SessionFiles, Summary, Told, View, find, local_session, write_events,
};

use crate::args::{Export, ExportFormat, Open, Sessions};
use crate::clock;
use crate::print::{Output, pointed};

/// Something was damaged: what could be read was given.
const DAMAGED: u8 = 3;
/// As shells say of a program that a signal ended: 128 and the number of SIGTERM.
const TERMINATED: u8 = 143;
/// Sessions shown to a person who did not say how many, as of a server.
const SHOWN: usize = 50;

pub(crate) fn open(args: &Open) -> anyhow::Result<ExitCode> {
    let query = query(args.filter.as_deref(), Subject::Event)?;
    recover(&args.path);
    if args.json {
        let mut output = BufWriter::new(stdout().lock());
        let told = write_events(&find(&args.path)?, Format::Json, query.as_ref(), &mut output)?;
        return Ok(ended(&told, &args.path));
    }
    if !stdout().is_terminal() {
        let path = args.path.display();
        bail!(
            "standard output is no terminal to draw in: expected kymo open --json {path}, or kymo export {path}"
        );
    }
    // See no-color.org: set and not empty.
    let has_colors = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let view = View { path: &args.path, filter: args.filter.as_deref(), has_colors, now: &clock::now };
    match kymo_viewer::view(&view)? {
        Ended::Asked => Ok(ExitCode::SUCCESS),
        Ended::Terminated => Ok(ExitCode::from(TERMINATED)),
    }
}

pub(crate) fn export(args: &Export) -> anyhow::Result<ExitCode> {
    let query = query(args.filter.as_deref(), Subject::Event)?;
    recover(&args.path);
    let format = match args.format {
        ExportFormat::Json => Format::Json,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Text => Format::Text,
    };
    let found = find(&args.path)?;
    if found.sessions.is_empty() {
        bail!("no session files (*.kymo) in {}", args.path.display());
    }
    let Some(out) = &args.out else {
        let mut output = BufWriter::new(stdout().lock());
        return Ok(ended(&write_events(&found, format, query.as_ref(), &mut output)?, &args.path));
    };
    let mut files = found.sessions.iter().flat_map(|session| &session.fragments);
    let is_read = |file: &Path| matches!((file.canonicalize(), out.canonicalize()), (Ok(one), Ok(other)) if one == other);
    if files.any(|fragment| is_read(&fragment.path)) {
        bail!("--out {} is one of the files that are read: expected another", out.display());
    }
    // Nobody takes a part for the whole: the file has its name when it is complete.
    let mut part = out.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = File::create(&part).and_then(|file| {
        let mut output = BufWriter::new(file);
        let told = write_events(&found, format, query.as_ref(), &mut output)?;
        output.into_inner()?.sync_all()?;
        std::fs::rename(&part, out)?;
        Ok(told)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    let told = written.with_context(|| format!("cannot write {}", out.display()))?;
    Ok(ended(&told, &args.path))
}

/// Says on standard error what was lost, and in the exit code whether something was.
fn ended(told: &Told, path: &Path) -> ExitCode {
    for note in &told.notes {
        eprintln!("kymo: {note}");
    }
    for damage in &told.damages {
        eprintln!("kymo: damaged: {damage}");
    }
    match (told.events_read, told.damages.is_empty()) {
        (0, false) => {
            eprintln!("kymo: no event could be read in {}", path.display());
            ExitCode::FAILURE
        }
        (_, false) => ExitCode::from(DAMAGED),
        (_, true) => ExitCode::SUCCESS,
    }
}

/// Brings what programs left that are gone from their spools to their sessions' files, and says so. Where that is not
/// ours to do, the files are read as they are.
pub(crate) fn recover(path: &Path) {
    let Ok((recovered, failed)) = kymo::recover_below(path) else { return };
    for one in recovered {
        eprintln!(
            "kymo: session {} had no end: {}, {} events from its spool",
            one.session, one.reason, one.records
        );
    }
    for problem in failed {
        eprintln!("kymo: not recovered: {problem}");
    }
}

pub(crate) fn sessions(folder: Option<&Path>, args: &Sessions) -> anyhow::Result<ExitCode> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => crate::repository::root()?,
    };
    let query = query(args.filter.as_deref(), Subject::Session)?;
    let limit = args.limit.unwrap_or(if args.server.json { usize::MAX } else { SHOWN });
    recover(&folder);
    let found = find(&folder)?;
    let mut told = Told { notes: found.notes, events_read: 1, ..Told::default() };
    let (mut output, mut lines) = (Output::new(), Vec::new());
    let mut left = limit;
    for session in found.sessions.iter().rev() {
        if left == 0 {
            break;
        }
        let summary = Summary::of(session, &|| false);
        if !is_wanted(args, session, &summary)
            || query.as_ref().is_some_and(|query| !fits(query, session, &summary))
        {
            continue;
        }
        left -= 1;
        told.notes.extend(session.notes.iter().cloned());
        told.damages.extend(summary.account.damages.iter().cloned());
        let line = local_session(session, &summary);
        if args.server.json {
            output.line(&serde_json::to_string(&line)?)?;
        } else {
            lines.push(line);
        }
    }
    if !args.server.json {
        LocalSession::table(&lines).iter().try_for_each(|line| output.line(line))?;
    }
    output.finish()?;
    Ok(ended(&told, &folder))
}

fn is_wanted(args: &Sessions, session: &SessionFiles, summary: &Summary) -> bool {
    let has_user = |part: &str| {
        let facts = summary.facts(session.header());
        let part = text::fold(part);
        facts
            .users
            .iter()
            .any(|user| [&user.id, &user.name].into_iter().flatten().any(|text| text::contains(text, &part)))
    };
    args.user.as_deref().is_none_or(has_user)
        && (!args.errors || summary.errors > 0)
        && args.state.as_deref().is_none_or(|state| state == summary.state())
}

pub(crate) fn query(filter: Option<&str>, subject: Subject) -> anyhow::Result<Option<Query>> {
    let Some(filter) = filter else { return Ok(None) };
    let query = Query::parse(filter, subject, clock::now());
    query
        .map(Some)
        .map_err(|wrong| anyhow!("{}", pointed(filter, wrong.position, wrong.length, &wrong.to_string())))
}
