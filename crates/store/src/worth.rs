//! Sessions worth opening: at most one for each rule, with the reason and its figures (D30). Pure: rows in,
//! choices out.
//!
//! *Ends in an error* means: silent without having said that it ends, with an error or worse in the last
//! stretch of its kymogram; or ended by a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kymo_model::{EndReason, SessionId, Severity, Timestamp};
use kymo_tracker::{End, SessionRow, UserSpan};

use crate::catalog::error_types::NewType;
use crate::catalog::projects::ProjectPk;

/// How long before the range counts as what is usual.
pub(crate) const HISTORY: Duration = Duration::from_hours(7 * 24);
/// Sessions with errors that are looked at, the newest of range and history: some 10 MiB of rows.
pub(crate) const ROWS_MAX: u32 = 5000;
/// A burst has at least this many errors, and so many times the median of its application.
const BURST_ERRORS_MIN: u64 = 5;
const BURST_TIMES_MEDIAN: u64 = 3;
/// Sessions that end in an error before a user is in trouble.
const TROUBLED_SESSIONS: usize = 3;
/// A shorter silence before an error is nothing special.
const SILENCE_MIN: Duration = Duration::from_mins(1);

/// Why a session is worth opening.
#[derive(Clone, Debug, PartialEq)]
pub enum WorthReason {
    /// The first session of that version that ended in an error, in range and history.
    FirstCrashOfVersion {
        /// The version.
        version: String,
    },
    /// An error type that the project had not seen before the range.
    NewErrorType {
        /// The exception's type.
        error_type: String,
    },
    /// The most errors, of those with far more than is usual for their application.
    ErrorBurst {
        /// Its errors.
        errors: u64,
        /// Half of the application's sessions with errors had no more.
        median: u64,
    },
    /// The last of several sessions of one user that ended in an error.
    UserInTrouble {
        /// The user's id, or name.
        user: String,
        /// How many sessions.
        sessions: usize,
    },
    /// The longest silence before an error that ended a session.
    SilenceThenCrash {
        /// How long nothing came.
        silence: Duration,
    },
}

/// A session with the reason to open it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorthOpening {
    /// Its project.
    pub project: ProjectPk,
    /// The session.
    pub session: SessionRow,
    /// Why.
    pub reason: WorthReason,
}

/// Sessions of the range that begins at `from`, out of rows of range and history, and of the error types first
/// seen in the range, the newest first.
pub(crate) fn choose(
    rows: Vec<(ProjectPk, SessionRow)>,
    new_types: &[NewType],
    from: Timestamp,
) -> Vec<WorthOpening> {
    let mut rows = rows;
    rows.sort_by_key(|(_, row)| (row.started_at, row.id));
    let in_range = |row: &SessionRow| row.last_activity_at >= from;
    let mut chosen: Vec<(SessionId, WorthReason)> = Vec::new();
    let new_error_type = |rows: &Candidates, open: Open<'_>| new_error_type(rows, new_types, open);
    let rules: [&Rule<'_>; 5] =
        [&first_crash_of_version, &new_error_type, &error_burst, &user_in_trouble, &silence_then_crash];
    for rule in rules {
        let open = |row: &SessionRow| in_range(row) && chosen.iter().all(|(id, _)| *id != row.id);
        if let Some(found) = rule(&rows, &open) {
            chosen.push(found);
        }
    }
    let of = |(id, reason): (SessionId, WorthReason)| {
        let (project, session) = rows.iter().find(|(_, row)| row.id == id)?.clone();
        Some(WorthOpening { project, session, reason })
    };
    chosen.into_iter().filter_map(of).collect()
}

fn ends_in_error(row: &SessionRow) -> bool {
    let Some(reason) = row.end.and_then(End::reason) else { return false };
    match reason {
        EndReason::Crashed => true,
        EndReason::Normal => false,
        _ => row.kymogram.buckets().last().is_some_and(|bucket| is_bad(bucket.worst_level)),
    }
}

/// Levels of the kymogram are quarters of severity numbers.
fn is_bad(level: u8) -> bool {
    level * 4 + 1 >= Severity::ERROR.number()
}

fn text<'row>(row: &'row SessionRow, name: &str) -> Option<&'row str> {
    row.property(name).map(|property| property.last.1.as_str())
}

