//! Pruning: what is too old, too much, or in the way of a disk that is filling up.
//!
//! Whole fragments go, oldest first. The newest fragment of a session goes with the whole session only, and never that
//! of one that is running, so the limits can be exceeded by what runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_model::Timestamp;

use super::leases;
use super::names::FileName;

/// How much an application's folder may hold. Loupe's figures, which have served for years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Fragments that were written last longer ago go.
    pub age_max: Duration,
    /// Of all sessions of the application together, in bytes.
    pub bytes_max: u64,
    /// Bytes that stay free on the disk for others.
    pub free_disk_min: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age_max: Duration::from_hours(90 * 24), bytes_max: 150 << 20, free_disk_min: 200 << 20 }
    }
}

/// A file that is being made has its name after milliseconds; after a day nobody makes it any more.
const LEFT_AFTER_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Fragments that are removed in any case: more than a program makes that runs for moments, and some milliseconds.
const REMOVED_MIN: u64 = 16;

/// Why a fragment was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Because {
    Age,
    Size,
    FreeDisk,
}

impl Because {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Age => "it is older than the limit",
            Self::Size => "all sessions together are larger than the limit",
            Self::FreeDisk => "the disk has less free space than the limit",
        }
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Fragments.
    pub fragments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Sessions of which nothing is left.
    pub sessions: u64,
    pub(crate) because: Option<Because>,
    /// The disk has less free space than the limit, and there is nothing left to remove.
    pub is_disk_low: bool,
}

#[derive(Debug)]
struct Fragment {
    path: PathBuf,
    stem: FileName,
    bytes: u64,
    modified_ns: i64,
}

/// Removes what is beyond the limits in an application's folder. One process at a time does it; others leave it to
/// that one.
///
/// It stops when it is to; but not before it has removed some, so that programs that run for moments only get on with it.
pub(crate) fn prune(
    folder: &Path,
    retention: &Retention,
    now: Timestamp,
    stops: &dyn Fn() -> bool,
) -> io::Result<Pruned> {
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("prune.lock"))?;
    if lock.try_lock().is_err() {
        let is_disk_low = free_disk(folder).is_some_and(|free| free < retention.free_disk_min);
        return Ok(Pruned { is_disk_low, ..Pruned::default() });
    }
    let mut fragments = list(folder, now)?;
    // By when they were begun, not by when they were written: a session's fragments then go in their order.
    fragments.sort_by(|left, right| left.path.file_name().cmp(&right.path.file_name()));
    let mut left: BTreeMap<FileName, u64> = BTreeMap::new();
    for fragment in &fragments {
        *left.entry(fragment.stem.clone()).or_default() += 1;
    }
    let mut total: u64 = fragments.iter().map(|fragment| fragment.bytes).sum();
    let mut free = free_disk(folder).unwrap_or(u64::MAX);
    let oldest_ns =
        now.as_unix_nanos().saturating_sub(i64::try_from(retention.age_max.as_nanos()).unwrap_or(i64::MAX));
    let mut pruned = Pruned::default();
    for fragment in fragments {
        let because = if fragment.modified_ns < oldest_ns {
            Because::Age
        } else if total > retention.bytes_max {
            Because::Size
        } else if free < retention.free_disk_min {
            Because::FreeDisk
        } else {
            // A later one may still be too old: a clock that stepped, or a session that ran long.
            continue;
        };
        if pruned.fragments >= REMOVED_MIN && stops() {
            break;
        }
        if free >= retention.free_disk_min && is_leased(folder, &fragment, now) {
            continue;
        }
        let left = left.entry(fragment.stem.clone()).or_default();
        if *left == 1 && is_running(folder, &fragment) {
            continue;
        }
        match std::fs::remove_file(&fragment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        *left -= 1;
        total -= fragment.bytes;
        free = free.saturating_add(fragment.bytes);
        pruned.fragments += 1;
        pruned.bytes += fragment.bytes;
        pruned.because = pruned.because.max(Some(because));
        if *left == 0 {
            pruned.sessions += 1;
            remove_words(folder, &fragment.stem);
        }
    }
    pruned.is_disk_low = free < retention.free_disk_min;
    Ok(pruned)
}

