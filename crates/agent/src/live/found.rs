//! Where the server's port for agents is: its own word over HTTP, and the host that was asked.

use std::time::Duration;

use crate::sending::{Client, LivePlace, SendError, SendErrorKind};

/// The server's port for agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_tls: bool,
}

/// What asking gave.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Door(Door),
    /// Live is off there, or there is none; with the reason in words.
    Off(String),
}

/// Asks the server.
///
/// Errors: no answer, or none that is of use, and how long to leave it alone if it said so.
pub(super) fn ask(client: &Client) -> Result<Found, SendError> {
    let places = match client.live() {
        Ok(places) => places,
        // A server of before, or of another kind.
        Err(error) if error.kind == SendErrorKind::Unknown => return Ok(Found::Off(error.text)),
        Err(error) => return Err(error),
    };
    let Some(LivePlace { host, port, is_tls }) = places else {
        return Ok(Found::Off(format!("{}: live is off there", client.server())));
    };
    match host.or_else(|| host_of(client.server())) {
        Some(host) => Ok(Found::Door(Door { host, port, is_tls })),
        None => Err(SendError {
            kind: SendErrorKind::Refused,
            text: format!("the server's address: expected https://HOST, found {:?}", client.server()),
            retry_after: None::<Duration>,
        }),
    }
}

/// The host of an address, without a login, a port and the brackets of IPv6.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_one_that_was_asked() {
        for (url, expected) in [
            ("https://kymo.example", Some("kymo.example")),
            ("http://127.0.0.1:8390/kymo", Some("127.0.0.1")),
            ("https://[::1]:8390", Some("::1")),
            ("https://user:word@kymo.example:1/x?y", Some("kymo.example")),
            ("https://", None),
            ("kymo.example", None),
        ] {
            assert_eq!(host_of(url).as_deref(), expected, "{url}");
        }
    }
}
