//! Names of files and folders. None is made of foreign text as it is.

use kymo_model::{SessionId, Timestamp};

/// Longest name of a folder: with endings far below what any file system takes.
const FOLDER_CHARS_MAX: usize = 64;

/// The beginning of the names of all of a session's files: `20261121T181530Z-` and the session's id, so that they sort
/// by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName(String);

impl FileName {
    pub(crate) fn new(session: SessionId, started_at: Timestamp) -> Self {
        let text = started_at.to_string();
        let seconds = text.split(['.', 'Z']).next().unwrap_or_default();
        let digits: String = seconds.chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect();
        Self(format!("{digits}Z-{:032x}", session.as_u128()))
    }

    /// Of a file of a session; `None` for other files.
    pub(crate) fn of(file_name: &str) -> Option<Self> {
        let stem = file_name.split('.').next()?;
        let (moment, id) = stem.split_once('-')?;
        let is_moment =
            moment.ends_with('Z') && moment.chars().all(|c| c.is_ascii_digit() || "TZ".contains(c));
        let is_id = id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        (is_moment && is_id).then(|| Self(stem.to_owned()))
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        let (_, id) = self.0.split_once('-')?;
        u128::from_str_radix(id, 16).ok().map(SessionId::from_u128)
    }

    pub(crate) fn fragment(&self, number: u64) -> String {
        format!("{}.{number:04}.kymo", self.0)
    }

    pub(crate) fn spool(&self) -> String {
        format!("{}.spool", self.0)
    }

    pub(crate) fn summary(&self) -> String {
        format!("{}.session", self.0)
    }

    #[cfg(feature = "send")]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Locked as long as its process lives, for the helper.
    pub(crate) fn exit(&self) -> String {
        format!("{}.exit", self.0)
    }

    pub(crate) fn sent(&self) -> String {
        format!("{}.sent", self.0)
    }

    /// Which of its fragments somebody follows.
    pub(crate) fn followed(&self) -> String {
        format!("{}.followed", self.0)
    }

    pub(crate) fn wish(&self) -> String {
        format!("{}.wish", self.0)
    }

    /// Of a fragment's file: its number.
    pub(crate) fn number_of(file_name: &str) -> Option<u64> {
        file_name.strip_suffix(".kymo")?.rsplit_once('.')?.1.parse().ok()
    }
}

/// A folder's name for a product or an application: letters, digits, `.`, `_` and `-` stay. Where that loses anything,
/// a checksum of the whole keeps two names apart.
pub(crate) fn folder(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .take(FOLDER_CHARS_MAX)
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    // Neither hidden nor a step upwards, and no name that some system keeps for itself.
    let is_odd = safe.is_empty() || safe.starts_with('.') || safe.ends_with('.') || is_device(&safe);
    if safe == name && !is_odd {
        return safe;
    }
    safe = safe.trim_matches('.').to_owned();
    format!("{safe}-{:08x}", crate::raw::checksum::of_bytes(1, name.as_bytes()))
}

/// Windows takes these for devices whatever comes behind a dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_sort_by_time_and_are_known_again() {
        let started_at = Timestamp::from_unix_millis(1_790_000_000_061).unwrap();
        let name = FileName::new(SessionId::from_u128(0xabc), started_at);
        assert_eq!(name.fragment(7), "20260921T141320Z-00000000000000000000000000000abc.0007.kymo");
        assert_eq!(FileName::of(&name.spool()), Some(name.clone()));
        assert_eq!(name.session(), Some(SessionId::from_u128(0xabc)));
        assert_eq!(FileName::number_of(&name.fragment(12_345)), Some(12_345));
        for other in [
            "notes.txt",
            "20260921T141320Z-abc.0001.kymo",
            "-.kymo",
            "",
            "x-00000000000000000000000000000abc",
        ] {
            assert_eq!(FileName::of(other), None, "{other}");
        }
    }

    #[test]
    fn no_folder_leaves_its_place() {
        assert_eq!(folder("Shop-2.0_beta"), "Shop-2.0_beta");
        for name in
            ["", ".", "..", "../up", "a/b", "a\\b", "con", "COM1.x", "späti", "a\0b", ".hidden", "end."]
        {
            let safe = folder(name);
            assert!(
                !safe.contains(['/', '\\', '\0']) && !safe.starts_with('.') && safe != name,
                "{name:?}: {safe}"
            );
        }
        assert_ne!(folder("a/b"), folder("a\\b"));
        assert!(folder(&"x".repeat(500)).len() < 80);
    }
}