/// Somebody follows it who does not lag too far. What is recorded now is worth more than that: on a full disk it goes.
fn is_leased(folder: &Path, fragment: &Fragment, now: Timestamp) -> bool {
    let number = fragment.path.file_name().and_then(|name| FileName::number_of(name.to_str()?));
    let from = leases::leased_from(folder, &fragment.stem);
    number.is_some_and(|number| leases::holds(from, number, fragment.modified_ns, now.as_unix_nanos()))
}

/// Removes what is said of a session of which nothing is left. If a summary stays, the list shows a session that cannot be
/// opened, and no more.
pub(crate) fn remove_words(folder: &Path, stem: &FileName) {
    for name in [stem.summary(), stem.sent(), stem.wish(), stem.exit(), stem.followed()] {
        let _ = std::fs::remove_file(folder.join(name));
    }
}

/// The fragments of the folder. What somebody left who was killed while making a file goes on the way.
fn list(folder: &Path, now: Timestamp) -> io::Result<Vec<Fragment>> {
    let mut fragments = Vec::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(stem) = FileName::of(name) else { continue };
        let Ok(found) = entry.metadata() else { continue };
        let modified = found.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let modified_ns = i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX);
        if FileName::number_of(name).is_none() {
            let is_left = name.ends_with("-new") || name.rsplit('.').next() == Some("damaged");
            if is_left && modified_ns < now.as_unix_nanos().saturating_sub(LEFT_AFTER_NS) {
                // It takes up room and nothing else.
                let _ = std::fs::remove_file(entry.path());
            }
            continue;
        }
        fragments.push(Fragment { path: entry.path(), stem, bytes: found.len(), modified_ns });
    }
    Ok(fragments)
}

/// Its process holds it, or it waits to be recovered.
fn is_running(folder: &Path, fragment: &Fragment) -> bool {
    folder.join(fragment.stem.spool()).exists()
        || File::open(&fragment.path).is_ok_and(|file| file.try_lock_shared().is_err())
}

