//! Removing what the server has confirmed, where that is wished.

use std::fs::File;
use std::io;

use super::select::{LocalFragment, is_held, there_now};
use super::{Local, Sent};
use crate::clock;
use crate::repository::leases;

/// Closed fragments that are known to be complete at the server. Of a session that runs the newest but one stays: what the
/// newest goes on from is in it, and of the newest a loss of power may leave nothing.
pub(super) fn candidates<'a>(local: &'a Local, sent: &'a Sent) -> impl Iterator<Item = &'a LocalFragment> {
    let newest = local.fragments.last().map_or(0, |fragment| fragment.number);
    local.fragments.iter().filter(move |fragment| {
        let number = fragment.number;
        let is_needed = local.is_running && number + 1 >= newest;
        fragment.is_closed && !is_needed && sent.fragments.get(&number).is_some_and(|sent| sent.is_complete)
    })
}

/// Removes closed fragments that are known to be complete at the server with as many bytes as here, and with the last one
/// of a session that ended what else there is of it. Whoever prunes the folder is left to it: then nothing is removed, and
/// the next pass does it. Gives how many went.
pub(super) fn purge(local: &Local, sent: &Sent) -> io::Result<u64> {
    let is_confirmed = |number: u64, bytes: u64| {
        sent.fragments.get(&number).is_some_and(|sent| sent.is_complete && sent.bytes == bytes)
    };
    if candidates(local, sent).next().is_none() {
        return Ok(0);
    }
    let lock = local.folder.join("prune.lock");
    let lock = File::options().create(true).truncate(false).write(true).open(lock)?;
    if lock.try_lock().is_err() {
        return Ok(0);
    }
    let mut purged = 0;
    let leased_from = leases::leased_from(&local.folder, &local.stem);
    for fragment in candidates(local, sent) {
        let (bytes, modified) = match std::fs::metadata(&fragment.path) {
            Ok(found) => (found.len(), found.modified()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let modified_ns = i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX);
        if leases::holds(leased_from, fragment.number, modified_ns, clock::now().as_unix_nanos()) {
            continue;
        }
        if is_confirmed(fragment.number, bytes) && !is_held(&fragment.path) {
            std::fs::remove_file(&fragment.path)?;
            purged += 1;
        }
    }
    // One that came since it was selected is still to go.
    if !local.is_running && there_now(local)?.is_empty() {
        crate::repository::remove_words(&local.folder, &local.stem);
    }
    Ok(purged)
}

#[cfg(test)]
mod tests {
    use kymo_model::{SessionId, Timestamp};

    use super::*;
    use crate::repository::Summary;
    use crate::repository::names::FileName;
    use crate::sending::{Criteria, SentFragment, select};

    #[test]
    fn only_what_was_confirmed_to_the_last_byte_goes_and_words_with_the_last_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let started_at = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let stem = FileName::new(SessionId::from_u128(7), started_at);
        for number in 1..=2 {
            std::fs::write(folder.path().join(stem.fragment(number)), [0; 100]).unwrap();
        }
        let summary = Summary { state: "ended".to_owned(), ..Summary::default() };
        summary.write(&folder.path().join(stem.summary())).unwrap();
        let local = || select(folder.path(), Criteria::ALL).unwrap().remove(0);
        let sent = |number, bytes, is_complete, is_given_up| {
            let fragment = SentFragment { bytes, is_complete, is_given_up };
            Sent { fragments: [(number, fragment)].into(), ..Sent::default() }
        };
        for unsure in [sent(1, 100, false, false), sent(1, 99, true, false), sent(1, 100, false, true)] {
            assert_eq!(purge(&local(), &unsure).unwrap(), 0, "{unsure:?}");
        }
        let lock = File::create(folder.path().join("prune.lock")).unwrap();
        lock.try_lock().unwrap();
        assert_eq!(purge(&local(), &sent(1, 100, true, false)).unwrap(), 0, "somebody prunes");
        drop(lock);
        assert_eq!(purge(&local(), &sent(1, 100, true, false)).unwrap(), 1);
        assert!(folder.path().join(stem.summary()).exists());
        std::fs::write(folder.path().join(stem.spool()), "").unwrap();
        assert_eq!(purge(&local(), &sent(2, 100, true, false)).unwrap(), 0, "it runs");
        std::fs::remove_file(folder.path().join(stem.spool())).unwrap();
        let selected = local();
        std::fs::write(folder.path().join(stem.fragment(3)), [0; 100]).unwrap();
        assert_eq!(purge(&selected, &sent(2, 100, true, false)).unwrap(), 1);
        assert!(folder.path().join(stem.summary()).exists(), "there is one more than when it was selected");
        assert_eq!(purge(&local(), &sent(3, 100, true, false)).unwrap(), 1);
        assert!(!folder.path().join(stem.summary()).exists());
    }

    #[test]
    fn of_a_session_that_runs_the_last_two_fragments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let started_at = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let stem = FileName::new(SessionId::from_u128(7), started_at);
        for number in 1..=4 {
            std::fs::write(folder.path().join(stem.fragment(number)), [0; 100]).unwrap();
        }
        Summary { state: "running".to_owned(), ..Summary::default() }
            .write(&folder.path().join(stem.summary()))
            .unwrap();
        let confirmed = SentFragment { bytes: 100, is_complete: true, is_given_up: false };
        let sent = Sent { fragments: (1..=4).map(|number| (number, confirmed)).collect(), ..Sent::default() };
        let local = || select(folder.path(), Criteria::ALL).unwrap().remove(0);
        assert!(local().is_running);
        assert_eq!(purge(&local(), &sent).unwrap(), 2);
        let left: Vec<u64> = local().fragments.iter().map(|fragment| fragment.number).collect();
        assert_eq!(left, [3, 4]);
        assert_eq!(purge(&local(), &sent).unwrap(), 0);
    }
}
