//! What a connection sends, and how.

use std::time::Duration;

use jiff::Timestamp;

/// A request and what it tells.
pub(super) struct Sent {
    pub(super) request: Request,
    /// Texts of events that are stored exactly once each.
    pub(super) ordinary: Vec<String>,
    /// Texts of starts, ends and heartbeats: the rules decide whether they are stored.
    pub(super) others: Vec<String>,
    /// What it tells of tabs.
    pub(super) messages: Vec<Message>,
    /// All of it was answered before.
    pub(super) is_repeat: bool,
    /// When it was first sent.
    pub(super) at: Timestamp,
}

/// A message of a tab.
#[derive(Clone)]
pub(super) struct Message {
    /// The tab by a name that no other has.
    pub(super) tab: String,
    /// The agent's id, which an opened tab shares with the one it was opened from.
    pub(super) agent: String,
    /// The page load's id.
    pub(super) load: String,
    pub(super) sequence: u64,
    pub(super) text: String,
    /// The visit, where the tab's site has a cookie that says it.
    pub(super) visit: Option<String>,
}

#[derive(Clone)]
pub(super) enum Request {
    /// A batch of the Exceptionless kind.
    Events { body: String },
    /// A heartbeat or close call.
    Call {
        id: String,
        close: bool,
        /// There is a session of that id that has not ended.
        moves: bool,
    },
    /// A post of a web page.
    Post { body: String, headers: Vec<(&'static str, String)> },
}

impl Sent {
    pub(super) fn new(request: Request) -> Self {
        Self {
            request,
            ordinary: Vec::new(),
            others: Vec::new(),
            messages: Vec::new(),
            is_repeat: false,
            at: Timestamp::default(),
        }
    }
}

impl Request {
    /// The answer that means stored.
    pub(super) fn answer(&self) -> u16 {
        match self {
            Self::Events { .. } => 202,
            Self::Call { .. } => 200,
            Self::Post { .. } => 204,
        }
    }

    /// The status, or why there is none.
    pub(super) fn send(&self, agent: &ureq::Agent, url: &str, token: &str) -> Result<u16, String> {
        let bearer = format!("Bearer {token}");
        let answer = match self {
            Self::Events { body } => agent
                .post(format!("{url}/api/v2/events"))
                .header("authorization", bearer)
                .content_type("application/json")
                .send(body),
            Self::Call { id, close, .. } => agent
                .get(format!("{url}/api/v2/events/session/heartbeat?id={id}&close={close}"))
                .header("authorization", bearer)
                .call(),
            Self::Post { body, headers } => {
                let request = agent.post(format!("{url}/in/{token}/loupe/log"));
                let request =
                    headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
                request.content_type("application/json").send(body)
            }
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        // Read to the end, so that the connection can be used again.
        answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok(status)
    }
}

/// Connections are kept.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// A date as agents write it, with all three digits of the milliseconds.
pub(super) fn date(millis: i64) -> String {
    let date = Timestamp::from_millisecond(millis).expect("a date of our days");
    format!("{date:.3}")
}