/// Bytes that are free on the disk for who is not root; `None` where the system does not say.
#[cfg(unix)]
pub(crate) fn free_disk(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
pub(crate) fn free_disk(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use kymo_model::SessionId;

    use super::*;

    const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

    /// Three sessions of three fragments of 1,000 bytes, a day apart, written when they began.
    fn repository() -> (tempfile::TempDir, Vec<FileName>) {
        let folder = tempfile::tempdir().unwrap();
        let stems: Vec<FileName> = (0..3)
            .map(|session| {
                let started_at =
                    Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + i64::from(session) * DAY_NS);
                let stem = FileName::new(SessionId::from_u128(session as u128), started_at);
                for number in 1..=3 {
                    let path = folder.path().join(stem.fragment(number));
                    std::fs::write(&path, [0; 1000]).unwrap();
                    let moment =
                        std::time::UNIX_EPOCH + Duration::from_nanos(started_at.as_unix_nanos() as u64);
                    File::options().write(true).open(&path).unwrap().set_modified(moment).unwrap();
                }
                for words in [stem.summary(), stem.sent(), stem.wish()] {
                    std::fs::write(folder.path().join(words), "{}").unwrap();
                }
                stem
            })
            .collect();
        (folder, stems)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.retain(|name| FileName::number_of(name).is_some());
        names.sort_unstable();
        names
    }

    const NOBODY: Retention = Retention { age_max: Duration::MAX, bytes_max: u64::MAX, free_disk_min: 0 };
    const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + 3 * DAY_NS);

    #[test]
    fn the_oldest_fragments_go_until_the_rest_is_small_enough() {
        let (folder, stems) = repository();
        assert_eq!(prune(folder.path(), &NOBODY, NOW, &|| false).unwrap(), Pruned::default());
        let retention = Retention { bytes_max: 5000, ..NOBODY };
        let pruned = prune(folder.path(), &retention, NOW, &|| false).unwrap();
        assert_eq!((pruned.fragments, pruned.bytes, pruned.sessions), (4, 4000, 1));
        assert_eq!(pruned.because, Some(Because::Size));
        let mut expected = vec![stems[1].fragment(2), stems[1].fragment(3)];
        expected.extend((1..=3).map(|number| stems[2].fragment(number)));
        assert_eq!(names(folder.path()), expected);
        for (stem, is_there) in [(&stems[0], false), (&stems[1], true)] {
            for words in [stem.summary(), stem.sent(), stem.wish()] {
                assert_eq!(folder.path().join(&words).exists(), is_there, "{words}");
            }
        }
    }

    #[test]
    fn what_is_too_old_goes_but_the_newest_of_what_runs() {
        let (folder, stems) = repository();
        let running = File::options().write(true).open(folder.path().join(stems[0].fragment(3))).unwrap();
        running.try_lock().unwrap();
        let retention = Retention { age_max: Duration::from_hours(36), ..NOBODY };
        let pruned = prune(folder.path(), &retention, NOW, &|| false).unwrap();
        assert_eq!((pruned.fragments, pruned.sessions, pruned.because), (5, 1, Some(Because::Age)));
        let mut expected = vec![stems[0].fragment(3)];
        expected.extend((1..=3).map(|number| stems[2].fragment(number)));
        assert_eq!(names(folder.path()), expected);
        drop(running);
        std::fs::write(folder.path().join(stems[0].spool()), "").unwrap();
        assert_eq!(
            prune(folder.path(), &retention, NOW, &|| false).unwrap().fragments,
            0,
            "it waits to be recovered"
        );
    }

    #[test]
    fn what_somebody_follows_stays_for_a_quarter_of_an_hour_but_on_a_full_disk() {
        let (folder, stems) = repository();
        std::fs::write(folder.path().join(stems[0].followed()), "2\n").unwrap();
        let retention = Retention { bytes_max: 0, ..NOBODY };
        let after =
            |seconds: i64| Timestamp::from_unix_nanos(1_790_000_000_000_000_000 + seconds * 1_000_000_000);
        assert_eq!(prune(folder.path(), &retention, after(899), &|| false).unwrap().fragments, 7);
        assert_eq!(names(folder.path()), [stems[0].fragment(2), stems[0].fragment(3)]);
        let in_need = Retention { free_disk_min: u64::MAX, ..NOBODY };
        let newest = folder.path().join(stems[0].fragment(4));
        std::fs::write(&newest, [0; 1000]).unwrap();
        assert_eq!(prune(folder.path(), &retention, after(900), &|| false).unwrap().fragments, 2);
        assert_eq!(prune(folder.path(), &in_need, after(60), &|| false).unwrap().fragments, 1);
        assert!(!folder.path().join(stems[0].followed()).exists(), "it goes with the last of it");
        // Too much, and a full disk as well.
        std::fs::write(folder.path().join(stems[0].followed()), "2\n").unwrap();
        std::fs::write(&newest, [0; 1000]).unwrap();
        let in_need = Retention { bytes_max: 0, ..in_need };
        assert_eq!(prune(folder.path(), &in_need, after(60), &|| false).unwrap().fragments, 1);
    }

    #[test]
    fn a_disk_that_fills_up_takes_everything_but_what_runs_and_is_told() {
        let (folder, _) = repository();
        let retention = Retention { free_disk_min: u64::MAX, ..NOBODY };
        let pruned = prune(folder.path(), &retention, NOW, &|| false).unwrap();
        assert_eq!(
            (pruned.fragments, pruned.because, pruned.is_disk_low),
            (9, Some(Because::FreeDisk), true)
        );
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn what_was_never_finished_goes_after_a_day() {
        let (folder, stems) = repository();
        let left = folder.path().join(stems[0].spool()).with_extension("spool-new");
        let others = [folder.path().join("notes-new"), folder.path().join(stems[0].spool())];
        for path in others.iter().chain([&left]) {
            std::fs::write(path, "x").unwrap();
        }
        let now = |days: i64| crate::clock::now().plus(Duration::from_secs(days as u64 * 86_400));
        prune(folder.path(), &NOBODY, now(0), &|| false).unwrap();
        assert!(left.exists(), "somebody may be at it");
        prune(folder.path(), &NOBODY, now(2), &|| false).unwrap();
        assert!(!left.exists() && others.iter().all(|path| path.exists()));
    }

    #[test]
    fn one_process_at_a_time() {
        let (folder, _) = repository();
        let lock = File::create(folder.path().join("prune.lock")).unwrap();
        lock.try_lock().unwrap();
        let retention = Retention { bytes_max: 0, ..NOBODY };
        assert_eq!(prune(folder.path(), &retention, NOW, &|| false).unwrap(), Pruned::default());
        drop(lock);
        assert_eq!(prune(folder.path(), &retention, NOW, &|| false).unwrap().fragments, 9);
    }
}
