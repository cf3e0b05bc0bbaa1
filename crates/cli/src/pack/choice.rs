//! Which sessions.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kymo::sending::{Criteria, Local, select};

use super::outcome::{Code, Outcome};
use crate::args::Pack;

/// The sessions that are meant, and what is to be told of those that are not.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    pub(super) sessions: Vec<Local>,
    pub(super) unreadable: Vec<String>,
}

/// Something says what is meant.
pub(super) fn is_said(args: &Pack) -> bool {
    !args.sessions.is_empty() || criteria(args) != Criteria::default()
}

pub(super) fn criteria(args: &Pack) -> Criteria {
    let all = if args.all { Criteria::ALL } else { Criteria::default() };
    Criteria {
        completed: args.completed,
        new: args.unsent || args.new,
        crashed: args.crashed,
        with_errors: args.with_errors,
        active: args.active,
        ..all
    }
}

/// The folders of the applications that are meant; sessions whose process is gone are brought to their end first.
pub(super) fn folders(args: &Pack) -> Result<(Vec<PathBuf>, Vec<String>), Box<Outcome>> {
    let root = match &args.repository {
        Some(root) => root.clone(),
        None => crate::repository::root()
            .map_err(|error| Box::new(Outcome::failed(Code::NotFound, error.to_string())))?,
    };
    let (product, application) = (args.product.as_deref(), args.application.as_deref());
    let folders = kymo::application_folders(&root, product, application).map_err(|error| {
        let text = format!("no program keeps sessions in {}: {error}", root.display());
        Box::new(Outcome::failed(Code::NotFound, text))
    })?;
    if folders.is_empty() && (product.is_some() || application.is_some()) {
        let names: Vec<&str> = [product, application].into_iter().flatten().collect();
        let text = format!("{} has no sessions of {}", root.display(), names.join(", "));
        return Err(Box::new(Outcome::failed(Code::NotFound, text)));
    }
    let mut unreadable = Vec::new();
    for folder in &folders {
        match kymo::recover(folder) {
            Ok((_, problems)) => unreadable.extend(problems),
            Err(error) => unreadable.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok((folders, unreadable))
}

/// All sessions of these folders, oldest first.
pub(super) fn all(folders: &[PathBuf], unreadable: &mut Vec<String>) -> Vec<Local> {
    let mut sessions = Vec::new();
    for folder in folders {
        match select(folder, Criteria::ALL) {
            Ok(found) => {
                unreadable.extend(nameless(folder, &found));
                sessions.extend(found);
            }
            Err(error) => unreadable.push(format!("{}: {error}", folder.display())),
        }
    }
    sessions
}

/// Fragments of sessions that cannot be selected, as their summary cannot be read.
fn nameless(folder: &Path, found: &[Local]) -> Vec<String> {
    // By session: one that runs may have begun a fragment since, or one in which nothing stands yet.
    let known: BTreeSet<OsString> = found
        .iter()
        .flat_map(|session| &session.fragments)
        .filter_map(|fragment| stem(&fragment.path))
        .collect();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|ending| ending == "kymo")
                && stem(path).is_some_and(|stem| !known.contains(&stem))
                && path.metadata().is_ok_and(|found| found.len() > 0)
        })
        // A package that somebody put there is no session of the application.
        .filter(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with("kymo-")))
        .map(|path| format!("{}: its session's summary is missing or damaged", path.display()))
        .collect()
}

/// What all files of a session begin with.
pub(super) fn stem(path: &Path) -> Option<OsString> {
    let name = path.file_name()?.to_str()?;
    Some(name.split('.').next()?.into())
}

impl Chosen {
    pub(super) fn of(args: &Pack) -> Result<Self, Box<Outcome>> {
        let (folders, mut unreadable) = folders(args)?;
        let criteria = criteria(args);
        let mut sessions = all(&folders, &mut unreadable);
        for id in &args.sessions {
            if !sessions.iter().any(|session| session.summary.id == *id) {
                return Err(Box::new(Outcome::failed(Code::NotFound, format!("there is no session {id}"))));
            }
        }
        sessions.retain(|session| args.sessions.contains(&session.summary.id) || criteria.fits(session));
        Ok(Self { sessions, unreadable })
    }
}
