//! Requests of the upload (`docs/uploads.md`), one at a time, blocking: each is asked once, and what comes of it told.
//! Who sends decides about asking again.
//!
//! Proxies are those of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`). Certificates are checked
//! against Mozilla's list, or against those in `SSL_CERT_FILE` alone, for servers with one of a company's own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kymo_model::SessionId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::Secret;

/// Time for one request: a piece is a second's work for a slow server, and half a minute's for a line of 64 kbit/s.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// Time to find the server and to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a connection, in each direction: with more, pieces would lie in memory twice.
const BUFFER_BYTES: usize = 16 * 1024;
/// Longest answer that is read: ten thousand fragments take 600 KiB.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// What is taken from a file of certificates.
const CERTIFICATE_ENV: &str = "SSL_CERT_FILE";

/// What a server that says nothing of its limits takes: that of the first version.
const APPEND_BYTES_MAX: u64 = 1 << 20;
const FRAGMENT_BYTES_MAX: u64 = 64 << 20;

/// What went wrong with a request, by what there is to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendErrorKind {
    /// No answer, or half of one. Again later, in smaller pieces.
    Unreachable,
    /// The server has trouble or no room (413, 429, 5xx). Again later, after [`SendError::retry_after`] if it is there.
    Busy,
    /// The session is not known (any more), or nothing is at that address (404). The head comes first.
    Unknown,
    /// No token that may send (401, 403). A person has to mend it.
    Refused,
    /// It took the request, and what was sent is not what it should be (422).
    Unfit,
    /// The request was not understood, or the answer is not that of a Kymo server.
    Misunderstood,
}

/// A request that did not do what it should.
#[derive(Clone, Debug)]
pub struct SendError {
    /// What there is to do about it.
    pub kind: SendErrorKind,
    /// Which request, what was expected, what was found.
    pub text: String,
    /// What the server asked to wait.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for SendError {}

/// What the server has of a fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes from its beginning.
    pub offset: u64,
    /// It is all of it.
    pub is_complete: bool,
}

/// The answer to the head of a file.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// What the server wants of the session: `all`, `with_errors`, `none`.
    pub wanted: String,
    /// Largest piece.
    pub append_bytes_max: u64,
    /// Largest fragment.
    pub fragment_bytes_max: u64,
    /// What is there, by fragment.
    pub fragments: BTreeMap<u64, Standing>,
}

/// How a session that runs is, for a server that wants to know whether it still does.
#[derive(Clone, Debug, Default)]
pub struct Beat {
    /// Of its last record.
    pub last_sequence: u64,
    /// Messages so far.
    pub messages: u64,
    /// Of these, events of kind `error` or with an exception, if that is known.
    pub errors: Option<u64>,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// A server that takes sessions, and the token for it. Cheap to make; connections are kept until it is dropped.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    server: String,
    url: String,
    authorization: Secret,
}

