//! What runs now: the relay's two ports, who may enter, and what the API and the page see of it.
//!
//! The protocol and what is passed on are `kymo-relay`'s; here it gets connections, tokens and settings, and its sessions
//! become JSON. Not for: sessions that are stored.
//!
//! | module | holds |
//! |---|---|
//! | `doors` | whom a token lets in, and which sessions fit a filter |
//! | `follow` | a followed session as events |
//! | `listen` | the ports |
//! | `shapes` | a session that runs, as JSON |
//! | `open` | a session that somebody opens: found, and made known to the store |

mod doors;
pub(crate) mod follow;
mod listen;
pub(crate) mod open;
pub(crate) mod shapes;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use kymo_relay::{Limits, Relay};
use kymo_store::Store;

use self::doors::Doors;
pub(crate) use self::listen::Listeners;
use crate::access::Directory;

/// Ports where programs can be followed while they run, and how many connect. TLS is that of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// Where programs connect; port 0 takes a free one.
    pub listen_agents: SocketAddr,
    /// Where terminals connect; port 0 takes a free one.
    pub listen_viewers: SocketAddr,
    /// Connections of programs.
    pub agents_max: u64,
    /// Connections of terminals.
    pub viewers_max: u64,
    /// Where programs are told to connect, if not to the host they asked and the port above.
    pub reached_agents: Option<ReachedAt>,
    /// The same for terminals.
    pub reached_viewers: Option<ReachedAt>,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachedAt {
    /// Its name, or an address; one of IPv6 without brackets.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

impl ReachedAt {
    /// `live.example.com:29971`, `10.0.0.1:29971`, `[::1]:29971`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_name = |host: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            !host.is_empty() && host.bytes().all(plain)
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let is_host = is_name(host) || host.parse::<std::net::Ipv6Addr>().is_ok();
        is_host.then(|| Self { host: host.to_owned(), port })
    }
}

/// What runs now. One for a server that has it switched on.
pub(crate) struct Live {
    pub(crate) relay: Relay,
    options: LiveOptions,
    known: open::Known,
    bound: OnceLock<Ports>,
}

/// Where the relay listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) agents: SocketAddr,
    pub(crate) viewers: SocketAddr,
    pub(crate) has_tls: bool,
}

impl Live {
    pub(crate) fn new(store: &Arc<Store>, directory: &Arc<Directory>, options: &LiveOptions) -> Self {
        let limits = Limits {
            agents: options.agents_max,
            viewers: options.viewers_max,
            folder: store.folder().root().to_owned(),
            ..Limits::default()
        };
        let doors = Doors { store: Arc::clone(store), directory: Arc::clone(directory) };
        let clock = Arc::clone(store);
        let relay = Relay::new(doors, limits, move || clock.now());
        Self { relay, options: options.clone(), known: open::Known::default(), bound: OnceLock::new() }
    }

    /// Where it is reached.
    pub(crate) fn options(&self) -> &LiveOptions {
        &self.options
    }

    /// Where it listens; `None`: not yet.
    pub(crate) fn ports(&self) -> Option<Ports> {
        self.bound.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_ports() {
        let parsed = |text| ReachedAt::parse(text).map(|at| (at.host, at.port));
        assert_eq!(parsed("live.example.com:29971"), Some(("live.example.com".to_owned(), 29_971)));
        assert_eq!(parsed("[::1]:1"), Some(("::1".to_owned(), 1)));
        for bad in ["", "host", ":1", "host:", "host:0", "host:70000", "a b:1", "http://host:1", "[::1:1"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
