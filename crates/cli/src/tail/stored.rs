//! What the server's store has of a session, over HTTP.

use std::time::Duration;

use kymo_model::SessionId;
use serde_json::Value;
use ureq::http::Uri;

use super::line::Address;
use super::session_id;
use crate::args::Server;
use crate::remote::{Pages, ask, client, escape};

/// Time for one request: the largest page of a busy server takes a second.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// Events fetched at a time.
const PAGE_EVENTS: usize = 1000;

/// The server, asked.
pub(super) struct Stored<'args> {
    client: ureq::Agent,
    server: &'args Server,
}

/// Where viewers connect, or why they need not.
pub(super) enum Whereabouts {
    At(Address),
    Off,
    /// The token does not hold, or not for this; the server's words.
    Refused(String),
}

/// A session as the store knows it.
pub(super) struct Standing {
    /// The agent's id of it, by which it is followed.
    pub(super) id: Option<SessionId>,
    pub(super) kind: String,
    pub(super) has_ended: bool,
    /// The last sequence that the server knows of.
    pub(super) recorded: u64,
    /// How it ended.
    pub(super) reason: Option<String>,
}

impl<'args> Stored<'args> {
    pub(super) fn new(server: &'args Server) -> Self {
        Self { client: client(Some(REQUEST_WITHIN)), server }
    }

    /// Asks where to connect. Errors: no answer, or one of another program.
    pub(super) fn whereabouts(&self) -> anyhow::Result<Whereabouts> {
        let (status, answer) = ask(&self.client, self.server, "/api/v1/live", &[])?;
        let detail = || answer["detail"].as_str().unwrap_or("no reason given").to_owned();
        match status {
            200 => {}
            401 | 403 => return Ok(Whereabouts::Refused(detail())),
            404 => anyhow::bail!("{} knows nothing of live: expected a newer Kymo", self.server.url),
            _ => anyhow::bail!("{status} {}/api/v1/live: {}", self.server.url, detail()),
        }
        let viewers = &answer["viewers"];
        let port = viewers["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let Some(port) = port.filter(|_| answer["enabled"] == true) else { return Ok(Whereabouts::Off) };
        let url: Uri = self.server.url.parse()?;
        let host = viewers["host"].as_str().or(url.host()).unwrap_or("127.0.0.1").to_owned();
        Ok(Whereabouts::At(Address { host, port, has_tls: viewers["tls"] == true }))
    }

    /// A session by any of its ids; `None`: it is not known.
    pub(super) fn standing(&self, id: &str) -> anyhow::Result<Option<Standing>> {
        let (status, session) =
            ask(&self.client, self.server, &format!("/api/v1/sessions/{}", escape(id)), &[])?;
        match status {
            200 => {}
            404 => return Ok(None),
            _ => anyhow::bail!("{status} {}/api/v1/sessions/{id}", self.server.url),
        }
        let text = |name: &str| session[name].as_str().map(str::to_owned);
        let id = [text("external_id"), text("id")].into_iter().flatten().find_map(|id| session_id(&id));
        Ok(Some(Standing {
            id,
            kind: text("kind").unwrap_or_default(),
            has_ended: session["state"] == "ended",
            recorded: session["process"]["recorded"].as_u64().unwrap_or(0),
            reason: text("end_reason"),
        }))
    }

    /// How many events of that range are stored.
    pub(super) fn count(&self, session: SessionId, first: u64, last: u64) -> anyhow::Result<u64> {
        let query = [("filter", range(first, last)), ("limit", "1".to_owned())];
        let (_, page) = ask(&self.client, self.server, &path(session), &query)?;
        Ok(page["total"].as_u64().unwrap_or(0))
    }

    /// The events of that range that fit, in order.
    pub(super) fn events(
        &self,
        session: SessionId,
        first: u64,
        last: u64,
        filter: Option<&str>,
    ) -> impl Iterator<Item = anyhow::Result<Value>> + 'args {
        let filter = filter.map(|filter| format!(" ({filter})")).unwrap_or_default();
        let query =
            vec![("filter", format!("{}{filter}", range(first, last))), ("limit", PAGE_EVENTS.to_string())];
        Pages::by(self.client.clone(), self.server, path(session), query)
    }
}

fn path(session: SessionId) -> String {
    format!("/api/v1/sessions/{session}/events")
}

fn range(first: u64, last: u64) -> String {
    format!("sequence:[{first} TO {last}]")
}