impl Client {
    /// For a server at `https://HOST[:PORT][/PATH]` or `http://…`, with a token of scope `ingest`. Asks nothing yet.
    ///
    /// Errors: [`SendErrorKind::Refused`] for an address that is none.
    pub fn new(server: &str, token: &str) -> Result<Self, SendError> {
        let is_address = ["https://", "http://"]
            .iter()
            .any(|scheme| server.strip_prefix(scheme).is_some_and(|rest| !rest.trim_matches('/').is_empty()));
        if !is_address {
            let text = format!("the server's address: expected https://HOST, found {server:?}");
            return Err(SendError { kind: SendErrorKind::Refused, text, retry_after: None });
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // What is sent is meant for one server only.
            .max_redirects(0)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .user_agent(crate::session::AGENT)
            .tls_config(TlsConfig::builder().root_certs(root_certificates()).build())
            .build()
            .new_agent();
        let url = format!("{}/api/v1/uploads", server.trim_end_matches('/'));
        Ok(Self {
            agent,
            server: server.to_owned(),
            url,
            authorization: Secret::new(format!("Bearer {token}")),
        })
    }

    /// For the server of the settings. Errors: as [`Client::new`]; there may be none in them.
    pub fn of(settings: &super::SendSettings) -> Result<Self, SendError> {
        match &settings.server {
            Some(server) => Self::new(server, settings.token.reveal()),
            None => Self::new("", ""),
        }
    }

    /// Where it sends to.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What ends its requests from another thread, at once: `shutdown` of a clone.
    pub(crate) fn agent(&self) -> Agent {
        self.agent.clone()
    }

    /// Shows the head of any of a session's files: what the server has of the session, and wants.
    pub fn begin(&self, head: &[u8]) -> Result<Head, SendError> {
        let asked = format!("POST {}", self.url);
        let request = self.agent.post(&self.url).header("authorization", self.authorization.reveal());
        let answer = request.content_type("application/octet-stream").send(head);
        let text = self.text(&asked, answer, &[200])?;
        read_head(&text).ok_or_else(|| SendError {
            kind: SendErrorKind::Misunderstood,
            text: format!("{asked}: expected the answer of a Kymo server, found {:?}", shortened(&text)),
            retry_after: None,
        })
    }

    /// What the server has of a fragment.
    pub fn standing(&self, session: SessionId, fragment: u64) -> Result<Standing, SendError> {
        let url = format!("{}/{session}/fragments/{fragment}", self.url);
        let asked = format!("HEAD {url}");
        let answer = self.agent.head(&url).header("authorization", self.authorization.reveal()).call();
        let mut answer = self.answer(&asked, answer, &[204])?;
        standing_of(&answer).ok_or_else(|| refusal(&asked, "204 with Upload-Offset", &mut answer))
    }

    /// Sends a piece, the last one if `is_complete`: what the server has then, or had if it expected another. What it
    /// says is durable there.
    pub fn append(
        &self,
        session: SessionId,
        fragment: u64,
        offset: u64,
        piece: &[u8],
        is_complete: bool,
    ) -> Result<Standing, SendError> {
        let url = format!("{}/{session}/fragments/{fragment}", self.url);
        let asked = format!("PATCH {url} of {} bytes at {offset}", piece.len());
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(piece)));
        let answer = self
            .agent
            .patch(&url)
            .header("authorization", self.authorization.reveal())
            .header("upload-offset", offset.to_string())
            .header("upload-complete", if is_complete { "?1" } else { "?0" })
            .header("content-digest", &digest)
            .content_type("application/partial-upload")
            .send(piece);
        let mut answer = self.answer(&asked, answer, &[204, 409])?;
        standing_of(&answer).ok_or_else(|| refusal(&asked, "204 or 409 with Upload-Offset", &mut answer))
    }

    /// Says how a session is that runs: what the server wants of it.
    pub fn beat(&self, session: SessionId, beat: &Beat) -> Result<String, SendError> {
        let url = format!("{}/{session}/beat", self.url);
        let asked = format!("POST {url}");
        let (last_sequence, messages) = (beat.last_sequence, beat.messages);
        let mut body = json!({"last_sequence": last_sequence, "messages": messages, "dropped": beat.dropped});
        if let Some(errors) = beat.errors {
            body["errors"] = errors.into();
        }
        let request = self.agent.post(&url).header("authorization", self.authorization.reveal());
        let answer = request.content_type("application/json").send(body.to_string());
        let text = self.text(&asked, answer, &[200])?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(answer["wanted"].as_str().unwrap_or("all").to_owned())
    }

    /// Where agents that are followed live connect; `None` where live is off, on the server or for the token's project.
    #[cfg(feature = "live")]
    pub(crate) fn live(&self) -> Result<Option<LivePlace>, SendError> {
        let url = format!("{}/api/v1/live", self.server.trim_end_matches('/'));
        let asked = format!("GET {url}");
        let request = self.agent.get(&url).header("authorization", self.authorization.reveal());
        let text = self.text(&asked, request.call(), &[200])?;
        read_live(&text).map_err(|expected| SendError {
            kind: SendErrorKind::Misunderstood,
            text: format!("{asked}: expected {expected}, found {:?}", shortened(&text)),
            retry_after: None,
        })
    }

    fn text(
        &self,
        asked: &str,
        answer: Result<Response<Body>, ureq::Error>,
        expected: &[u16],
    ) -> Result<String, SendError> {
        let mut answer = self.answer(asked, answer, expected)?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        text.map_err(|error| self.unreachable(asked, &error))
    }

    fn answer(
        &self,
        asked: &str,
        answer: Result<Response<Body>, ureq::Error>,
        expected: &[u16],
    ) -> Result<Response<Body>, SendError> {
        let mut answer = answer.map_err(|error| self.unreachable(asked, &error))?;
        if expected.contains(&answer.status().as_u16()) {
            return Ok(answer);
        }
        let expected: Vec<String> = expected.iter().map(u16::to_string).collect();
        Err(refusal(asked, &expected.join(" or "), &mut answer))
    }

    fn unreachable(&self, asked: &str, error: &ureq::Error) -> SendError {
        let proxy =
            self.agent.config().proxy().map(|proxy| format!(" through {}:{}", proxy.host(), proxy.port()));
        let text = format!("{asked}{}: expected an answer, found: {error}", proxy.unwrap_or_default());
        SendError { kind: SendErrorKind::Unreachable, text, retry_after: None }
    }
}

/// Where agents connect.
#[cfg(feature = "live")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LivePlace {
    /// `None`: the host that was asked.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

/// What the answer says is there.
fn standing_of(answer: &Response<Body>) -> Option<Standing> {
    let text = |name: &str| answer.headers().get(name)?.to_str().ok();
    let offset = text("upload-offset")?.parse().ok()?;
    Some(Standing { offset, is_complete: text("upload-complete") == Some("?1") })
}

