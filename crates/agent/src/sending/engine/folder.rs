//! Which folders one sender looks after, whether it is that one, and whether anything changed in them.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Held by the process that sends for the folder, and what is below it.
const LOCK: &str = "send.lock";

/// The lock of that place, if nobody else has it. It is given back by closing it, or by the end of the process.
pub(super) fn try_lock(place: &Path) -> Option<File> {
    let lock = File::options().create(true).truncate(false).write(true).open(place.join(LOCK)).ok()?;
    lock.try_lock().ok().map(|()| lock)
}

/// What changes when there is something new to send: fragments, wishes, ends of sessions, a word about consent. Summaries
/// are written all the time and are no news.
pub(super) fn looks(product: &Path, folders: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    changed(product.join("consent.json").metadata().ok().as_ref()).hash(&mut hasher);
    for folder in folders {
        // In no order: a sum.
        let mut sum = 0_u64;
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            let is_wish = name.ends_with(b".wish");
            if !is_wish && !name.ends_with(b".kymo") && !name.ends_with(b".spool") {
                continue;
            }
            let mut one = DefaultHasher::new();
            name.hash(&mut one);
            if is_wish {
                changed(entry.metadata().ok().as_ref()).hash(&mut one);
            }
            sum = sum.wrapping_add(one.finish());
        }
        (folder, sum).hash(&mut hasher);
    }
    hasher.finish()
}

fn changed(found: Option<&Metadata>) -> Option<SystemTime> {
    found.and_then(|found| found.modified().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_lock_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let held = try_lock(folder.path()).unwrap();
        assert!(try_lock(folder.path()).is_none());
        drop(held);
        assert!(try_lock(folder.path()).is_some());
        assert!(try_lock(&folder.path().join("none")).is_none());
    }

    #[test]
    fn what_is_to_be_sent_changes_the_look_and_summaries_do_not() {
        let product = tempfile::tempdir().unwrap();
        let folder = product.path().join("till");
        std::fs::create_dir(&folder).unwrap();
        let folders = [folder.clone()];
        let mut seen = vec![looks(product.path(), &folders)];
        for (file, is_news) in [
            (folder.join("a.0001.kymo"), true),
            (folder.join("a.session"), false),
            (folder.join("a.sent"), false),
            (folder.join("a.wish"), true),
            (folder.join("a.spool"), true),
            (product.path().join("consent.json"), true),
        ] {
            std::fs::write(&file, "x").unwrap();
            let now = looks(product.path(), &folders);
            assert_eq!(seen.last() != Some(&now), is_news, "{}", file.display());
            seen.push(now);
        }
    }
}
