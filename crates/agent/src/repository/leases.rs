//! Fragments that somebody follows are not removed for a while: from which one on, in a small file beside the session,
//! `STEM.followed`, for whoever prunes the folder.
//!
//! A fragment is leased until it is so old as a follower may lag. So what is left of a process that was killed holds nothing for
//! longer than that.

use std::path::Path;

use super::names::FileName;

/// What a follower may lag behind before its fragment is removed like any other.
pub(crate) const LEASED_NS: i64 = 15 * 60 * 1_000_000_000;

/// Longest file that is read; ours have some ten bytes.
const BYTES_MAX: u64 = 64;

/// The first fragment of a session that somebody follows.
pub(crate) fn leased_from(folder: &Path, stem: &FileName) -> Option<u64> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(folder.join(stem.followed())).ok()?;
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Whether a fragment that was written last at that time is to stay.
pub(crate) fn holds(leased_from: Option<u64>, fragment: u64, modified_ns: i64, now_ns: i64) -> bool {
    leased_from.is_some_and(|first| fragment >= first) && modified_ns > now_ns.saturating_sub(LEASED_NS)
}

#[cfg(feature = "live")]
pub(crate) use live::Leases;

#[cfg(feature = "live")]
mod live {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};

    use super::FileName;
    use crate::spool::disk;

    /// The leases of a session: where each of its followers is.
    #[derive(Debug)]
    pub(crate) struct Leases {
        file: PathBuf,
        followed: Mutex<BTreeMap<u64, u64>>,
    }

    impl Leases {
        pub(crate) fn of(folder: &Path, stem: &FileName) -> Self {
            Self { file: folder.join(stem.followed()), followed: Mutex::default() }
        }

        /// A follower reads that fragment now, and what comes after it.
        pub(crate) fn begin(&self, follower: u64, fragment: u64) {
            self.change(follower, Some(fragment));
        }

        /// A follower is gone.
        pub(crate) fn end(&self, follower: u64) {
            self.change(follower, None);
        }

        fn change(&self, follower: u64, fragment: Option<u64>) {
            let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            let first = followed.values().min().copied();
            match fragment {
                Some(fragment) => followed.insert(follower, fragment),
                None => followed.remove(&follower),
            };
            let now = followed.values().min().copied();
            // Under the lock: of two changes the later is written last. What fails costs a lease, and no more.
            let _ = match now {
                _ if now == first => Ok(()),
                Some(first) => disk::replace(&self.file, &first),
                None => std::fs::remove_file(&self.file),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_model::{SessionId, Timestamp};

    use super::*;

    #[test]
    fn a_fragment_is_leased_for_a_quarter_of_an_hour() {
        for (from, fragment, age_s, expected) in [
            (Some(2), 2, 60, true),
            (Some(2), 3, 60, true),
            (Some(2), 1, 60, false),
            (Some(2), 2, 899, true),
            (Some(2), 2, 900, false),
            (None, 2, 60, false),
        ] {
            let now_ns = 1_790_000_000_000_000_000_i64;
            let found = holds(from, fragment, now_ns - age_s * 1_000_000_000, now_ns);
            assert_eq!(found, expected, "{from:?} {fragment} {age_s}");
        }
    }

    #[test]
    fn what_is_no_lease_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let stem = FileName::new(SessionId::from_u128(7), Timestamp::from_unix_nanos(0));
        assert_eq!(leased_from(folder.path(), &stem), None);
        for text in ["", "x", "-1", &"9".repeat(100)] {
            std::fs::write(folder.path().join(stem.followed()), text).unwrap();
            assert_eq!(leased_from(folder.path(), &stem), None, "{text}");
        }
    }

    #[cfg(feature = "live")]
    #[test]
    fn the_first_of_several_followers_counts() {
        let folder = tempfile::tempdir().unwrap();
        let stem = FileName::new(SessionId::from_u128(7), Timestamp::from_unix_nanos(0));
        let leases = Leases::of(folder.path(), &stem);
        let from = || leased_from(folder.path(), &stem);
        leases.begin(1, 4);
        leases.begin(2, 2);
        assert_eq!(from(), Some(2));
        leases.begin(2, 5);
        assert_eq!(from(), Some(4));
        leases.end(1);
        assert_eq!(from(), Some(5));
        leases.end(2);
        assert_eq!((from(), folder.path().join(stem.followed()).exists()), (None, false));
    }
}