fn refusal(asked: &str, expected: &str, answer: &mut Response<Body>) -> SendError {
    let status = answer.status().as_u16();
    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let said = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().unwrap_or_default();
    let problem: Value = serde_json::from_str(&said).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("no reason given");
    let kind = match status {
        404 => SendErrorKind::Unknown,
        401 | 403 => SendErrorKind::Refused,
        408 | 413 | 429 | 500..=599 => SendErrorKind::Busy,
        422 => SendErrorKind::Unfit,
        _ => SendErrorKind::Misunderstood,
    };
    let text = format!("{asked}: expected {expected}, found {status}: {}", shortened(detail));
    SendError { kind, text, retry_after: wait.map(Duration::from_secs) }
}

/// Foreign text in a message of ours.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

fn read_head(text: &str) -> Option<Head> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let standing = |one: &Value| {
        let (offset, is_complete) = (one["offset"].as_u64()?, one["complete"].as_bool()?);
        Some((one["fragment"].as_u64()?, Standing { offset, is_complete }))
    };
    Some(Head {
        wanted: answer["wanted"].as_str()?.to_owned(),
        append_bytes_max: answer["append_bytes_max"].as_u64().unwrap_or(APPEND_BYTES_MAX),
        fragment_bytes_max: answer["fragment_bytes_max"].as_u64().unwrap_or(FRAGMENT_BYTES_MAX),
        fragments: answer["fragments"].as_array()?.iter().filter_map(standing).collect(),
    })
}

/// The port for agents, if there is one.
///
/// Errors: what was expected.
#[cfg(feature = "live")]
fn read_live(text: &str) -> Result<Option<LivePlace>, &'static str> {
    let answer: Value = serde_json::from_str(text).map_err(|_| "the answer of a Kymo server")?;
    if !answer["enabled"].as_bool().ok_or("whether live is enabled")? {
        return Ok(None);
    }
    let agents = &answer["agents"];
    let port = agents["port"].as_u64().and_then(|port| u16::try_from(port).ok()).ok_or("a port")?;
    let is_tls = agents["tls"].as_bool().ok_or("whether there is TLS")?;
    Ok(Some(LivePlace { host: agents["host"].as_str().map(str::to_owned), port, is_tls }))
}

/// Certificates of the environment, if there are any that can be read: they are trusted instead of Mozilla's list.
pub(crate) fn own_certificates() -> Vec<Certificate<'static>> {
    let said = std::env::var_os(CERTIFICATE_ENV).and_then(|path| std::fs::read(path).ok());
    said.iter()
        .flat_map(|pem| parse_pem(pem))
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect()
}

fn root_certificates() -> RootCerts {
    let certificates = own_certificates();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for server in ["https://kymo.example", "http://127.0.0.1:8390/", "https://example.org/kymo"] {
            assert!(Client::new(server, "t").is_ok(), "{server}");
        }
        for server in ["", "kymo.example", "https://", "ftp://kymo.example", "https:///"] {
            let error = Client::new(server, "t").unwrap_err();
            assert!(error.text.contains("expected https://HOST"), "{server}: {error}");
        }
    }

    #[cfg(feature = "live")]
    #[test]
    fn the_port_for_agents_is_read() {
        let on = r#"{"enabled": true, "agents": {"port": 29971, "tls": false}, "viewers": {"port": 1, "tls": true}}"#;
        let there =
            |host: Option<&str>| LivePlace { host: host.map(str::to_owned), port: 29971, is_tls: false };
        assert_eq!(read_live(on), Ok(Some(there(None))));
        let mapped = r#"{"enabled": true, "agents": {"host": "live.test", "port": 29971, "tls": false}}"#;
        assert_eq!(read_live(mapped), Ok(Some(there(Some("live.test")))));
        assert_eq!(read_live(r#"{"enabled": false, "agents": null, "viewers": null}"#), Ok(None));
        for text in
            ["", "[]", r#"{"enabled": true}"#, r#"{"enabled": true, "agents": {"port": 70000, "tls": true}}"#]
        {
            assert!(read_live(text).is_err(), "{text}");
        }
    }

    #[test]
    fn answers_are_read_as_far_as_they_are_known() {
        let head = read_head(
            r#"{"wanted": "none", "append_bytes_max": 7, "more": 1,
                "fragments": [{"fragment": 2, "offset": 5, "complete": true}, {"fragment": "x"}]}"#,
        )
        .unwrap();
        assert_eq!((head.wanted.as_str(), head.append_bytes_max), ("none", 7));
        assert_eq!(head.fragment_bytes_max, FRAGMENT_BYTES_MAX);
        assert_eq!(head.fragments, BTreeMap::from([(2, Standing { offset: 5, is_complete: true })]));
        for text in ["", "{}", "[]", "<html>", r#"{"wanted": "all"}"#] {
            assert!(read_head(text).is_none(), "{text}");
        }
    }
}
