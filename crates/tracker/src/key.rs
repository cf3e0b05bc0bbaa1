//! What an event is grouped by.

use kymo_model::SessionKind;
use sha2::{Digest, Sha256};

/// What makes events belong together, inside one project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionKey {
    /// The user's identity: sessions are made automatically and split by silence.
    Identity(String),
    /// An id that the agent chose: one session for ever.
    External(String),
    /// The id of an agent in a browser tab: one session, unless another tab bears it as well.
    Tab(String),
    /// The id that the agent in a program gave its run: one session for ever, numbered by the agent.
    Process(String),
}

impl SessionKey {
    /// The foreign text itself.
    pub fn text(&self) -> &str {
        match self {
            Self::Identity(text) | Self::External(text) | Self::Tab(text) | Self::Process(text) => text,
        }
    }

    /// What a session of this key stands for.
    pub fn kind(&self) -> SessionKind {
        match self {
            Self::Identity(_) | Self::External(_) => SessionKind::User,
            Self::Tab(_) => SessionKind::Browser,
            Self::Process(_) => SessionKind::Process,
        }
    }

    /// A fixed-size stand-in for indexes: foreign text can be long.
    pub fn hash(&self) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(match self {
            Self::Identity(_) => b"i",
            Self::External(_) => b"x",
            Self::Tab(_) => b"t",
            Self::Process(_) => b"p",
        });
        hasher.update(self.text().as_bytes());
        let digest = hasher.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        short
    }
}
