//! Where a request comes from.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use crate::state::AppState;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a request's connection; an extension of every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The address a request is taken to come from: the other end of its connection, or what a proxy that
/// is trusted says that was to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(IpAddr);

/// What limits count by: an IPv4 address, or the 64 leading bits of an IPv6 one, of which whoever has
/// one has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Network(IpAddr);

impl Address {
    /// `trusted` are the proxies in front of this server.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpAddr]) -> Self {
        let peer = extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let peer = peer.to_canonical();
        if !trusted.contains(&peer) {
            return Self(peer);
        }
        // Each proxy puts at the end where it got the request from: what stands before the last proxy that
        // is ours may be made up.
        let said: Vec<&str> =
            headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        let hops = said.iter().flat_map(|line| line.split(',')).map(|hop| hop.trim().parse::<IpAddr>());
        let hops: Vec<IpAddr> = hops.map_while(Result::ok).map(|hop| hop.to_canonical()).collect();
        Self(hops.into_iter().rev().find(|hop| !trusted.contains(hop)).unwrap_or(peer))
    }

    pub(crate) fn network(self) -> Network {
        match self.0 {
            IpAddr::V6(address) => {
                let leading = u128::from(address) >> 64 << 64;
                Network(IpAddr::V6(Ipv6Addr::from(leading)))
            }
            IpAddr::V4(_) => Network(self.0),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<AppState> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers, &state.gate.trusted_proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        let rows = [
            ("192.0.2.7", None, "192.0.2.7"),
            ("192.0.2.7", Some("198.51.100.1"), "192.0.2.7"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("203.0.113.9, 198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("198.51.100.1, 10.0.0.2"), "198.51.100.1"),
            ("10.0.0.1", Some("10.0.0.2"), "10.0.0.1"),
            ("::ffff:10.0.0.1", Some("::ffff:198.51.100.1"), "198.51.100.1"),
        ];
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        for (peer, said, expected) in rows {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(peer.parse().unwrap()));
            let mut headers = HeaderMap::new();
            if let Some(said) = said {
                headers.insert(FORWARDED_FOR, said.parse().unwrap());
            }
            let found = Address::of(&extensions, &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {said:?}");
        }
    }

    #[test]
    fn who_has_one_address_of_a_network_has_all() {
        let network = |text: &str| Address(text.parse().unwrap()).network();
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