fn application(project: ProjectPk, row: &SessionRow) -> (ProjectPk, Option<&str>) {
    (project, text(row, "service.name"))
}

type Open<'open> = &'open dyn Fn(&SessionRow) -> bool;
type Found = Option<(SessionId, WorthReason)>;
type Candidates = [(ProjectPk, SessionRow)];
type Rule<'rule> = dyn Fn(&Candidates, Open<'_>) -> Found + 'rule;

/// The newest version counts: of several it is the one whose first crash is the latest.
fn first_crash_of_version(rows: &Candidates, open: Open<'_>) -> Found {
    let mut seen = BTreeSet::new();
    let mut found = None;
    for (project, row) in rows.iter().filter(|(_, row)| ends_in_error(row)) {
        let Some(version) = text(row, "service.version") else { continue };
        if seen.insert((application(*project, row), version)) && open(row) {
            found = Some((row.id, WorthReason::FirstCrashOfVersion { version: version.to_owned() }));
        }
    }
    found
}

fn new_error_type(rows: &Candidates, new_types: &[NewType], open: Open<'_>) -> Found {
    new_types.iter().find_map(|new| {
        let (_, row) = rows.iter().find(|(_, row)| row.id == new.session)?;
        open(row).then(|| (row.id, WorthReason::NewErrorType { error_type: new.name.clone() }))
    })
}

fn error_burst(rows: &Candidates, open: Open<'_>) -> Found {
    let mut counts: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for (project, row) in rows {
        counts.entry(application(*project, row)).or_default().push(row.error_count);
    }
    let medians: BTreeMap<_, u64> = counts
        .into_iter()
        .map(|(application, mut counts)| {
            counts.sort_unstable();
            (application, counts[(counts.len() - 1) / 2])
        })
        .collect();
    let bursts = rows.iter().filter(|(_, row)| open(row)).filter_map(|(project, row)| {
        let median = *medians.get(&application(*project, row))?;
        let is_burst = row.error_count >= BURST_ERRORS_MIN && row.error_count >= median * BURST_TIMES_MEDIAN;
        is_burst.then_some((row.id, WorthReason::ErrorBurst { errors: row.error_count, median }))
    });
    bursts.max_by_key(|(_, reason)| match reason {
        WorthReason::ErrorBurst { errors, .. } => *errors,
        _ => 0,
    })
}

fn user_in_trouble(rows: &Candidates, open: Open<'_>) -> Found {
    let mut by_user: BTreeMap<(ProjectPk, &str), Vec<&SessionRow>> = BTreeMap::new();
    for (project, row) in rows.iter().filter(|(_, row)| ends_in_error(row)) {
        let users: BTreeSet<&str> = row.users.iter().filter_map(key_of).collect();
        for user in users {
            by_user.entry((*project, user)).or_default().push(row);
        }
    }
    let troubled = by_user.into_iter().filter_map(|((_, user), sessions)| {
        let last = sessions.iter().rev().find(|row| open(row))?;
        let enough = sessions.len() >= TROUBLED_SESSIONS;
        enough.then(|| {
            (last.id, WorthReason::UserInTrouble { user: user.to_owned(), sessions: sessions.len() })
        })
    });
    troubled.max_by_key(|(_, reason)| match reason {
        WorthReason::UserInTrouble { sessions, .. } => *sessions,
        _ => 0,
    })
}

fn key_of(span: &UserSpan) -> Option<&str> {
    span.user.id.as_deref().or(span.user.name.as_deref())
}

fn silence_then_crash(rows: &Candidates, open: Open<'_>) -> Found {
    let silences = rows.iter().filter(|(_, row)| open(row) && ends_in_error(row)).filter_map(|(_, row)| {
        let [.., before, last] = row.kymogram.buckets() else { return None };
        // To the beginning of the last stretch, from the end of the one before.
        let width = Duration::from_nanos(row.kymogram.width_nanos());
        let silence = row.kymogram.start_of(*last).since(row.kymogram.start_of(*before).plus(width));
        (silence >= SILENCE_MIN).then_some((row.id, WorthReason::SilenceThenCrash { silence }))
    });
    silences.max_by_key(|(_, reason)| match reason {
        WorthReason::SilenceThenCrash { silence } => *silence,
        _ => Duration::ZERO,
    })
}

#[cfg(test)]
mod tests;
