//! People and programs: members, what they may do in which project, one-time links, the sessions of
//! their browsers, tokens, and the log of what they did. Of secrets only hashes are kept.

pub(crate) mod audit;
pub(crate) mod members;
pub(crate) mod tokens;
pub(crate) mod ui_sessions;

use std::collections::BTreeMap;

use super::projects::ProjectPk;

/// The member that is there from the first start on.
const FIRST_MEMBER: &str = "admin";

/// What somebody may do in a project; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read everything but settings.
    Reader,
    /// Share views and pin sessions as well.
    Member,
    /// Everything: settings, tokens, members, erasing.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Member, Self::Admin];

    /// The word used in storage, in the API and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The role that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their number in this catalog.
    pub pk: i64,
    /// What they sign in with.
    pub name: String,
    /// Administers the server, and so every project.
    pub is_admin: bool,
    /// Their roles in projects; a server's admin needs none.
    pub roles: BTreeMap<ProjectPk, Role>,
}
