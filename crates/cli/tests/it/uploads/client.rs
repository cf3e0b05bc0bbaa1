//! The upload by hand.

use kymo_testkit::Kymo;
use kymo_testkit::record_requests::header;
use serde_json::Value;

/// Somebody who sends one session.
pub(super) struct Client<'kymo> {
    kymo: &'kymo Kymo,
    agent: ureq::Agent,
}

/// Status, `Upload-Offset`, `Upload-Complete`.
pub(super) type Standing = (u16, Option<u64>, Option<String>);

impl<'kymo> Client<'kymo> {
    pub(super) fn new(kymo: &'kymo Kymo) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Self { kymo, agent: config.max_idle_connections(0).build().into() }
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.kymo.ingest_token)
    }

    /// Shows the head of a file.
    pub(super) fn begin(&self, head: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("{}/api/v1/uploads", self.kymo.url()));
        let mut answer = request.header("authorization", self.authorization()).send(head).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
    }

    fn url(&self, fragment: u64) -> String {
        format!("{}/api/v1/uploads/{}/fragments/{fragment}", self.kymo.url(), header().session)
    }

    pub(super) fn ask(&self, fragment: u64) -> Standing {
        let request = self.agent.head(self.url(fragment)).header("authorization", self.authorization());
        standing(&request.call().unwrap())
    }

    pub(super) fn append(&self, fragment: u64, offset: usize, piece: &[u8], is_last: bool) -> Standing {
        self.append_with(fragment, offset, piece, is_last, &[])
    }

    /// Status and `Retry-After`.
    pub(super) fn append_told(
        &self,
        fragment: u64,
        offset: usize,
        piece: &[u8],
        is_last: bool,
    ) -> (u16, Option<u64>) {
        let mut request = self.agent.patch(self.url(fragment)).header("authorization", self.authorization());
        request = request.header("upload-offset", offset.to_string());
        request = request.header("upload-complete", if is_last { "?1" } else { "?0" });
        let answer = request.header("content-type", "application/partial-upload").send(piece).unwrap();
        let after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        (answer.status().as_u16(), after)
    }

    pub(super) fn append_with(
        &self,
        fragment: u64,
        offset: usize,
        piece: &[u8],
        is_last: bool,
        headers: &[(&str, &str)],
    ) -> Standing {
        let mut request = self.agent.patch(self.url(fragment)).header("authorization", self.authorization());
        request = request.header("upload-offset", offset.to_string());
        request = request.header("upload-complete", if is_last { "?1" } else { "?0" });
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/partial-upload");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        standing(&request.send(piece).unwrap())
    }
}

fn standing(answer: &ureq::http::Response<ureq::Body>) -> Standing {
    let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let offset = text("upload-offset").map(|text| text.parse().unwrap());
    (answer.status().as_u16(), offset, text("upload-complete"))
}
