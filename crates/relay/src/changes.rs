//! Which sessions changed since somebody looked, so that who looks again looks at these alone: of fifteen thousand
//! sessions hardly any changes within a second.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::session::Key;

/// Sessions that are gone of which it is known when they went: more than can go within the second that a list is behind.
/// Who is further behind looks at everything.
const GONE_MAX: usize = 20_000;

/// Versions go up by one with each change; of each session the last counts.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    version: u64,
    by_version: BTreeMap<u64, Key>,
    version_of: HashMap<Key, u64>,
    /// Sessions that went, and with which version, the oldest first.
    gone: VecDeque<(u64, Key)>,
    /// What changed up to this version may not be known any more.
    forgotten: u64,
}

impl Changes {
    /// The version of the last change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// A session came, went or looks different; the version of that.
    pub(crate) fn changed(&mut self, key: Key) -> u64 {
        self.version += 1;
        self.by_version.insert(self.version, key);
        if let Some(before) = self.version_of.insert(key, self.version) {
            self.by_version.remove(&before);
        }
        self.version
    }

    /// Nothing is known any more of a session whose last change was that it went.
    pub(crate) fn gone(&mut self, key: Key) {
        let Some(version) = self.version_of.get(&key) else { return };
        self.gone.push_back((*version, key));
        if self.gone.len() > GONE_MAX
            && let Some((version, key)) = self.gone.pop_front()
            // Else it came back.
            && self.version_of.get(&key) == Some(&version)
        {
            self.version_of.remove(&key);
            self.by_version.remove(&version);
            self.forgotten = self.forgotten.max(version);
        }
    }

    /// What changed after a version, of a project; `None`: anything may have.
    pub(crate) fn since(&self, version: u64, project: i64) -> Option<Vec<Key>> {
        let changed = self.by_version.range(version + 1..).map(|(_, key)| *key);
        (version >= self.forgotten).then(|| changed.filter(|key| key.project == project).collect())
    }
}

#[cfg(test)]
mod tests {
    use kymo_model::SessionId;

    use super::*;

    fn key(project: i64, session: u128) -> Key {
        Key { project, session: SessionId::from_u128(session) }
    }

    #[test]
    fn each_session_that_changed_is_named_once() {
        let mut changes = Changes::default();
        for session in [1, 2, 1, 3, 1] {
            changes.changed(key(1, session));
        }
        changes.changed(key(2, 9));
        assert_eq!(changes.since(0, 1), Some(vec![key(1, 2), key(1, 3), key(1, 1)]));
        assert_eq!(changes.since(4, 1), Some(vec![key(1, 1)]));
        assert_eq!(changes.since(changes.version(), 1), Some(vec![]));
    }

    #[test]
    fn what_went_long_ago_is_forgotten_and_who_has_not_looked_since_is_told() {
        let mut changes = Changes::default();
        let stays = key(1, 0);
        changes.changed(stays);
        let comes_back = key(1, 1);
        changes.changed(comes_back);
        changes.gone(comes_back);
        changes.changed(comes_back);
        for session in 2..GONE_MAX as u128 + 10 {
            changes.changed(key(1, session));
            changes.gone(key(1, session));
        }
        assert_eq!(changes.version_of.len(), GONE_MAX + 2);
        assert_eq!(changes.by_version.len(), GONE_MAX + 2);
        assert!(changes.version_of.contains_key(&comes_back), "it runs");
        assert_eq!(changes.since(3, 1), None);
        assert_eq!(changes.since(changes.version() - 5, 1).map(|keys| keys.len()), Some(5));
    }
}
