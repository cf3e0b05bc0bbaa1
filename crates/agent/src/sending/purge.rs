//! Removing what the server has confirmed, where that is wished.

use std::fs::File;
use std::io;

use super::select::is_held;
use super::{Local, Sent};

/// Removes closed fragments that are known to be complete at the server with as many bytes as here, and with the last one
/// of a session that ended what else there is of it. Whoever prunes the folder is left to it: then nothing is removed, and
/// the next pass does it. Gives how many went.
pub(super) fn purge(local: &Local, sent: &Sent) -> io::Result<u64> {
    let is_confirmed = |number: u64, bytes: u64| {
        sent.fragments.get(&number).is_some_and(|sent| sent.is_complete && sent.bytes == bytes)
    };
    if !local.fragments.iter().any(|fragment| is_confirmed(fragment.number, fragment.bytes)) {
        return Ok(0);
    }
    let lock = local.folder.join("prune.lock");
    let lock = File::options().create(true).truncate(false).write(true).open(lock)?;
    if lock.try_lock().is_err() {
        return Ok(0);
    }
    let mut left = local.fragments.len();
    let mut purged = 0;
    for fragment in &local.fragments {
        let bytes = match std::fs::metadata(&fragment.path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                left -= 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        if fragment.is_closed && is_confirmed(fragment.number, bytes) && !is_held(&fragment.path) {
            std::fs::remove_file(&fragment.path)?;
            left -= 1;
            purged += 1;
        }
    }
    if left == 0 && !local.is_running {
        crate::repository::remove_words(&local.folder, &local.stem);
    }
    Ok(purged)
}
