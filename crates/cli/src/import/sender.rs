//! Requests of the upload, each sent again while the server may be on its way back.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kymo_format::{Part, Standing};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Tries of one request; with the waits between them a minute, in which a server is started again.
const TRIES_MAX: u32 = 10;
/// The first wait; each is twice the one before, up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Time for one request: a piece is a second's work for a slow server.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

pub(super) struct Sender {
    client: ureq::Agent,
    url: String,
    authorization: String,
}

type Answer = ureq::http::Response<ureq::Body>;

impl Sender {
    pub(super) fn new(url: &str, token: &str) -> Self {
        let client = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build()
            .into();
        let url = format!("{}/api/v1/uploads", url.trim_end_matches('/'));
        Self { client, url, authorization: format!("Bearer {token}") }
    }

    /// Shows the head of a file: the session's id there, and what the server has of it, by fragment.
    pub(super) fn begin(&self, head: &[u8]) -> anyhow::Result<(String, BTreeMap<u64, Standing>)> {
        let mut answer = self.again(|| {
            let request = self.client.post(&self.url).header("authorization", &self.authorization);
            request.content_type("application/octet-stream").send(head)
        })?;
        if answer.status().as_u16() != 200 {
            bail!("{}", refusal(&mut answer));
        }
        let text = answer.body_mut().read_to_string()?;
        let wanted: Value = serde_json::from_str(&text).context("expected JSON: is it a Kymo server?")?;
        let fragments = wanted["fragments"].as_array().map(Vec::as_slice).unwrap_or_default();
        let standing = |one: &Value| {
            let (offset, is_complete) = (one["offset"].as_u64()?, one["complete"].as_bool()?);
            Some((one["fragment"].as_u64()?, Standing { offset, is_complete }))
        };
        let id = wanted["session"].as_str().unwrap_or_default().to_owned();
        Ok((id, fragments.iter().filter_map(standing).collect()))
    }

    /// Sends a piece: what the server has then, or had if it expected another.
    pub(super) fn append(
        &self,
        part: &Part,
        offset: u64,
        piece: &[u8],
        is_complete: bool,
    ) -> anyhow::Result<Standing> {
        let url = format!("{}/{}/fragments/{}", self.url, part.session, part.fragment);
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(piece)));
        let mut answer = self.again(|| {
            self.client
                .patch(&url)
                .header("authorization", &self.authorization)
                .header("upload-offset", offset.to_string())
                .header("upload-complete", if is_complete { "?1" } else { "?0" })
                .header("content-digest", &digest)
                .content_type("application/partial-upload")
                .send(piece)
        })?;
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        match (answer.status().as_u16(), text("upload-offset").and_then(|text| text.parse().ok())) {
            (204 | 409, Some(offset)) => {
                Ok(Standing { offset, is_complete: text("upload-complete") == Some("?1") })
            }
            _ => bail!("{}", refusal(&mut answer)),
        }
    }

    /// Asks again while there is no answer, or one that says to come later.
    fn again(&self, ask: impl Fn() -> Result<Answer, ureq::Error>) -> anyhow::Result<Answer> {
        let mut wait = WAIT_FIRST;
        for tried in 1.. {
            let later = match ask() {
                Ok(answer) if !matches!(answer.status().as_u16(), 429 | 502..=504) => return Ok(answer),
                Ok(answer) => {
                    let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                    seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs)
                }
                Err(error) if tried >= TRIES_MAX => {
                    return Err(error).with_context(|| format!("cannot reach {}", self.url));
                }
                Err(_) => None,
            };
            if tried >= TRIES_MAX {
                break;
            }
            std::thread::sleep(later.unwrap_or(wait).min(WAIT_MAX));
            wait = (wait * 2).min(WAIT_MAX);
        }
        Err(anyhow!("{} has no room for it: try again later", self.url))
    }
}

fn refusal(answer: &mut Answer) -> String {
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    format!("the server answered {status}: {}", problem["detail"].as_str().unwrap_or("no reason given"))
}
